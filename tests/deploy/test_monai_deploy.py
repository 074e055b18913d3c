"""MONAI Deploy's own operators run the unpacked zips, DICOM in, DICOM Segmentation out, with the voxels of ``segment``.

``make test-deploy`` builds the SDK's environment and names its interpreter in AXIAL_DEPLOY_PYTHON.
"""

import os
import subprocess
import sys
from pathlib import Path

import highdicom
import nibabel
import numpy as np
import pydicom
import pytest
from bundle_runs import unpacked
from conftest import REPOSITORY
from dicom_files import write_series
from small_data import CORD, LESIONS, MUSCLES, SPINE

from tools.bundles import get_bundle
from tools.phantoms.write import WRITERS

PYTHON = os.environ.get("AXIAL_DEPLOY_PYTHON")
pytestmark = pytest.mark.skipif(PYTHON is None, reason="run by `make test-deploy`")
KINDS = {CORD: "t2star", SPINE: "cervical"}
MODALITIES = {CORD: "MR", SPINE: "CT", MUSCLES: "MR", LESIONS: "MR"}


def run_app(bundle: Path, source: Path, target: Path) -> subprocess.CompletedProcess:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [PYTHON, str(Path(__file__).with_name("app.py")), bundle, source, target]
    return subprocess.run(list(map(str, command)), cwd=target.parent, env=environment, capture_output=True, text=True)


def phantom_series(name: str, folder: Path) -> Path:
    """Write the first image of a phantom as a DICOM series of square pixels: SDK 4.0.0 swaps the spacings of others."""
    WRITERS[name](folder / "phantom", 1, 7, kind=KINDS.get(name))
    image = nibabel.load(next(path for path in sorted((folder / "phantom").glob("*.nii.gz")) if "label" not in path.name))
    affine = image.affine.copy()
    affine[:3, 1] *= np.linalg.norm(affine[:3, 0]) / np.linalg.norm(affine[:3, 1])
    square = nibabel.Nifti1Image(image.dataobj, affine)
    return write_series(folder / "series", square, MODALITIES[name], description="FLAIR")  # lesions are told by it


def on_grid(array: np.ndarray, affine: np.ndarray, mask: nibabel.Nifti1Image) -> np.ndarray:
    """Return a label map in LPS on the grid of a mask; its voxels must lie on that grid."""
    index = np.argwhere(array)
    matrix = np.linalg.inv(np.diag([-1.0, -1, 1, 1]) @ mask.affine) @ affine
    places = index @ matrix[:3, :3].T + matrix[:3, 3]
    np.testing.assert_allclose(places, places.round(), atol=0.01)
    found = np.zeros(mask.shape, array.dtype)
    found[tuple(places.round().astype(int).T)] = array[tuple(index.T)]
    return found


@pytest.mark.parametrize("name", MODALITIES)
def test_the_operator_gives_the_voxels_of_segment(name, tmp_path):
    source = phantom_series(name, tmp_path)
    done = run_app(unpacked(get_bundle(name).folder, tmp_path), source, tmp_path / "deploy")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (written,) = (tmp_path / "deploy").iterdir()
    segmentation = highdicom.seg.segread(written)
    found = segmentation.get_volume(combine_segments=True, relabel=False)

    command = [sys.executable, "-m", "tools", "segment", name, str(source), "-o", str(tmp_path / "own")]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    expected = nibabel.load(tmp_path / "own" / "series_seg.nii.gz")
    difference = on_grid(found.array, found.affine, expected) != np.asarray(expected.dataobj)
    assert np.count_nonzero(difference) == 0 and found.array.any()

    images = {pydicom.dcmread(path).SOPInstanceUID for path in source.iterdir()}
    references = {item.ReferencedSOPInstanceUID for item in segmentation.ReferencedSeriesSequence[0].ReferencedInstanceSequence}
    assert references <= images
    classes = get_bundle(name).classes
    assert {item.SegmentLabel for item in segmentation.SegmentSequence} - {"unused"} <= set(classes.values())


def test_a_series_of_another_modality_is_refused_with_our_words(tmp_path):
    source = phantom_series(CORD, tmp_path)
    done = run_app(unpacked(get_bundle(SPINE).folder, tmp_path), source, tmp_path / "deploy")
    assert done.returncode != 0 and "its modality is MR, this bundle is for CT." in done.stdout + done.stderr
    assert not (tmp_path / "deploy").exists()
