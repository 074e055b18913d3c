"""Whether names of classes mean the same."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

WORD = re.compile(r"[^\W\d_]+\d*|\d+")  # "T12" is one word: "T12 L1" are not "T1 L12"
HUMP = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])")  # where a word begins in "lungLeft"

RELATIONS = frozenset(
    ("without", "with", "not", "no", "non", "of", "to", "from", "in", "on", "between", "above", "below", "except", "and", "or")
)


class Match(NamedTuple):
    """Labels that a data set names otherwise than a training, each with its value, its name there and that of the training.

    Attributes:
        taken: which have the same words in another order or form, so that only one class of the training can be meant.
        others: which are other classes, or of which that cannot be told.
    """

    taken: list[tuple[int, str, str]]
    others: list[tuple[int, str, str]]


def match_names(labels: Mapping[object, object], names: Sequence[str]) -> Match:
    """Compare the labels of a data set with the classes 1, 2, ... of a training.

    Case, underscores and punctuation do not count. ``Lung, Left``, ``lung left`` and ``lungLeft`` are ``left lung``, unless another
    class of the training or of the data set has these words too. Words do not change places where that may change what is meant:
    beside two numbers (``lesion 2 grade 1``) and beside `RELATIONS` (``artery without vein``).

    Args:
        labels: value to name, or, as nnU-Net has it, name to value.
        names: of the training.
    """
    known = _by_value(labels)
    trained, there = [sorted(_words(name)) for name in names], [sorted(_words(name)) for name in known.values()]
    match = Match([], [])
    for value, name in enumerate(names, 1):
        found = known.get(value)
        if found is None or _plain_words(found) == _plain_words(name):
            continue
        words = sorted(_words(found))
        same = _words(found) == _words(name) or (words == trained[value - 1] and _may_change_places(words))
        sure = same and trained.count(words) == there.count(words) == 1
        (match.taken if sure else match.others).append((value, found, name))
    return match


def _by_value(labels: Mapping[object, object]) -> dict[int, str]:
    pairs = [(value, key) if isinstance(value, int) else (key, value) for key, value in labels.items()]
    return {int(value): name for value, name in pairs if isinstance(name, str) and str(value).isdecimal()}


def _plain_words(name: str) -> list[str]:
    return re.findall(r"\w+", name.lower().replace("_", " "))


def _words(name: str) -> list[str]:
    return [word.lower() for word in WORD.findall(HUMP.sub(" ", name))]


def _may_change_places(words: Sequence[str]) -> bool:
    return RELATIONS.isdisjoint(words) and sum(any(map(str.isdigit, word)) for word in words) < 2
