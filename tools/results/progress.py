"""How far a run has come."""

from dataclasses import dataclass

from custom_networks.engines.case_evaluator import CaseResult


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Attributes:
        name: of the case at hand.
        number: of it, from 1.
        total: number of cases.
        share: of the case that is done, from 0 to 1.
        result: of the case, once it is done; else None.
    """

    name: str
    number: int
    total: int
    share: float
    result: CaseResult | None = None
