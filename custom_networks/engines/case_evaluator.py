"""Run a bundle over many cases; a bad one does not stop the others."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from monai.data import DataLoader, Dataset
from monai.engines import SupervisedEvaluator
from monai.inferers import Inferer
from monai.transforms import Transform

from ..cases.cases import case_name
from ..errors import UserError, explain

logger = logging.getLogger("axial")


@dataclass(frozen=True)
class CaseResult:
    """What became of one case: ``error`` is None where it succeeded, ``skipped`` where its result was there already."""

    name: str
    source: str
    seconds: float
    error: str | None = None
    skipped: bool = False


class CaseEvaluator(SupervisedEvaluator):
    """Evaluate cases one at a time with an Ignite engine.

    Each case is loaded, preprocessed, inferred and postprocessed on its own, so memory holds one case. An error is
    reported with the case's file and the next case follows. A case whose result exists is skipped unless
    ``overwrite`` is set.

    Args:
        device: device of the network.
        cases: entries ``{"image": path}``, or a function that returns them when the run begins.
        preprocessing: transform of one entry.
        network: network in evaluation.
        inferer: how the network is applied.
        postprocessing: transform of one entry with ``pred``; writes the result.
        output_dir: folder of the results.
        output_suffix: what a result's name adds to the case's name.
        overwrite: whether existing results are computed anew.
        on_case: called with every `CaseResult` as it comes.
        val_handlers: Ignite handlers of the engine.
    """

    def __init__(
        self,
        device: torch.device | str,
        cases: Sequence[dict] | Callable[[], Sequence[dict]],
        preprocessing: Transform,
        network: torch.nn.Module,
        inferer: Inferer,
        postprocessing: Transform,
        output_dir: str | Path,
        output_suffix: str = "_seg.nii.gz",
        overwrite: bool = False,
        on_case: Callable[[CaseResult], None] | None = None,
        val_handlers: Sequence | None = None,
    ) -> None:
        device = torch.device(device)
        super().__init__(
            device=device,
            val_data_loader=_loader([], preprocessing),
            network=network.to(device),
            epoch_length=1,
            inferer=inferer,
            postprocessing=postprocessing,
            val_handlers=val_handlers,
        )
        self.cases, self.preprocessing = cases, preprocessing
        self.output_dir, self.output_suffix, self.overwrite = Path(output_dir), output_suffix, overwrite
        self.on_case = on_case or _log_result
        self.results: list[CaseResult] = []
        self.interrupt_resume_enabled = False  # a failed run must not be resumed in place of the next case

    def run(self) -> list[CaseResult]:
        """Evaluate every case and return what became of each.

        Raises:
            SystemExit: with code 2, after the reason was reported, when ``cases`` finds none.
        """
        self.results = []
        try:
            cases = self.cases() if callable(self.cases) else self.cases
        except UserError as error:
            logger.error("%s", error)
            raise SystemExit(2) from error
        for case in cases:
            result = self._run_case(case)
            self.results.append(result)
            self.on_case(result)
        return self.results

    def exit_if_failed(self) -> None:
        """End the process with code 1 when a case failed, after listing the failed ones."""
        if self.log_failed():
            raise SystemExit(1)

    def log_failed(self) -> list[str]:
        """Log how many cases were done and list the failed ones; return their names."""
        failed = [result.name for result in self.results if result.error]
        logger.info("%d of %d cases done.", len(self.results) - len(failed), len(self.results))
        if failed:
            logger.error("Failed: %s", ", ".join(failed))
        return failed

    def _run_case(self, case: dict) -> CaseResult:
        source = str(case["image"] if isinstance(case["image"], (str, Path)) else case["image"][0])
        name = case_name(case["image"])
        if not self.overwrite and (self.output_dir / f"{name}{self.output_suffix}").exists():
            return CaseResult(name, source, 0.0, skipped=True)
        start = time.perf_counter()
        self.data_loader = _loader([case], self.preprocessing)
        try:
            super().run()
        except Exception as error:  # any fault of one case must leave the others untouched
            logger.debug("%s failed", source, exc_info=True)
            text = explain(error)
            return CaseResult(name, source, time.perf_counter() - start, text if source in text else f"{source}: {text}")
        return CaseResult(name, source, time.perf_counter() - start)


def _loader(cases: Sequence[dict], preprocessing: Transform) -> DataLoader:
    return DataLoader(Dataset(cases, preprocessing), batch_size=1, num_workers=0)


def _log_result(result: CaseResult) -> None:
    if result.error:
        logger.error("failed: %s", result.error)
    elif result.skipped:
        logger.info("skipped: %s (result exists; --overwrite true computes it anew)", result.name)
    else:
        logger.info("done: %s (%.1f s)", result.name, result.seconds)
