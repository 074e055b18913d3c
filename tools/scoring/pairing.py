"""Which prediction belongs to which label."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from custom_networks.cases.cases import case_name
from custom_networks.errors import UserError

from ..layout.split import SECTIONS

SUFFIXES = (".nii.gz", ".nii", ".json")
LABELS = ("_seg", "_pred", "_label", "_labels", "_mask", "_msk", "_gt")
ENDINGS = (*LABELS, "_image", "_img", "_ct", "_0000", "_flair", "_t1", "_t2")


@dataclass
class Pairs:
    """Case to ``(prediction, label)``; a label is a file, or a class of pictures. ``unpaired`` says what found no partner."""

    found: dict[str, tuple[Path, Path | int]] = field(default_factory=dict)
    unpaired: list[str] = field(default_factory=list)


def find_pairs(predictions: Path, labels: Path, section: str = "test", suffix: str = "_seg.nii.gz") -> Pairs:
    """Pair predictions with labels by their cases.

    A data set's ``dataset.json`` says which label is whose. Without one, names are compared without `ENDINGS` such as ``_seg`` and
    ``_label``; of two files of one case that which is called a label is the label.

    Args:
        predictions: a file, or a folder of results of ``axial segment``, or of other files.
        labels: a file, a folder of label maps, or a data set.
        section: of the data set.
        suffix: what the bundle's results end with; in a folder that has such files, they alone are predictions.

    Raises:
        UserError: when one of the two is not there or holds nothing of its kind.
    """
    for path in (predictions, labels):
        if not path.exists():
            raise UserError(f"{path}: no such file or folder.", "Give predictions and labels, files or folders.")
    if predictions.is_file() and labels.is_file():
        return Pairs({case_key(predictions): (predictions, labels)})
    own = _own_files(predictions, suffix)
    truth = _from_data_set(labels, section) if (labels / "dataset.json").is_file() else _by_name(labels)
    pairs = Pairs()
    for case, label in truth.items():
        if case in own:
            pairs.found[case] = own[case], label
        else:
            pairs.unpaired.append(f"{case}: no prediction in {predictions}")
    pairs.unpaired += [f"{path}: no label in {labels}" for case, path in own.items() if case not in truth]
    if not pairs.found:
        example = next(iter(own.values())).name
        problem, remedy = (
            f"{labels}: no label",
            "Call label maps as the images, with _label added, or give a folder with dataset.json.",
        )
        if (labels / "dataset.json").is_file():
            there = [name for name in SECTIONS if own.keys() & _from_data_set(labels, name, must=False).keys()]
            problem = f"{labels / 'dataset.json'}: no label of section {section!r}"
            remedy = (
                f"Give --section {there[0]}, to which it belongs." if there else "Give predictions of the images that it lists."
            )
        raise UserError(f"{problem} belongs to a prediction in {predictions}, such as {example}.", remedy)
    return pairs


def _own_files(folder: Path, suffix: str) -> dict[str, Path]:
    if folder.is_file():
        return {case_key(folder): folder}
    results = {case_key(path): path for path in sorted(folder.glob(f"*{suffix}"))}
    return results or _by_name(folder, "prediction")


def _from_data_set(folder: Path, section: str, must: bool = True) -> dict[str, Path | int]:
    content = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    if must and not content.get(section):
        there = ", ".join(name for name in SECTIONS if content.get(name))
        raise UserError(f"{folder / 'dataset.json'}: no section {section!r}.", f"Give --section; there are: {there}.")
    found = {}
    for entry in content.get(section) or ():
        images = entry["image"] if isinstance(entry["image"], list) else [entry["image"]]
        label = entry["label"]
        found[case_key(Path(case_name(folder / images[0])))] = folder / label if isinstance(label, str) else label
    return found


def _by_name(folder: Path, what: str = "label map") -> dict[str, Path]:
    files = [folder] if folder.is_file() else sorted(folder.iterdir())
    groups: dict[str, list[Path]] = {}
    for path in files:
        if path.name.lower().endswith(SUFFIXES[:2]) and not path.name.startswith("."):
            groups.setdefault(case_key(path), []).append(path)
    if not groups:
        raise UserError(f"{folder}: holds no {what}.", f"Give a folder with {' or '.join(SUFFIXES[:2])}.")
    return {case: _label_among(paths, what) for case, paths in groups.items()}


def _label_among(paths: list[Path], what: str) -> Path:
    called = [path for path in paths if _stem(path).lower().endswith(LABELS)] if len(paths) > 1 else paths
    if len(called) != 1:
        both = " and ".join(map(str, (called or paths)[:2]))
        raise UserError(f"{both}: which is the {what} of {case_key(paths[0])}?", "Give each of the two a folder of its own.")
    return called[0]


def _stem(path: Path) -> str:
    return path.name[: len(path.name) - len(next((end for end in SUFFIXES if path.name.lower().endswith(end)), ""))]


def case_key(path: Path) -> str:
    """Return what the files of one case share: the name without suffix and `ENDINGS`."""
    name = _stem(path)
    while ending := next((end for end in ENDINGS if name.lower().endswith(end) and len(name) > len(end)), None):
        name = name[: -len(ending)]
    return name
