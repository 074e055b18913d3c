"""The numbers that a bundle's README and metadata.json tell, and how each came to be."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from custom_networks.errors import UserError

from ..bundles import Bundle

NUMBERS = "numbers.json"  # in a bundle's docs
TOLERANCE = 0.002  # of a mean Dice between machines
WAYS = ("phantom", "prepare", "measure", "command", "source")


@dataclass(frozen=True)
class Entry:
    """Numbers that were measured together, an object of the list ``docs/numbers.json``.

    Attributes:
        title: on what they were measured.
        expected: score, or ``SCORE, CASE``, to what is told: its mean, or an object of ``mean``, ``deviation``, ``low``, ``high``,
            ``worst`` and ``count``.
        phantom: options of ``axial phantom`` that make the data.
        prepare: arguments of ``axial prepare`` that make them; ``SOURCE`` stands for a folder that the user gives as ``data``.
        measure: in place of a data set: a measurement of its own, perhaps of ``data``, see `reproduce.MEASUREMENTS`.
        data: name of the user's folder.
        section: of the data set that is scored.
        overlays: configs on top of ``train.json``.
        settings: ids of the config and their values.
        member: ``members.0``, for instance: the one network of the shipped weights that is scored.
        converted: ``source``, ``file`` and ``data`` of published weights that are scored, by ``axial convert-weights SOURCE FILE``,
            the file in another folder of the user's, ``data``.
        folds: ``subject``, ``weights`` (a folder of the bundle), perhaps ``choose`` and ``number``, options of
            ``axial crossvalidate``.
        subject: as of ``axial crossvalidate``; cases of one subject count as one in the spread.
        tolerance: by how much a number may differ on another machine.
        command: for numbers that are not measured again, for training would be needed, for instance: what printed them.
        source: for the numbers of others: where they stand.
        metrics: name in the metadata's ``eval_metrics`` to the score, or ``SCORE.PART``, such as ``dice.worst``.
    """

    title: str
    expected: dict[str, float | dict[str, float]]
    phantom: list[str] | None = None
    prepare: list[str] | None = None
    measure: str | None = None
    data: str | None = None
    section: str = "test"
    overlays: list[str] = field(default_factory=list)
    settings: dict[str, object] = field(default_factory=dict)
    member: str | None = None
    converted: dict[str, str] | None = None
    folds: dict[str, str] | None = None
    subject: str | None = None
    tolerance: float = TOLERANCE
    command: str | None = None
    source: str | None = None
    metrics: dict[str, str] = field(default_factory=dict)

    @property
    def needed(self) -> list[str]:
        """Names of all folders that the user gives."""
        return [name for name in (self.data, self.converted and self.converted["data"]) if name]

    def same_data(self, other: "Entry") -> bool:
        """Whether both are scored on one data set, which is made once."""
        return (self.phantom, self.prepare, self.data) == (other.phantom, other.prepare, other.data)

    def told(self) -> dict[str, float]:
        """Return ``SCORE.PART`` to what is told."""
        values = {}
        for name, value in self.expected.items():
            values |= {f"{name}.{part}": number for part, number in (value if isinstance(value, dict) else {"mean": value}).items()}
        return values

    def metadata(self) -> dict[str, float]:
        """Return what of it stands in the metadata's ``eval_metrics``."""
        told = self.told()
        return {name: told[score if score in told else f"{score}.mean"] for name, score in self.metrics.items()}


def read_numbers(bundle: Bundle) -> list[Entry]:
    """Read ``docs/numbers.json`` of a bundle.

    Raises:
        UserError: when there is none, or an entry is not of the form of `Entry`.
    """
    path = bundle.folder / "docs" / NUMBERS
    if not path.is_file():
        raise UserError(f"{bundle.name}: has no docs/{NUMBERS}.", "Its README says how each number was measured.")
    try:
        return [_entry(content) for content in json.loads(path.read_text(encoding="utf-8"))]
    except (ValueError, TypeError) as error:
        raise UserError(f"{path}: not a list of numbers ({error}).", "See tools/scoring/numbers.py for its form.") from error


def _entry(content: dict) -> Entry:
    entry = Entry(**content)
    ways = [way for way in WAYS if getattr(entry, way) is not None]
    if len(ways) != 1:
        raise ValueError(f"{entry.title}: {' and '.join(ways) or 'nothing'} of {', '.join(WAYS)}, where one is needed")
    return entry


def weights_folder(bundle: Bundle, entry: Entry) -> Path:
    """Return the folder of a bundle's fold weights.

    Raises:
        UserError: when it is not there: only the repository has it.
    """
    folder = bundle.folder / entry.folds["weights"]
    if not folder.is_dir():
        raise UserError(f"{folder}: no weights of folds.", "They lie in the repository; packed bundles come without them.")
    return folder
