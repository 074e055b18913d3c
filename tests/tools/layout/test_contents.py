"""Whether files of a data set are what they were."""

import gzip
import struct
import zlib

import numpy as np
import pytest
from conftest import save_nifti
from packings import END_OF_BLOCKS, PACKINGS, in_blocks

import tools.layout.contents as contents_module
from tools.layout.contents import contents, first_changed


def test_a_file_that_was_missing_and_one_that_is_the_same_have_not_changed(tmp_path):
    entry = {"image": str(tmp_path / "image.png"), "label": str(tmp_path / "label.png")}
    (tmp_path / "image.png").write_bytes(b"1")
    before = contents([entry])
    (tmp_path / "label.png").write_bytes(b"2")
    assert first_changed(before, contents([entry])) is None
    (tmp_path / "image.png").write_bytes(b"3")
    assert first_changed(before, contents([entry])) == tmp_path / "image.png"


def test_files_packed_in_blocks_are_told_apart(tmp_path):
    path = tmp_path / "image.nii.gz"
    found = []
    for content in (b"1", b"2"):
        path.write_bytes(gzip.compress(content) + END_OF_BLOCKS)
        found.append(contents([{"image": str(path), "label": 0}]))
    assert first_changed(*found) == path


@pytest.mark.parametrize("pack", PACKINGS)
def test_a_file_that_was_packed_otherwise_has_not_changed(tmp_path, pack):
    """As bgzip or another program packs it; one of other voxels has."""
    path = tmp_path / "image.nii.gz"
    save_nifti(path, np.random.default_rng(0).normal(size=(8, 8, 8)).astype(np.float32))
    entry, content = {"image": str(path), "label": 0}, gzip.decompress(path.read_bytes())
    before = contents([entry])
    path.write_bytes(PACKINGS[pack](content))
    assert first_changed(before, contents([entry])) is None
    path.write_bytes(PACKINGS[pack](content[:-1] + bytes([content[-1] ^ 1])))
    assert first_changed(before, contents([entry])) == path


@pytest.mark.parametrize(
    ("name", "content", "recorded"),
    [
        ("packed.nii", gzip.compress(b"image", mtime=0), None),
        ("blocks.nii.gz", in_blocks(b"image"), None),
        ("unpacked.nii.gz", b"image of voxels", struct.unpack("<II", b"f voxels")),
        ("members.nii.gz", gzip.compress(b"im", mtime=0) + gzip.compress(b"age", mtime=0), (zlib.crc32(b"age"), 3)),
    ],
)
def test_a_file_that_an_earlier_version_recorded_has_not_changed(tmp_path, name, content, recorded):
    """It took size and checksum of the bytes as they lie, or as they stand at the end of what is called .gz."""
    path = tmp_path / name
    path.write_bytes(content)
    now, (checksum, size) = contents([{"image": str(path), "label": 0}]), recorded or (zlib.crc32(content), len(content))
    assert first_changed({str(path): [size, checksum]}, now) is None
    path.write_bytes(content + b"more")
    now = contents([{"image": str(path), "label": 0}])
    assert now[str(path)] != [size, checksum] and first_changed({str(path): [size, checksum]}, now) == path


def test_of_an_image_that_is_packed_once_only_header_and_end_are_read(tmp_path, monkeypatch):
    save_nifti(tmp_path / "image.nii.gz", np.zeros((64, 64, 64), np.float32))
    monkeypatch.setattr(contents_module, "_sum_up", None)
    assert contents([{"image": str(tmp_path / "image.nii.gz"), "label": 0}]) == {
        str(tmp_path / "image.nii.gz"): [352 + 4 * 64**3, zlib.crc32(gzip.decompress((tmp_path / "image.nii.gz").read_bytes()))]
    }


@pytest.mark.parametrize("damage", [b"", b"\x1f\x8b", b"\x1f\x8b" + 40 * b"\0"])
def test_a_damaged_file_is_taken_as_it_is(tmp_path, damage):
    path = tmp_path / "image.nii.gz"
    path.write_bytes(damage)
    assert contents([{"image": str(path), "label": 0}])[str(path)] == [len(damage), zlib.crc32(damage)]
