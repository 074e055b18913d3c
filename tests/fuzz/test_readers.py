"""Damaged headers for every reader: each file is read rightly or refused by an error that names it, in bounded time and memory."""

import gzip
import io
import re
import time
from collections import Counter
from pathlib import Path

import nibabel
import numpy as np
import odd_files
import pytest
from dicom_files import write_enhanced
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from odd_files import AFFINE, PACKINGS, PICTURE, VOLUME
from PIL import Image

from custom_networks import LoadRadiographd, LoadVolumed, UserError

CASES, ALL_CASES = 200, 2000  # of each reader, in every test run and in that of everything
MOST_SECONDS, MOST_MIB = 5, 1024  # of one file
SPECIAL = np.array([0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x3F, 0xC0, ord("-"), ord("9"), ord("n"), ord(" "), ord("\n")], np.uint8)
NUMBERS = (b"0", b"-1", b"nan", b"inf", b"1e38", b"99999999999", b"", b"(", b"none", b"LIST", b"../x", b"/etc/hostname", b"3 3")


def change_bytes(content: bytes, reach: int, random: np.random.Generator) -> bytes:
    """Set up to six of the first ``reach`` bytes; now and then keep a part of the file only, or add to it."""
    array = bytearray(content)
    for _ in range(random.integers(1, 7)):
        array[random.integers(min(reach, len(array)))] = random.choice(SPECIAL) if random.random() < 0.5 else random.integers(256)
    fate = random.random()
    return bytes(array[: random.integers(len(array))]) if fate < 0.1 else bytes(array) + b"\1" * 99 if fate < 0.15 else bytes(array)


def change_words(content: bytes, reach: int, random: np.random.Generator) -> bytes:
    """Replace words of a header that is text; now and then change bytes too."""
    head, rest = content[:reach], content[reach:]
    words = re.split(rb"([ \n,()]+)", head)
    for _ in range(random.integers(1, 3)):
        words[2 * random.integers((len(words) + 1) // 2)] = NUMBERS[random.integers(len(NUMBERS))]
    changed = b"".join(words)
    return change_bytes(changed + rest, len(changed), random) if random.random() < 0.3 else changed + rest


def nifti_file(folder: Path) -> tuple[bytes, int]:
    return odd_files.nifti(qform_code=1)(folder).read_bytes(), 352


def nrrd_file(folder: Path, **fields) -> tuple[bytes, int]:
    content = odd_files.nrrd_file(encoding="raw", **{"space units": ["mm"] * 3})(folder).read_bytes()
    return content, content.index(b"\n\n") + 2


def meta_image(folder: Path, **entries) -> tuple[bytes, int]:
    content = odd_files.meta_image(**entries)(folder).read_bytes()
    return content, content.index(b"LOCAL\n") + 6


def packed_meta_image(folder: Path) -> tuple[bytes, int]:
    return meta_image(folder, data=PACKINGS["zlib"], CompressedData=True)


def dicom_slice(folder: Path) -> tuple[bytes, int]:
    odd_files.series(count=1, Rows=14, Columns=12)(folder)
    content = (folder / "series" / "s0.dcm").read_bytes()
    return content, len(content) - VOLUME[..., 0].nbytes + 8


def dicom_frames(folder: Path) -> tuple[bytes, int]:
    path = write_enhanced(folder / "e.dcm", VOLUME.clip(0), slopes=[1.0] * 6, intercepts=[0.0] * 6)
    return path.read_bytes(), path.stat().st_size - VOLUME.nbytes + 8


def radiograph(folder: Path) -> tuple[bytes, int]:
    content = odd_files.radiograph(ImagerPixelSpacing=[0.2, 0.2], WindowCenter=900, WindowWidth=1800)(folder).read_bytes()
    return content, len(content) - 2 * PICTURE.size + 8


def picture(kind: str):
    def make(folder: Path) -> tuple[bytes, int]:
        stream = io.BytesIO()
        Image.fromarray(PICTURE).save(stream, kind, exif=odd_files.exif(6))
        return stream.getvalue(), len(stream.getvalue())

    return make


KINDS = {
    "NIfTI": ("a.nii", nifti_file, change_bytes, LoadVolumed),
    "gzip NIfTI": ("a.nii.gz", nifti_file, change_bytes, LoadVolumed),
    "NRRD": ("a.nrrd", nrrd_file, change_words, LoadVolumed),
    "MetaImage": ("a.mha", meta_image, change_words, LoadVolumed),
    "packed MetaImage": ("a.mha", packed_meta_image, change_words, LoadVolumed),
    "DICOM": ("a.dcm", dicom_slice, change_bytes, LoadVolumed),
    "enhanced DICOM": ("a.dcm", dicom_frames, change_bytes, LoadVolumed),
    "DICOM radiograph": ("a.dcm", radiograph, change_bytes, LoadRadiographd),
    "PNG": ("a.png", picture("PNG"), change_bytes, LoadRadiographd),
    "JPEG": ("a.jpg", picture("JPEG"), change_bytes, LoadRadiographd),
}


def peak() -> float:
    """Return MiB that this process held most since the peak was cleared."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 2**10 for line in lines if line.startswith("VmHWM"))


def outcomes(kind: str, cases: int, folder: Path) -> Counter:
    """Load ``cases`` damaged files of a kind and count what became of them."""
    name, make, change, loader = KINDS[kind]
    content, reach = make(folder)
    path, load, random = folder / name, loader("image"), np.random.default_rng(0)
    found: Counter = Counter()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = peak()
    for case in range(cases):
        damaged = change(content, reach, random)
        path.write_bytes(gzip.compress(damaged, 1) if kind == "gzip NIfTI" else damaged)
        start = time.process_time()
        try:
            image = load({"image": str(path)})["image"]
        except UserError as error:
            assert name in str(error), (case, str(error))
            found["refused"] += 1
        else:
            _check(kind, path, image, case)
            found["right"] += 1
        assert time.process_time() - start < MOST_SECONDS, case
    assert peak() - before < MOST_MIB
    return found


def _check(kind: str, path: Path, image, case: int) -> None:
    affine = np.asarray(image.affine, dtype=float)
    assert np.isfinite(affine).all() and abs(np.linalg.det(affine[:3, :3])) > 0, case
    assert image.numel() > 0 and tuple(image.meta["spatial_shape"]) == tuple(image.shape[:3]), case
    if "NIfTI" in kind:
        try:
            other = nibabel.load(path)
            unit = {"meter": 1e3, "micron": 1e-3}.get(other.header.get_xyzt_units()[0], 1.0)
            values = np.asarray(other.dataobj, dtype=np.float32).reshape(image.shape)
        except (HeaderDataError, ImageFileError, KeyError, ValueError, OverflowError, OSError):
            return  # nibabel is stricter here and there
        np.testing.assert_allclose(image.numpy(), values, rtol=1e-5, err_msg=str(case))
        if other.header["sform_code"] in range(1, 6) and image.meta["sform_code"]:
            np.testing.assert_allclose(affine, np.diag([unit] * 3 + [1]) @ other.affine, rtol=1e-5, atol=1e-4, err_msg=str(case))


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_headers(kind, tmp_path):
    found = outcomes(kind, CASES, tmp_path)
    assert found.total() == CASES and found["right"] and found["refused"]


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
def test_many_damaged_headers(kind, tmp_path, capsys):
    found = outcomes(kind, ALL_CASES, tmp_path)
    with capsys.disabled():
        print(f"{kind}: {found['right']} right, {found['refused']} refused of {found.total()}")
    assert found.total() == ALL_CASES and found["right"] and found["refused"]


def test_the_undamaged_files_are_right(tmp_path):
    for number, (name, make, _, loader) in enumerate(KINDS.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        content, _ = make(folder)
        (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        image = loader("image")({"image": str(folder / name)})["image"]
        if image.ndim == 3 and image.shape[2] == VOLUME.shape[2] and "dcm" not in name:
            np.testing.assert_array_equal(image.numpy(), VOLUME)
            np.testing.assert_allclose(image.affine, AFFINE, atol=1e-6)
