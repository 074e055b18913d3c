"""A MONAI Label server with the bundles' zips gives, voxel for voxel, what ``monai.bundle run`` gives; it learns over REST too.

``make test-label`` builds the server's environment and names its interpreter in AXIAL_LABEL_PYTHON.
"""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from bundle_runs import run_bundle
from conftest import save_nifti
from label_server import BUNDLES, PYTHON, LabelServer, form

from tools.phantoms.write import WRITERS

pytestmark = pytest.mark.skipif(PYTHON is None, reason="run by `make test-label`")
KINDS = {"spinal_cord_gray_matter_segmentation": "t2star", "vertebrae_ct_instance_segmentation": "cervical"}


def write_study(folder: Path, name: str) -> Path:
    """Write one phantom with its label, and its image as ``studies/<bundle>.nii.gz``; several modalities become channels."""
    data = folder / "data" / name
    WRITERS[name](data, 1, 7, kind=KINDS.get(name))
    images = [nibabel.load(path) for path in sorted(data.glob("*.nii.gz")) if not path.name.endswith("_label.nii.gz")]
    array = np.stack([np.asarray(image.dataobj) for image in images], -1) if len(images) > 1 else np.asarray(images[0].dataobj)
    return save_nifti(folder / "studies" / f"{name}.nii.gz", array, images[0].affine)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("label")
    (folder / "studies").mkdir()
    for name in BUNDLES:
        write_study(folder, name)
    with LabelServer(folder, list(BUNDLES.values()), folder / "studies") as running:
        yield running


def test_every_bundle_is_served_with_its_labels_and_settings(server):
    served = json.loads(server.call("GET", "/info/"))["models"]
    for name, bundle in BUNDLES.items():
        expected = {label.lower(): int(value) for value, label in bundle.classes.items() if label != "background"}
        assert served[name]["labels"] == expected
        assert "bfloat16" in served[name]["config"]


@pytest.mark.parametrize("name", BUNDLES)
def test_the_server_gives_the_voxels_of_the_bundle(server, name, tmp_path):
    answer = tmp_path / "answer.nii.gz"
    answer.write_bytes(server.call("POST", f"/infer/{name}?image={name}&output=image", form({"device": "cpu"})))
    root = server.models / name
    settings = {"bundle_root": root, "input": server.studies / f"{name}.nii.gz", "output_dir": tmp_path / "out"}
    run_bundle("inference", [str(root / "configs" / "inference.json")], tmp_path, **settings)
    found, expected = nibabel.load(answer), nibabel.load(tmp_path / "out" / f"{name}_seg.nii.gz")
    np.testing.assert_allclose(found.affine, expected.affine, atol=1e-5)
    assert np.array_equal(np.asarray(found.dataobj), np.asarray(expected.dataobj))
    assert np.asarray(found.dataobj).any()


def test_a_threshold_set_by_the_reader_has_an_effect(server, tmp_path):
    name = "spinal_cord_gray_matter_segmentation"
    volumes = []
    for threshold in (0.3, 0.9):
        path = tmp_path / f"{threshold}.nii.gz"
        request = form({"device": "cpu", "threshold": threshold})
        path.write_bytes(server.call("POST", f"/infer/{name}?image={name}&output=image", request))
        volumes.append(np.count_nonzero(nibabel.load(path).dataobj))
    assert volumes[0] > volumes[1] > 0


def test_a_saved_label_trains_over_rest(server):
    name = "spinal_muscles_mri_segmentation"
    label = next((server.folder / "data" / name).glob("*_label.nii.gz")).read_bytes()
    server.call("PUT", f"/datastore/label?image={name}&tag=final", form({}, label))
    assert (server.studies / "labels" / "final" / f"{name}.nii.gz").is_file()
    settings = {"max_epochs": 1, "val_split": 0, "device": "cpu", "multi_gpu": False, "tracking": "none"}
    server.call("POST", f"/train/{name}?run_sync=true", json.dumps(settings).encode(), "application/json")
    assert (server.models / name / "runs" / "model_average.pt").is_file()
