"""Series from a real archive and segmentations back into it, as they are typed."""

import json
from contextlib import ExitStack

import highdicom
import nibabel
import numpy as np
import pydicom
import pytest
from dicom_files import write_ct
from dicom_results import segment_on_grid
from dicomweb_client import DICOMwebClient
from orthanc import IS_THERE, PASSWORD, USER, Orthanc
from tiny_bundle import make_tiny_bundle

import axial
from tools.bundles import get_bundle
from tools.results.segmenting import Segmenter

pytestmark = pytest.mark.skipif(not IS_THERE, reason="Debian's orthanc and orthanc-dicomweb are not installed")
VOLUME = np.full((12, 10, 6), -500, np.int16)
VOLUME[2:5, 3:8, 1:4] = 300  # an asymmetric block


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """What is brighter than 0.5 is a spot, on CT."""
    return make_tiny_bundle(tmp_path_factory.mktemp("tiny") / "spots_segmentation", modality="CT")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with Orthanc(tmp_path_factory.mktemp("orthanc")) as running:
        yield running


@pytest.fixture
def study(archive, tmp_path):
    """A study with one CT series in the archive: its folder, its address and its first file's header."""
    folder = write_ct(tmp_path / "ct", VOLUME, (0.7, 0.9, 2.0))
    archive.put(*folder.iterdir())
    header = pydicom.dcmread(next(folder.iterdir()))
    return folder, f"{archive.address}/studies/{header.StudyInstanceUID}", header


@pytest.fixture
def segment(tools):
    return lambda *arguments: tools("segment", *arguments, "--trust")


def client_of(archive) -> DICOMwebClient:
    return DICOMwebClient(f"{archive.url}/dicom-web")


def test_a_ct_comes_and_its_segmentation_goes_back(archive, study, segment, tiny, tmp_path):
    folder, address, header = study
    code, printed = segment(tiny, address, "-o", tmp_path / "out", "--store")
    assert code == 0 and f"{header.SeriesInstanceUID}: stored as {address}/series/" in printed, printed
    assert segment(tiny, folder, "-o", tmp_path / "files")[0] == 0
    ours, theirs = (nibabel.load(next((tmp_path / name).glob("*_seg.nii.gz"))) for name in ("out", "files"))
    assert np.array_equal(ours.dataobj, theirs.dataobj) and np.count_nonzero(ours.dataobj) == np.count_nonzero(VOLUME > 0)
    np.testing.assert_allclose(ours.affine, theirs.affine)

    client = client_of(archive)
    (found,) = client.search_for_series(header.StudyInstanceUID, search_filters={"Modality": "SEG"})
    series = pydicom.Dataset.from_json(found).SeriesInstanceUID
    (stored,) = client.retrieve_series(header.StudyInstanceUID, series)
    segmentation = highdicom.seg.Segmentation.from_dataset(stored)
    assert np.array_equal(segment_on_grid(segmentation, theirs.affine, theirs.shape), theirs.dataobj)
    assert {item.ReferencedSOPInstanceUID for item in stored.ReferencedSeriesSequence[0].ReferencedInstanceSequence} <= {
        pydicom.dcmread(file).SOPInstanceUID for file in folder.iterdir()
    }

    record = json.loads(next((tmp_path / "out").glob("*.record.json")).read_text())
    assert record["source"] == [f"{address}/series/{header.SeriesInstanceUID}"]
    texts = [path for path in (tmp_path / "out").rglob("*") if path.suffix in (".json", ".html", ".csv", ".js")]
    assert len(texts) > 3 and not any(b"axial-dicomweb-" in path.read_bytes() for path in texts)
    code, printed = segment(tiny, address, "-o", tmp_path / "out", "--store")  # the archive has it
    assert code == 0 and series in printed
    assert len(client.search_for_series(header.StudyInstanceUID, search_filters={"Modality": "SEG"})) == 1


def test_series_are_listed_and_chosen(archive, study, segment, tiny, tmp_path):
    _, address, header = study
    other = write_ct(
        tmp_path / "thick", VOLUME, StudyInstanceUID=header.StudyInstanceUID, SeriesNumber=7, SeriesDescription="thick"
    )
    mri = write_ct(tmp_path / "mri", VOLUME, StudyInstanceUID=header.StudyInstanceUID, SeriesNumber=8, Modality="MR")
    archive.put(*other.iterdir(), *mri.iterdir())
    code, printed = segment(tiny, address, "-o", tmp_path / "out")
    assert code == 1 and "2 series fit" in printed and "number 7 (CT, thick, 6 files" in printed and "--series" in printed
    assert "MR" not in printed.partition("2 series fit")[2]
    uid = pydicom.dcmread(next(other.iterdir())).SeriesInstanceUID
    for choice in (["--series", "7"], ["--series", uid]):
        assert segment(tiny, address, "-o", tmp_path / choice[1], *choice)[0] == 0
        assert (tmp_path / choice[1] / f"{uid}_seg.nii.gz").exists()
    assert segment(tiny, f"{address}/series/{uid}", "-o", tmp_path / "one")[0] == 0
    code, printed = segment(tiny, address, "-o", tmp_path / "out", "--series", "9")
    assert code == 1 and "series 9: no such series" in printed and "number 8 (MR" in printed
    code, printed = segment(tiny, address, "-o", tmp_path / "dry", "--series", "7", "--dry-run")
    assert code == 0 and f"{uid}: to be segmented" in printed and not (tmp_path / "dry").exists()


def test_flair_and_t1_of_a_study(archive, tmp_path):
    uid = None
    for number, name in enumerate(("FLAIR sag", "T1 mprage", "T2 tse"), 1):
        tags = {} if uid is None else {"StudyInstanceUID": uid}
        folder = write_ct(tmp_path / name, VOLUME, Modality="MR", SeriesDescription=name, SeriesNumber=number, **tags)
        uid = pydicom.dcmread(next(folder.iterdir())).StudyInstanceUID
        archive.put(*folder.iterdir())
    segmenter = Segmenter(get_bundle("lesions"), device="cpu")
    for choice in (None, "1,2"):
        with ExitStack() as stack:
            archives = segmenter.archives(stack, choice)
            (case,), failed = segmenter.find([f"{archive.address}/studies/{uid}"], None, archives)
            assert not failed and case["case"] == uid
            assert [path.rpartition("/")[2] for path in case["image"]] == ["FLAIR", "T1"]
            assert all(len(list(folder.iterdir())) == 6 for folder in archives.folders)


def test_credentials_come_from_the_environment(study, segment, tiny, tmp_path, monkeypatch):
    folder, _, header = study
    with Orthanc(tmp_path / "guarded", users=True) as guarded:
        guarded.put(*folder.iterdir())
        address = f"{guarded.address}/studies/{header.StudyInstanceUID}"
        code, printed = segment(tiny, address, "-o", tmp_path / "out")
        assert code == 1 and "asks for credentials (401)" in printed and "AXIAL_DICOMWEB_USER" in printed
        monkeypatch.setenv("AXIAL_DICOMWEB_USER", USER)
        monkeypatch.setenv("AXIAL_DICOMWEB_PASSWORD", "another secret")
        code, printed = segment(tiny, address, "-o", tmp_path / "out")
        assert code == 1 and "does not know these credentials (401)" in printed and "another secret" not in printed
        monkeypatch.setenv("AXIAL_DICOMWEB_PASSWORD", PASSWORD)
        code, printed = segment(tiny, address, "-o", tmp_path / "out", "--store")
        assert code == 0 and PASSWORD not in printed
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert PASSWORD.encode() not in written and b"Authorization" not in written


def test_from_python(study, tiny):
    _, address, header = study
    bundle = axial.bundles.Bundle(tiny)
    result = axial.segment(bundle, address)
    assert result.name == header.SeriesInstanceUID and result.mask.get_fdata().sum() == np.count_nonzero(VOLUME > 0)
    assert result.record["source"] == [f"{address}/series/{header.SeriesInstanceUID}"]
    good, missing = axial.segment(bundle, [address, f"{address.rpartition('/')[0]}/1.2.3"])
    assert good.error is None and "no CT series" in str(missing.error)
