"""Write dataset.json, the one data layout of all bundles."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from custom_networks.data.data_list import check_entries
from custom_networks.errors import UserError

from .split import SECTIONS, check_split


@dataclass
class Report:
    """What was prepared: the data list, the names of the cases, and a line for every file left out."""

    data_list: Path
    cases: list[str]
    left_out: list[str] = field(default_factory=list)


def write_data_list(folder: Path, name: str, labels: dict[str, str], sections: dict[str, list[dict]]) -> Path:
    """Write ``folder/dataset.json``, unless it would test or validate on what is trained on.

    Args:
        folder: the data set; paths in the entries are relative to it.
        name: what the data set is.
        labels: label value to name.
        sections: ``training``, ``validation`` and ``test``, lists of ``{"image": ..., "label": ...}``.

    Returns:
        the file.

    Raises:
        UserError: when an image stands in two sections, under one name or, byte for byte, under two.
    """
    check_split(folder, sections)
    path = folder / "dataset.json"
    text = json.dumps({"name": name, "labels": labels} | sections, indent=2)
    path.write_text(text + "\n")
    return path


def split_in_order(entries: list[dict], validation: float = 0.2, test: float = 0.2) -> dict[str, list[dict]]:
    """Split entries in their order: the first part trains, the last one tests.

    With three entries or more every section gets at least one; of two the second validates; a single one trains.
    """
    count = len(entries)
    if count < 3:
        return {"training": entries[:1], "validation": entries[1:], "test": []}
    tests = max(1, round(count * test))
    validations = max(1, round(count * validation))
    first = count - tests - validations
    return {
        "training": entries[:first],
        "validation": entries[first : first + validations],
        "test": entries[first + validations :],
    }


def check_no_data_set(folder: Path, overwrite: bool = False, source: Path | None = None) -> None:
    """Refuse a folder that holds a data set already, and the one that it would be made of."""
    if source is not None and folder.exists() and folder.resolve() == source.resolve():
        raise UserError(f"{folder}: holds what the data set is made of.", "Choose another folder.")
    if (folder / "dataset.json").exists() and not overwrite:
        raise UserError(f"{folder}: holds a data set already.", "Choose another folder or give --overwrite.")


def make_empty_folder(folder: Path, overwrite: bool = False, source: Path | None = None) -> Path:
    """Make a folder for a data set; refuse one that `check_no_data_set` refuses."""
    check_no_data_set(folder, overwrite, source)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror}).", "Choose another folder.") from error
    return folder


def read_list(data: Path, sections: Sequence[str] = SECTIONS) -> dict:
    """Read the ``dataset.json`` of a data set, with absolute paths in the sections asked for.

    Raises:
        UserError: when there is none, or it is not a data list.
    """
    content = read_entries(data, sections)
    for section in sections:
        content[section] = [entry | {key: absolute(data, entry[key]) for key in ("image", "label")} for entry in content[section]]
    return content


def read_entries(data: Path, sections: Sequence[str] = SECTIONS) -> dict:
    """Read the ``dataset.json`` of a data set; sections asked for that it lacks are empty, and of others nothing is demanded.

    Raises:
        UserError: when there is none, or it is not a data list: not JSON, not an object, a section that is not a list of entries
            with image and label, or labels that are not ``{value: name}``.
    """
    path = data / "dataset.json"
    if not path.is_file():
        raise UserError(f"{path}: not found.", "Make one with `axial prepare` or `axial phantom`.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or not isinstance(content.get("labels", {}), dict):
            raise TypeError("no sections and labels")
        for section in sections:
            check_entries(section, content.setdefault(section, []))
    except (OSError, ValueError, TypeError) as error:  # of JSON and of UTF-8
        raise UserError(f"{path}: is no data list ({error}).", "Make it again with `axial prepare`.") from error
    return content


def absolute(folder: Path, files: str | int | list | None) -> str | int | list | None:
    """Return paths of a data list, relative to its folder, as absolute ones; a class of a picture, and none, stays."""
    if files is None or isinstance(files, int):
        return files
    return [absolute(folder, file) for file in files] if isinstance(files, list) else str((folder / files).resolve())
