"""MONAI Label with a real archive as its datastore: infer, store the label as DICOM Segmentation, train; as the guide says."""

import json

import highdicom
import nibabel
import numpy as np
import pydicom
import pytest
from bundle_runs import run_bundle
from dicom_files import write_series
from dicom_results import segment_on_grid
from dicomweb_client import DICOMwebClient
from label_server import BUNDLES, PYTHON, LabelServer, form
from orthanc import IS_THERE, Orthanc

from tools.phantoms.write import WRITERS

pytestmark = [
    pytest.mark.skipif(PYTHON is None, reason="run by `make test-label`"),
    pytest.mark.skipif(not IS_THERE, reason="Debian's orthanc and orthanc-dicomweb are not installed"),
]
NAME = "spinal_muscles_mri_segmentation"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with Orthanc(tmp_path_factory.mktemp("orthanc")) as running:
        yield running


@pytest.fixture(scope="module")
def series(archive, tmp_path_factory):
    """A phantom in the archive: its folder and its first header."""
    folder = tmp_path_factory.mktemp("phantom")
    WRITERS[NAME](folder / "data", 1, 7, kind=None)
    (image,) = (path for path in (folder / "data").glob("*.nii.gz") if not path.name.endswith("_label.nii.gz"))
    written = write_series(folder / "series", nibabel.load(image), "MR")
    archive.put(*written.iterdir())
    return written, pydicom.dcmread(next(written.iterdir()))


@pytest.fixture(scope="module")
def server(archive, series, tmp_path_factory):
    folder = tmp_path_factory.mktemp("label")
    settings = {
        "MONAI_LABEL_DICOMWEB_SEARCH_FILTER": json.dumps({"Modality": "MR"}),
        "MONAI_LABEL_DICOMWEB_CACHE_PATH": str(folder / "cache"),
    }
    prepared = LabelServer(folder, [BUNDLES[NAME]], f"{archive.url}/dicom-web", **settings)
    config = prepared.models / NAME / "configs" / "train.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"epoch_length": 1, "batch_size": 1}))  # a test's patience
    with prepared as running:
        yield running


@pytest.fixture(scope="module")
def answer(server, series, tmp_path_factory):
    """What the server makes of the series in the archive."""
    found = tmp_path_factory.mktemp("answer") / "answer.nii.gz"
    found.write_bytes(
        server.call("POST", f"/infer/{NAME}?image={series[1].SeriesInstanceUID}&output=image", form({"device": "cpu"}))
    )
    return found


def test_the_archives_series_is_segmented_as_its_files_are(server, series, answer, tmp_path):
    root = server.models / NAME
    settings = {"bundle_root": root, "input": series[0], "output_dir": tmp_path / "out"}
    run_bundle("inference", [str(root / "configs" / "inference.json")], tmp_path, **settings)
    found, expected = nibabel.load(answer), nibabel.load(next((tmp_path / "out").glob("*_seg.nii.gz")))
    to_expected = np.linalg.inv(expected.affine) @ found.affine  # ITK's series reader has other axes
    places = np.argwhere(np.asarray(found.dataobj)) @ to_expected[:3, :3].T + to_expected[:3, 3]
    np.testing.assert_allclose(places, places.round(), atol=1e-2)
    mine = np.zeros(expected.shape, np.uint8)
    mine[tuple(places.round().astype(int).T)] = np.asarray(found.dataobj)[tuple(np.argwhere(np.asarray(found.dataobj)).T)]
    assert mine.any() and np.mean(mine == np.asarray(expected.dataobj)) > 0.9999


def test_a_label_becomes_dicom_segmentation_and_trains(archive, server, series, answer):
    image, study = series[1].SeriesInstanceUID, series[1].StudyInstanceUID
    classes = [name for value, name in BUNDLES[NAME].classes.items() if value != "0"]
    params = {"label_info": [{"name": name, "model_name": NAME} for name in classes]}
    server.call("PUT", f"/datastore/label?image={image}&tag=final", form(params, answer.read_bytes()))
    client = DICOMwebClient(f"{archive.url}/dicom-web")
    (listed,) = client.search_for_series(study, search_filters={"Modality": "SEG"})
    (stored,) = client.retrieve_series(study, pydicom.Dataset.from_json(listed).SeriesInstanceUID)
    assert [segment.SegmentLabel for segment in stored.SegmentSequence] == classes
    mask = nibabel.load(answer)
    segmentation = highdicom.seg.Segmentation.from_dataset(stored)
    assert np.array_equal(segment_on_grid(segmentation, mask.affine, mask.shape), mask.dataobj)

    settings = {"max_epochs": 1, "val_split": 0, "device": "cpu", "multi_gpu": False, "tracking": "none"}
    server.call("POST", f"/train/{NAME}?run_sync=true", json.dumps(settings).encode(), "application/json")
    assert (server.models / NAME / "runs" / "model_average.pt").is_file()
