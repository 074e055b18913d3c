"""Which prediction belongs to which label."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from custom_networks.cases.names import first_image, name_cases
from custom_networks.cases.tree import visible
from custom_networks.errors import UserError

from ..layout.data_list import read_entries
from ..layout.split import SECTIONS

SUFFIXES = (".nii.gz", ".nii", ".json")
LABELS = ("_seg", "_pred", "_label", "_labels", "_mask", "_msk", "_gt")
TIMES = ("_t1", "_t2")  # a modality, or the first and second visit
ENDINGS = (*LABELS, "_image", "_img", "_ct", "_0000", "_flair", *TIMES)


@dataclass
class Pairs:
    """Case to ``(prediction, label)``; a label is a file, or a class of pictures. ``unpaired`` says what found no partner."""

    found: dict[str, tuple[Path, Path | int]] = field(default_factory=dict)
    unpaired: list[str] = field(default_factory=list)


def find_pairs(predictions: Path, labels: Path, section: str = "test", suffix: str = "_seg.nii.gz") -> Pairs:
    """Pair predictions with labels by their cases.

    A data set's ``dataset.json`` says which label is whose. Names are compared without `ENDINGS` such as ``_seg`` and ``_label``,
    of which no more are taken off than need be (`match_names`); of two files of one case that which is called a label is the label.

    Args:
        predictions: a file, or a folder of results of ``axial segment``, or of other files.
        labels: a file, a folder of label maps, or a data set.
        section: of the data set.
        suffix: what the bundle's results end with; in a folder that has such files, they alone are predictions.

    Raises:
        UserError: when one of the two is not there or holds nothing of its kind, or when it cannot be told which belong together.
    """
    for path in (predictions, labels):
        if not path.exists():
            raise UserError(f"{path}: no such file or folder.", "Give predictions and labels, files or folders.")
    if predictions.is_file() and labels.is_file():
        return Pairs({case_key(predictions): (predictions, labels)})
    own = {_composed(path.name): path for path in _own_files(predictions, suffix)}
    listed = (labels / "dataset.json").is_file()
    truth = _from_data_set(labels, section) if listed else {path.name: path for path in _maps(labels)}
    truth = {_composed(name): label for name, label in truth.items()}
    groups = match_names(own, truth)
    pairs, used = Pairs(), set()
    counts = [Counter(case_key(Path(name)) for name in names) for names in (own, truth)]
    for key, (mine, theirs) in groups.items():
        case = case_key(Path(key)) if all(count[case_key(Path(key))] == 1 for count in counts) else key
        pairs.found[case] = own[_one(mine, "prediction", case, own)], truth[_one(theirs, "label map", case, truth)]
        used |= {*mine, *theirs}
    missing = {name: case_key(Path(name)) for name in truth if name not in used}
    missing = [case if sum(count[case] for count in counts) == 1 else _stem(name) for name, case in missing.items()]
    pairs.unpaired += [f"{case}: no prediction in {predictions}" for case in missing]
    pairs.unpaired += [f"{own[name]}: no label in {labels}" for name in own if name not in used]
    if not pairs.found:
        example = next(iter(own.values())).name
        problem, remedy = (
            f"{labels}: no label",
            "Call label maps as the images, with _label added, or give a folder with dataset.json.",
        )
        if listed:
            there = [name for name in SECTIONS if match_names(own, _from_data_set(labels, name, must=False))]
            problem = f"{labels / 'dataset.json'}: no label of section {section!r}"
            remedy = (
                f"Give --section {there[0]}, to which it belongs." if there else "Give predictions of the images that it lists."
            )
        raise UserError(f"{problem} belongs to a prediction in {predictions}, such as {example}.", remedy)
    return pairs


def match_names(
    first: Iterable[str], second: Iterable[str], again: re.Pattern | None = None
) -> dict[str, tuple[list[str], list[str]]]:
    """Bring names of two lists together that are alike once endings are taken off, those that are most alike first.

    ``P14_T1`` and ``P14_T2`` so stay two cases, though each is ``P14`` in the end; they are no pair where each list has one.

    Args:
        first: names of files or cases.
        second: those of the other list.
        again: an ending more.

    Returns:
        what names have in common to those of the first list that have it, and those of the second.
    """
    chains = [{name: _shortened(name, again) for name in names} for names in (first, second)]
    having: tuple[dict, dict] = defaultdict(list), defaultdict(list)
    for chain, index in zip(chains, having, strict=True):
        for name, found in chain.items():
            for key in found:
                index[key].append(name)
    groups, paired = {}, (set(), set())
    for key in sorted(having[0].keys() & having[1].keys(), key=lambda key: (-len(key), key)):
        mine, theirs = ([name for name in index[key] if name not in done] for index, done in zip(having, paired, strict=True))
        times = [{_time(chain[name], key) for name in names} for chain, names in zip(chains, (mine, theirs), strict=True)]
        other = all(len(found) == 1 and "" not in found for found in times) and times[0] != times[1]
        if mine and theirs and not other:
            groups[key] = mine, theirs
            for done, names in zip(paired, (mine, theirs), strict=True):
                done.update(names)
    return {key: groups[key] for key in sorted(groups)}


def _composed(name: str) -> str:
    """Return a name as others write it where macOS takes a letter and its accent apart."""
    return unicodedata.normalize("NFC", name)


def case_key(path: Path) -> str:
    """Return what the files of one case share: the name without suffix and `ENDINGS`."""
    return _shortened(path.name)[-1]


def _own_files(folder: Path, suffix: str) -> list[Path]:
    if folder.is_file():
        return [folder]
    return visible(folder.glob(f"*{suffix}")) or _maps(folder, "prediction")


def _from_data_set(folder: Path, section: str, must: bool = True) -> dict[str, Path | int]:
    content = read_entries(folder, [section])
    if must and not content.get(section):
        there = ", ".join(name for name in SECTIONS if content.get(name))
        raise UserError(f"{folder / 'dataset.json'}: no section {section!r}.", f"Give --section; there are: {there}.")
    entries = content.get(section) or ()
    images = [{"image": folder / first_image(entry["image"])} for entry in entries]
    cases = name_cases(images)  # as `axial segment` names them, no two alike
    labels = [folder / entry["label"] if isinstance(entry["label"], str) else entry["label"] for entry in entries]
    return {case["case"]: label for case, label in zip(cases, labels, strict=True)}


def _maps(folder: Path, what: str = "label map") -> list[Path]:
    """Return the label maps of a folder, without the images beside them."""
    files = [folder] if folder.is_file() else sorted(folder.iterdir())
    groups: dict[str, list[Path]] = {}
    for path in files:
        if path.name.lower().endswith(SUFFIXES[:2]) and not path.name.startswith("."):
            groups.setdefault(case_key(path), []).append(path)
    if not groups:
        raise UserError(f"{folder}: holds no {what}.", f"Give a folder with {' or '.join(SUFFIXES[:2])}.")
    return [path for case, paths in groups.items() for path in _labels_among(paths, what, case)]


def _labels_among(paths: Sequence[Path], what: str, case: str) -> Sequence[Path]:
    """Return those that are called labels, or all, where none is but all are of one case at several times, ``_T1`` and ``_T2``."""
    called = [path for path in paths if _stem(path.name).lower().endswith(LABELS)]
    if len(paths) > 1 and not called and not all(_stem(path.name).lower().endswith(TIMES) for path in paths):
        _refuse(paths, what, case)
    return called or paths


def _one(names: Sequence[str], what: str, case: str, paths: Mapping[str, Path | int]) -> str:
    if len(names) > 1:
        _refuse([paths[name] for name in names], what, case)
    return names[0]


def _refuse(paths: Sequence[Path | int], what: str, case: str) -> NoReturn:
    raise UserError(f"{paths[0]} and {paths[1]}: which is the {what} of {case}?", "Give each of the two a folder of its own.")


def _time(chain: Sequence[str], key: str) -> str:
    """Return which of `TIMES` was taken off a name to get a key; nothing where none was."""
    return next((end for name in chain[: chain.index(key)] for end in TIMES if name.lower().endswith(end)), "")


def _stem(name: str) -> str:
    return name[: len(name) - len(next((end for end in SUFFIXES if name.lower().endswith(end)), ""))]


def _shortened(name: str, again: re.Pattern | None = None) -> list[str]:
    """Return a name without its suffix, then with one ending less each."""
    names = [_stem(name)]
    while True:
        last = names[-1]
        short = again.sub("", last) if again else last
        if short == last:
            ending = next((end for end in ENDINGS if last.lower().endswith(end) and len(last) > len(end)), "")
            short = last[: len(last) - len(ending)]
        if short == last:
            return names
        names.append(short)
