"""Data sets that are made whole or not at all."""

import errno
import json
import os

import pytest

from custom_networks.errors import UserError, WrongFilesError
from custom_networks.results.write_result import write_result
from tools.layout.making import PRIORS, making

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


def test_a_full_disk_is_no_fault_of_a_case(tmp_path):
    tried = []

    def write(path):
        tried.append(path)
        raise OSError(errno.ENOSPC, "No space left on device")

    said = rf"^{tmp_path}/set/a0\.png: cannot be written \(No space left on device\)"
    with pytest.raises(UserError, match=said) as error, making(tmp_path / "set") as made:
        for index in range(3):
            with made.case(), made.file():
                write_result(made.folder / f"a{index}.png", write, ".png")
        made.write_list("none", LABELS, {"training": []})
    assert len(tried) == 1 and not isinstance(error.value, WrongFilesError) and not (tmp_path / "set").exists()


@pytest.mark.parametrize("place", ["images/b.png/", "images"])
def test_a_set_is_not_replaced_where_a_file_and_a_folder_have_one_name(tmp_path, place):
    old = tmp_path / "set" / "dataset.json"
    old.parent.mkdir()
    old.write_text("{}")
    if place.endswith("/"):
        (tmp_path / "set" / place).mkdir(parents=True)
    else:
        (tmp_path / "set" / place).touch()
    said = rf"^{tmp_path}/set/{place.rstrip('/')}: is a (folder|file)"
    with pytest.raises(UserError, match=said), making(tmp_path / "set", overwrite=True) as made:
        made.write_list("new", LABELS, {"training": [entry(made.folder, name) for name in ("a.png", "b.png")]})
    assert old.read_text() == "{}" and not (tmp_path / "set" / "images" / "a.png").exists()


def test_a_set_that_is_replaced_in_part_is_none(tmp_path, monkeypatch):
    with making(tmp_path / "set") as made:
        made.write_list("old", LABELS, {"training": [entry(made.folder, "a.png")]})
    replace = os.replace

    def replace_first(source, target):
        if target.name != "a.png":
            raise PermissionError(13, "open elsewhere")
        replace(source, target)

    monkeypatch.setattr(os, "replace", replace_first)
    with pytest.raises(PermissionError), making(tmp_path / "set", overwrite=True) as made:
        made.write_list("new", LABELS, {"training": [entry(made.folder, name) for name in ("a.png", "b.png")]})
    assert files(tmp_path / "set") == ["images/a.png"]


def test_a_set_that_is_replaced_leaves_no_masks_to_paint(tmp_path):
    for name in ("P14", None):
        with making(tmp_path / "set", overwrite=True) as made:
            if name:
                (made.folder / PRIORS).mkdir()
                (made.folder / PRIORS / name).touch()
            made.write_list(str(name), LABELS, {"training": [entry(made.folder, "a.png")]})
    assert files(tmp_path / "set") == ["dataset.json", "images/a.png"]


def test_of_masks_to_paint_that_lie_elsewhere_the_link_alone_is_removed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "P14").touch()
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "dataset.json").write_text("{}")
    (tmp_path / "set" / PRIORS).symlink_to(tmp_path / "elsewhere")
    with making(tmp_path / "set", overwrite=True) as made:
        made.write_list("new", LABELS, {"training": [entry(made.folder, "a.png")]})
    assert files(tmp_path / "set") == ["dataset.json", "images/a.png"] and not (tmp_path / "set" / PRIORS).exists()
    assert files(tmp_path / "elsewhere") == ["P14"]


def test_masks_in_a_folder_that_was_no_set_stay(tmp_path):
    (tmp_path / "set" / PRIORS).mkdir(parents=True)
    (tmp_path / "set" / PRIORS / "P14").touch()
    with making(tmp_path / "set", overwrite=True) as made:
        made.write_list("new", LABELS, {"training": [entry(made.folder, "a.png")]})
    assert files(tmp_path / "set") == ["dataset.json", "images/a.png", "priors/P14"]
