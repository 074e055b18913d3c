"""Read dataset.json, the one data layout of all bundles."""

import json
import logging
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from monai.data import load_decathlon_datalist

from ..errors import UserError
from .class_names import match_names

logger = logging.getLogger("axial")


def load_data_list(
    dataset_dir: str | Path,
    section: str,
    may_be_empty: bool = False,
    names: Sequence[str] | None = None,
    labels: bool = True,
) -> list[dict]:
    """Read one section of ``dataset_dir/dataset.json`` with paths made absolute.

    Args:
        dataset_dir: folder with ``dataset.json`` and the images.
        section: ``"training"``, ``"validation"`` or ``"test"``.
        may_be_empty: whether a section without cases is one of none, rather than an error.
        names: of the classes 1, 2, ... that are to be trained; what ``labels`` of the list calls otherwise is an error.
        labels: whether every entry must have one.

    Returns:
        entries ``{"image": path or [paths], "label": path or class}``; of an image that is missing among several the path is None.

    Raises:
        UserError: when the list or one of its files is missing, the section is empty, or its labels are other classes.
    """
    path = Path(dataset_dir) / "dataset.json"
    if not path.is_file():
        raise UserError(f"{path}: not found.", "Make one with `axial prepare` or `axial phantom`.")
    try:
        content = json.loads(path.read_text())
        listed = content.get(section)
        if section == "test" and isinstance(listed, list):  # may be images alone, as MONAI takes them
            listed = [{"image": entry} if isinstance(entry, str) else entry for entry in listed]
        check_entries(section, listed or [], labels)
        if not listed and (may_be_empty or listed is not None):  # MONAI fails on an empty list of test cases
            entries = []
        else:
            entries = [
                _with_all_paths(entry, dataset_dir) for entry in load_decathlon_datalist(str(path), True, section, str(dataset_dir))
            ]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path}: section {section!r} cannot be read ({error}).", "Make the list again with `axial prepare`."
        ) from error
    if names is not None:
        _check_names(path, content.get("labels"), names)
    if not entries and not may_be_empty:
        raise UserError(f"{path}: section {section!r} is empty.", "Give it at least one case.")
    for entry in entries:
        for key in ("image", "label"):
            value = entry.get(key)
            for file in value if isinstance(value, list) else [value]:
                if isinstance(file, str) and not Path(file).exists():
                    raise UserError(f"{file}: named as {key} in {path}, but missing.", "Restore the file or make the list again.")
    return entries


def _with_all_paths(entry: dict, folder: str | Path) -> dict:
    """Make paths absolute beside a channel that is missing, which MONAI leaves as they are."""
    image = entry["image"]
    if not isinstance(image, list) or None not in image:
        return entry
    return entry | {"image": [file and os.path.normpath(os.path.join(folder, file)) for file in image]}


def check_entries(section: str, entries: object, labels: bool = True) -> None:
    """Demand a list of entries, each with an image, or one for each channel, some of which may be missing, and a label.

    A ``weight``, how often an entry is drawn, is a number from 0, and not 0 for all that train.

    Args:
        section: what they are called.
        entries: whatever stands there.
        labels: whether every entry must have a label.

    Raises:
        TypeError: for anything else; says what.
    """
    if not isinstance(entries, list):
        raise TypeError(f"{section} is no list")
    for number, entry in enumerate(entries):
        if not isinstance(entry, Mapping) or not _are_files(entry.get("image")) or (labels and not _is_label(entry.get("label"))):
            raise TypeError(f"entry {number} of {section} has no image{' and label' if labels else ''}")
        if not _is_weight(entry.get("weight", 1)):
            raise TypeError(f"entry {number} of {section} has the weight {entry['weight']!r}, which is not a number from 0")
    if section == "training" and entries and not any(entry.get("weight", 1) for entry in entries):
        raise TypeError("every entry of training has the weight 0")


def _are_files(value: object) -> bool:
    files = value if isinstance(value, list) and any(value) else [value]
    return all(isinstance(file, str) or (file is None and len(files) > 1) for file in files)


def _is_label(value: object) -> bool:
    return isinstance(value, str | int | list) and not isinstance(value, bool)


def _is_weight(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def _check_names(path: Path, labels: object, names: Sequence[str]) -> None:
    """Refuse a list whose labels have other names than the classes of their values; one that names none is taken as it is."""
    matched = match_names(labels if isinstance(labels, Mapping) else {}, names)
    for value, there, name in matched.others:
        raise UserError(
            f"{path}: its label {value} is {there!r}, where {name!r} is trained.",
            "Name the classes of the data set, --names \"['...','...']\" (in inference too), or fix its labels.",
        )
    if matched.taken:
        taken = ", ".join(f"label {value}, {there!r}, as {name!r}" for value, there, name in matched.taken)
        logger.warning("%s: names of classes are written otherwise; taken is %s.", path, taken)


def case_weights(entries: list[dict]) -> list[float]:
    """Return how often each entry is drawn in training: its ``weight``, 1 where it names none."""
    return [float(entry.get("weight", 1.0)) for entry in entries]
