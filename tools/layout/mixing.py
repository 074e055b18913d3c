"""Several data sets as one."""

import json
from pathlib import Path

from custom_networks.errors import UserError

from ..datasets.lesions import PRIORS, copy_priors, prior_masks
from .data_list import absolute, check_no_data_set, make_empty_folder, read_entries, write_data_list
from .split import SECTIONS


def merge(
    folder: Path, parts: dict[Path, float], overwrite: bool = False, whole: bool = False, after: dict[Path, float] | None = None
) -> Path:
    """Write a data list that refers to those of other folders, each with its weight in training.

    The weight is shared by the entries of a folder, so that it is the folder's part of the samples drawn. Labels are those of the
    first folder; lesion masks to transplant are copied from the first folder that has some. With ``whole`` every case trains,
    those for validation and test too, as fits phantoms that nothing is measured on. ``after`` holds the shares of the epochs before
    which folders are not drawn, for trainings that know it, see `PatchBatches`.

    Raises:
        UserError: when a folder holds no data set or is the one to be made, or labels differ.
    """
    for part in parts:
        check_no_data_set(folder, True, part)
    make_empty_folder(folder, overwrite)
    sections: dict[str, list[dict]] = {"training": [], "validation": [], "test": []}
    labels: dict[str, str] = {}
    for part, weight in parts.items():
        content = read_entries(part)
        named = content.get("labels", {})
        labels = labels or named
        if any(labels.get(value, name) != name for value, name in named.items()):
            raise UserError(f"{part}: labels {named} differ from {labels}.", "Mix data sets of one kind.")
        if whole:
            content = {"training": _without_copies(content), "validation": [], "test": []}
        drawn = {"weight": weight / max(1, len(content["training"]))} | ({"after": after[part]} if part in (after or {}) else {})
        for section, entries in sections.items():
            for entry in content[section]:
                moved = entry | {key: absolute(part, entry[key]) for key in ("image", "label")}
                entries.append(moved | (drawn if section == "training" else {}))
        if prior_masks(part / PRIORS) and not (folder / PRIORS).exists():
            copy_priors(part / PRIORS, folder / PRIORS)
    return write_data_list(folder, "several data sets", labels, sections)


def _without_copies(content: dict) -> list[dict]:
    """Return the cases of all sections, each once."""
    return list({json.dumps(entry["image"]): entry for part in SECTIONS for entry in content[part]}.values())
