"""Divide a data set into folds that keep subjects together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from custom_networks.cases.names import case_name, first_image
from custom_networks.data.data_list import case_weights
from custom_networks.errors import UserError

VALIDATION_STEP = 10  # where a data set has no validation, every tenth entry of a fold's training


@dataclass(frozen=True)
class Fold:
    """What one training sees and what it is scored on.

    Attributes:
        name: part of its folder's name.
        subjects: that are left out.
        sections: ``training``, ``validation`` and ``test`` entries.
    """

    name: str
    subjects: tuple[str, ...]
    sections: dict[str, list[dict]]


def subject_of(entry: dict, pattern: str | None = None) -> str | None:
    """Return whom an entry is of: its ``subject``, else what a pattern finds in the name of its image, else that name.

    Args:
        entry: of a data list.
        pattern: regular expression; its first group, or all of it, is the subject. Entries that it does not fit have none.
    """
    if pattern is None and "subject" in entry:
        return str(entry["subject"])
    name = case_name(Path(first_image(entry["image"])))
    if pattern is None:
        return name
    return subject_name(name, pattern)


def subject_name(name: str, pattern: str) -> str | None:
    """Return what a pattern finds in a case's name: its first group, or all of it; None where it does not fit."""
    match = re.search(pattern, name)
    return None if match is None else next((group for group in match.groups() if group), match.group())


def make_folds(sections: dict[str, Sequence[dict]], folds: int | str, pattern: str | None = None) -> list[Fold]:
    """Divide training and test cases; the validation stays what it is, so that nothing is chosen by what is left out.

    Args:
        sections: of a data list.
        folds: how many; ``"subjects"`` leaves one subject out at a time.
        pattern: see `subject_of`. Training entries without a subject, such as phantoms, train in every fold; those for the test are
            in none. A case for the test that trains in other folds is drawn as often as the training entries are on average.

    Raises:
        UserError: for a pattern that is none, fewer than two subjects, or more folds than subjects.
    """
    try:
        named = [(subject_of(entry, pattern), entry) for entry in sections["training"]]
        tested = [(subject_of(entry, pattern), entry) for entry in _weighted(sections["test"], sections["training"])]
    except re.error as error:
        raise UserError(f"--subject {pattern}: no regular expression ({error}).", "For instance --subject 'sub-[0-9]+'.") from error
    named += [(subject, entry) for subject, entry in tested if subject is not None]
    subjects = sorted({subject for subject, _ in named if subject is not None})
    if len(subjects) < 2:
        raise UserError(f"{len(subjects)} subjects: nothing can be left out.", "Name them with --subject, a regular expression.")
    if folds == "subjects":
        groups = [(subject,) for subject in subjects]
    elif not 2 <= int(folds) <= len(subjects):
        raise UserError(f"{folds} folds of {len(subjects)} subjects.", f"Give --folds 2 to {len(subjects)}, or subjects.")
    else:
        groups = [tuple(subjects[start :: int(folds)]) for start in range(int(folds))]
    result, names = [], set()
    for number, group in enumerate(groups, 1):
        training = [entry for subject, entry in named if subject not in group]
        validation = list(sections["validation"])
        if not validation:
            validation = training[VALIDATION_STEP - 1 :: VALIDATION_STEP] or training[-1:]
            training = [entry for entry in training if entry not in validation] or training
        test = [entry for subject, entry in named if subject in group]
        name = re.sub(r"\W+", "_", group[0]) if folds == "subjects" else str(number)
        name = name if name not in names else f"{name}_{number}"  # a-1 and a.1 are two subjects
        names.add(name)
        result.append(Fold(name, group, {"training": training, "validation": validation, "test": test}))
    return result


def _weighted(entries: Sequence[dict], others: Sequence[dict]) -> list[dict]:
    """Return entries that name no ``weight`` with the mean of others', where those name some."""
    if not any("weight" in entry for entry in others):
        return list(entries)
    return [{"weight": sum(case_weights(list(others))) / len(others)} | entry for entry in entries]
