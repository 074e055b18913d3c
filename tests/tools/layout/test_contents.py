"""Whether files of a data set are what they were."""

import gzip

from tools.layout.contents import contents, first_changed

END_OF_BLOCKS = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")  # as bgzip writes it


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
