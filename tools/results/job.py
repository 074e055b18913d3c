"""What processes that share the cases of a run must know, and what runs them."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from custom_networks.engines.case_evaluator import CaseResult

from .. import __version__
from .finishing import FinishedCase


@dataclass(frozen=True)
class Job:
    """A run of a bundle over many cases, without the cases.

    Attributes:
        bundle: folder of the bundle, as every process sees it.
        settings: see `Segmenter`.
        weights: file of the weights.
        output: folder of the results.
        suffix: what a result's name adds to the case's.
        exports: see `Segmenter.segment`.
        overwrite: whether results that were there before are computed anew.
        maps: see `Segmenter`.
        device: of the networks; None claims a GPU a worker where there are any.
        threads: of each process; None leaves it to the worker.
        environment: variables that are set in the workers.
        mark: file in the folder of results, which who sees another folder does not see; None asks for none.
        source: the first image, which every process must see; None asks for none.
        version: of Axial.
        name: of the run, its own; a result that bears it is not computed again.
    """

    bundle: Path
    settings: Mapping[str, object]
    weights: Path
    output: Path
    suffix: str
    exports: tuple[str, ...]
    overwrite: bool
    maps: bool = False
    device: str | None = None
    threads: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    mark: Path | None = None
    source: Path | None = None
    version: str = __version__
    name: str = field(default_factory=lambda: uuid.uuid4().hex)


class Cluster(Protocol):
    """What segments cases elsewhere, such as `DaskCluster`."""

    def segment(self, job: Job, cases: Sequence[dict]) -> Iterator[FinishedCase | CaseResult]:
        """Yield every case once, as it is done, in any order; as a result where no process could do it."""
