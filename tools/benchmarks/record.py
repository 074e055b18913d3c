"""What was measured, written after every measurement, so that a run that is stopped loses none."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from custom_networks.errors import UserError
from custom_networks.results.write_result import write_json

from .stages import Result, Stages


@dataclass
class Record:
    """Results and notes by the names of their measurements.

    Attributes:
        machine: processor, threads and libraries; measurements on others are not comparable.
        rates: what the machine's matrix products reach, in words.
        results: stages of bundles.
        notes: what single parts cost, each some lines.
        path: the JSON file; None writes none.
    """

    machine: str
    rates: str
    results: dict[str, Result] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    path: Path | None = None

    def __contains__(self, name: str) -> bool:
        return name in self.results or name in self.notes

    def add(self, name: str, measured: Result | list[str]) -> None:
        """Keep a measurement and write the file."""
        if isinstance(measured, Result):
            self.results[name] = measured
        else:
            self.notes[name] = measured
        if self.path is not None:
            bundles = {
                name: asdict(result) | {"of_peak": result.of_peak, "gate": result.gate} for name, result in self.results.items()
            }
            write_json(self.path, {"machine": self.machine, "rates": self.rates, "bundles": bundles, "notes": self.notes})

    def resume(self) -> None:
        """Take up what the file holds, if there is one.

        Raises:
            UserError: when it is no such file, or is of another machine or of other libraries.
        """
        if self.path is None:
            raise UserError("--resume: without --output there is nothing to go on from.", "Give the folder of the earlier run.")
        if not self.path.exists():
            return
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            machine, self.rates, self.notes = content["machine"], content["rates"], dict(content["notes"])
            self.results = {name: _result(values) for name, values in content["bundles"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{self.path}: is not a record of an earlier run.", "Measure again, without --resume.") from error
        if machine != self.machine:
            raise UserError(
                f"{self.path}: was measured on {machine}; this is {self.machine}.", "Measure again, or into another folder."
            )


def _result(values: dict) -> Result:
    values = {name: value for name, value in values.items() if name not in ("of_peak", "gate")}
    return Result(**values | {name: Stages(**values[name]) for name in ("first", "steady")})
