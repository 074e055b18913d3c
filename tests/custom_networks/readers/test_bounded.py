"""No more memory than a file's own content, whatever it promises."""

import gzip
import io
import tracemalloc
import zipfile

import numpy as np
import odd_files
import pydicom
import pytest
from dicom_files import write_slice
from odd_files import nifti
from pydicom.uid import DeflatedExplicitVRLittleEndian

from custom_networks import LoadRadiographd, LoadVolumed, UserError

MIB = 2**20


def peak_of(path, words: str = "", loader=LoadVolumed) -> float:
    """Return the MiB taken while a file is loaded, or refused in these words."""
    load = loader("image")
    tracemalloc.start()
    try:
        if words:
            with pytest.raises(UserError, match=words):
                load({"image": str(path)})
        else:
            load({"image": str(path)})
        return tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()


def zeros(count: int) -> bytes:
    """Return a gzip stream of so many MiB of zeros."""
    stream = io.BytesIO()
    with gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=1) as packed:
        for _ in range(count):
            packed.write(bytes(MIB))
    return stream.getvalue()


def test_a_gzip_that_goes_on_behind_its_image(tmp_path):
    path = nifti(lambda raw: gzip.compress(bytes(raw)) + zeros(300), "a.nii.gz")(tmp_path)
    assert path.stat().st_size < 2 * MIB and peak_of(path) < 16


def test_a_gzip_that_promises_more_than_it_holds(tmp_path):
    path = nifti(lambda raw: gzip.compress(bytes(raw)) + zeros(20), "a.nii.gz", dim=[3, 400, 400, 200, 1, 1, 1, 1])(tmp_path)
    path.write_bytes(path.read_bytes() + np.random.default_rng(0).bytes(MIB))
    assert peak_of(path, "damaged|ends early") < 64


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (nifti(dim=[3, 32767, 32767, 32767, 1, 1, 1, 1]), "GiB of voxels"),
        (nifti(dim=[3, 500, 500, 500, 1, 1, 1, 1]), "ends early"),
        (odd_files.meta_image(DimSize="500 500 500"), "ends early"),
        (odd_files.meta_image(DimSize="500 500 500", CompressedData=True, data=odd_files.PACKINGS["zlib"]), "ends early"),
        (odd_files.nrrd_file(encoding="bzip2", edit=lambda raw: raw.replace(b"12 14 6", b"500 500 500")), "ends early"),
    ],
    ids=["NIfTI", "large NIfTI", "MetaImage", "packed MetaImage", "NRRD"],
)
def test_sizes_that_the_file_cannot_hold(tmp_path, make, words):
    assert peak_of(make(tmp_path), words) < 16


def test_a_picture_that_claims_to_be_huge(tmp_path):
    (tmp_path / "a.png").write_bytes(odd_files.png_of(12000, 12000))
    (tmp_path / "b.png").write_bytes(odd_files.png_of(60000, 60000))
    assert peak_of(tmp_path / "b.png", "pixels", LoadRadiographd) < 16


def test_the_limit_can_be_set(tmp_path, monkeypatch):
    path = nifti()(tmp_path)
    monkeypatch.setenv("AXIAL_MAX_BYTES", "1000")
    peak_of(path, r"3\.94 KiB of voxels, more than the 1000 bytes that are read. Crop it, or raise the limit with --max-bytes")
    monkeypatch.setenv("AXIAL_MAX_BYTES", "4032")
    peak_of(path)
    monkeypatch.setenv("AXIAL_MAX_BYTES", "4 GB")
    peak_of(path, "AXIAL_MAX_BYTES=4 GB: not a number of bytes")


def test_dicom_that_inflates_is_refused_in_little_memory(tmp_path, monkeypatch):
    path = write_slice(tmp_path / "a.dcm", (0, 0, 0), np.arange(54).reshape(6, 9))
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(path)
    assert peak_of(path) < 8
    dataset.PixelData = bytes(30 * MIB)
    dataset.save_as(path)
    assert path.stat().st_size < MIB / 10
    monkeypatch.setenv("AXIAL_MAX_BYTES", str(20 * MIB))
    assert peak_of(path, r"a\.dcm: 2[0-9.]+ MiB of voxels") < 8


def test_a_zip_of_too_many_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("custom_networks.readers.dicom_files.MOST_MEMBERS", 3)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for index in range(4):
            archive.writestr(f"{index}.txt", "x")
    peak_of(tmp_path / "a.zip", "4 files in a zip")


def test_members_that_are_no_dicom_are_not_unpacked(tmp_path):
    folder = odd_files.series()(tmp_path)
    path = odd_files.zipped(folder)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("film.avi", "w") as stream:
        for _ in range(300):
            stream.write(bytes(MIB))
    assert peak_of(path) < 16
