"""The classes of a new bundle: which values label maps hold, what these are called, and how they are numbered."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from custom_networks.errors import UserError, some

from .reasons import Reason
from .sources import Source
from .survey import Fingerprint

MOST_UNNAMED = 30  # values with gaps that are taken for classes although nobody named them


@dataclass(frozen=True)
class Classes:
    """The classes of a bundle.

    Attributes:
        numbers: value in the label maps to the number of its class: 1, 2, ... without gaps.
        names: number of a class to its name.
        named: whether the user or the data named them.
    """

    numbers: dict[int, int]
    names: dict[int, str]
    named: bool

    @property
    def renumbered(self) -> bool:
        """Whether label maps must be written with other values."""
        return any(value != number for value, number in self.numbers.items())

    def renumber(self, found: Fingerprint) -> Fingerprint:
        """Return what was found with the numbers of the classes in place of the values of the label maps."""
        table = {0: 0} | self.numbers
        cases = [replace(case, counts={table[value]: count for value, count in case.counts.items()}) for case in found.cases]
        return replace(found, cases=cases)

    def reason(self) -> Reason:
        """Say for the plan which number stands for which value."""
        said = [f"{number} for {value} ({self.names[number]})" for value, number in self.numbers.items()]
        return Reason("classes", some(said, 8), "Labels with gaps are renumbered; --label VALUE=NAME names them.")


def find_classes(source: Source, found: Fingerprint, labels: Mapping[int | str, str]) -> Classes:
    """Return the classes of label maps.

    Args:
        source: where they come from; its names are used where ``labels`` is empty.
        found: which values they hold.
        labels: value, or colour of six hexadecimal digits, to name, as the user says.

    Raises:
        UserError: for a value or colour that no label map has, a value without a name beside others with one, two classes of one
            name, or so many values with gaps that they are hardly classes.
    """
    asked = _values_of_colours(source, labels)
    given = asked or source.labels or found.names
    seen = sorted(set(found.counts) - {0})
    _check_names(found, given, seen, must_exist=bool(asked))
    kept = sorted(given) if given else seen
    if not given and len(kept) > MOST_UNNAMED and kept[-1] > len(kept):
        raise UserError(
            f"{source.folder}: labels have {len(kept)} values with gaps ({some(list(map(str, kept)), 5)}).",
            "Give label maps whose values are classes; JPG changes them, PNG does not. --label VALUE=NAME names each.",
        )
    numbers = {value: number for number, value in enumerate(kept, 1)}
    unnamed = {label: f"colour {colour}" for colour, label in source.colours.items()}
    if len(kept) == 1:
        unnamed = dict.fromkeys(kept, "foreground")
    names = {number: given.get(value, unnamed.get(value, f"class {value}")) for value, number in numbers.items()}
    if len(set(names.values())) < len(names):
        raise UserError(
            f"{', '.join(names.values())}: two classes of one name.", "Give each a name of its own by --label VALUE=NAME."
        )
    return Classes(numbers, names, bool(given))


def _values_of_colours(source: Source, labels: Mapping[int | str, str]) -> dict[int, str]:
    """Return label value to name where colours may stand for values."""
    unknown = [value for value in labels if isinstance(value, str) and value not in source.colours]
    if unknown:
        there = f"There are: {', '.join(source.colours)}." if source.colours else "Label pictures have no colours, but values."
        raise UserError(f"--label {unknown[0]}={labels[unknown[0]]}: no label picture has this colour.", there)
    return {source.colours.get(value, value): name for value, name in labels.items()}


def _check_names(found: Fingerprint, given: Mapping[int, str], seen: list[int], must_exist: bool) -> None:
    """Demand a name for every value if there are some, and of the user's own names a value for each."""
    unnamed = [value for value in seen if given and value not in given]
    if unnamed:
        case = next(case for case in found.cases if unnamed[0] in case.counts)
        known = ", ".join(f"{value} {name}" for value, name in given.items())
        raise UserError(
            f"{case.name}: label {unnamed[0]} has no name; named are {known}.",
            "Name each value, --label VALUE=NAME, or fix the label map.",
        )
    absent = [value for value in given if value not in seen]
    if absent and must_exist:
        raise UserError(
            f"--label {absent[0]}={given[absent[0]]}: no label map has this value.", f"There are: {', '.join(map(str, seen))}."
        )
