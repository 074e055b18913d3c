"""Data sets that are made whole or not at all."""

import errno
import json
import os

import pytest

from custom_networks.errors import UserError, WrongFilesError
from tools.layout.making import making

LABELS = {"0": "background", "1": "organ"}


def entry(folder, name: str, content: bytes | None = None) -> dict:
    (folder / "images").mkdir(exist_ok=True)
    (folder / "images" / name).write_bytes(content or name.encode())
    return {"image": f"images/{name}", "label": 0}


def files(folder) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_set_that_is_made_is_there_alone(tmp_path):
    with making(tmp_path / "set") as made:
        with made.case():
            listed = [entry(made.folder, "a.png")]
        made.write_list("one", LABELS, {"training": listed})
    assert files(tmp_path / "set") == ["dataset.json", "images/a.png"]
    assert json.loads((tmp_path / "set" / "dataset.json").read_text())["training"] == [{"image": "images/a.png", "label": 0}]


def test_all_problems_are_told_and_nothing_is_written(tmp_path):
    with pytest.raises(WrongFilesError) as error, making(tmp_path / "set") as made:
        for name in "abc":
            with made.case():
                entry(made.folder, name)
                with made.file():
                    raise UserError(f"{name}: wrong image.")
                if name != "b":
                    raise UserError(f"{name}: wrong label.")
        made.write_list("none", LABELS, {"training": []})
    assert [fault.problem for fault in error.value.faults] == [
        "a: wrong image.", "a: wrong label.", "b: wrong image.", "c: wrong image.", "c: wrong label."
    ]  # fmt: skip
    assert error.value.summary == "3 of 3 cases are wrong; nothing was written." and not (tmp_path / "set").exists()


@pytest.mark.parametrize("error", [UserError("wrong"), PermissionError(13, "no"), KeyboardInterrupt(), ZeroDivisionError()])
def test_the_set_before_stays_whatever_happens(tmp_path, error):
    with making(tmp_path / "set") as made:
        made.write_list("first", LABELS, {"training": [entry(made.folder, "a.png")]})
    with pytest.raises(type(error)), making(tmp_path / "set", overwrite=True) as made:
        entry(made.folder, "a.png", b"second")
        raise error
    assert files(tmp_path / "set") == ["dataset.json", "images/a.png"]
    assert (tmp_path / "set" / "images" / "a.png").read_bytes() == b"a.png"


def test_a_set_is_replaced_where_it_may_be(tmp_path):
    for name in "ab":
        with making(tmp_path / "set", overwrite=True) as made:
            made.write_list(name, LABELS, {"training": [entry(made.folder, f"{name}.png")]})
    assert json.loads((tmp_path / "set" / "dataset.json").read_text())["name"] == "b"
    with pytest.raises(UserError, match="holds a data set already"), making(tmp_path / "set") as made:
        pass
    assert files(tmp_path / "set") == ["dataset.json", "images/a.png", "images/b.png"]


def test_copies_are_named_as_the_set_would_have_them(tmp_path):
    said = rf"^{tmp_path}/set/images/b\.png: would be in test, and {tmp_path}/set/images/a\.png"
    with pytest.raises(UserError, match=said), making(tmp_path / "set") as made:
        sections = {"training": [entry(made.folder, "a.png", b"1")], "test": [entry(made.folder, "b.png", b"1")]}
        made.write_list("copies", LABELS, sections)
    assert not (tmp_path / "set").exists()


def test_what_a_killed_run_left_is_cleared_away(tmp_path):
    (tmp_path / "set" / ".unfinished").mkdir(parents=True)
    (tmp_path / "set" / ".unfinished" / "half.png").touch()
    with making(tmp_path / "set") as made:
        made.write_list("one", LABELS, {"training": [entry(made.folder, "a.png")]})
    assert files(tmp_path / "set") == ["dataset.json", "images/a.png"]


def test_a_full_disk_is_told_of_the_set_and_not_of_the_file_that_was_copied(tmp_path):
    with pytest.raises(UserError, match=r"set: cannot be written \(No space left on device\)"), making(tmp_path / "set") as made:
        entry(made.folder, "a.png")
        raise OSError(28, "No space left on device", "source.nii.gz")
    assert not (tmp_path / "set").exists()


def test_a_part_of_the_folder_may_lie_on_another_disk(tmp_path, monkeypatch):
    """A system moves no file from one disk to another."""
    replace = os.replace

    def replace_on_one_disk(source, target):
        if ".unfinished" in str(source):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        replace(source, target)

    monkeypatch.setattr(os, "replace", replace_on_one_disk)
    (tmp_path / "set" / "images").mkdir(parents=True)
    (tmp_path / "set" / "images" / "a.png").write_bytes(b"before")
    with making(tmp_path / "set") as made:
        made.write_list("one", LABELS, {"training": [entry(made.folder, "a.png")]})
    assert files(tmp_path / "set") == ["dataset.json", "images/a.png"]
    assert (tmp_path / "set" / "images" / "a.png").read_bytes() == b"a.png"
