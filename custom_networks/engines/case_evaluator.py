"""Run a bundle over many cases; a bad one does not stop the others."""

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from monai.data import DataLoader, Dataset
from monai.engines import SupervisedEvaluator
from monai.engines.utils import IterationEvents
from monai.inferers import Inferer
from monai.transforms import Transform
from monai.utils import CommonKeys

from ..cases.names import case_name, first_image
from ..errors import UserError, explain, lacks_memory, plain
from ..memory import give_back_memory
from ..progress import follow_progress
from ..results.record import ResultRecord, read_record, record_path
from ..results.warnings_log import CollectWarnings
from ..results.write_result import write_json

logger = logging.getLogger("axial")


@dataclass(frozen=True)
class CaseResult:
    """What became of one case.

    Attributes:
        name: of the case; its files are called by it.
        source: path of its image, of the first image of a study; ``path#number`` for a series of several.
        seconds: that it took, 0 where it was skipped.
        error: None where it succeeded, else one line for users.
        skipped: whether its result was there already.
        warnings: what the log warned of.
        path: the result's file; it exists where there is no error.
        measures: rows of ``measures.csv``, where results are measured.
        stored: address of its DICOM Segmentation in an archive; None where it was not stored.
    """

    name: str
    source: str
    seconds: float
    error: str | None = None
    skipped: bool = False
    warnings: tuple[str, ...] = ()
    path: Path | None = None
    measures: tuple[dict, ...] = ()
    stored: str | None = None


class CaseEvaluator(SupervisedEvaluator):
    """Evaluate cases one at a time with an Ignite engine.

    Each case is loaded, preprocessed, inferred and postprocessed on its own, so memory holds one case. An error is
    reported with the case's file and the next case follows. A case whose result exists is skipped unless ``overwrite`` is set; with
    a ``record`` only where the result is whole and was made by the same weights and settings from the same input, otherwise the
    case fails and is left as it is.

    Args:
        device: device of the network.
        cases: entries ``{"image": path, "case": name}``, or a function that returns them when the run begins; a name that is left
            out is that of the path, and an entry with an ``error`` has failed already.
        preprocessing: transform of one entry.
        network: network in evaluation.
        inferer: how the network is applied.
        postprocessing: transform of one entry with ``pred``; writes the result.
        output_dir: folder of the results.
        output_suffix: what a result's name adds to the case's name.
        overwrite: whether existing results are computed anew.
        record: says what makes the results, and is written beside each; None writes none.
        cudnn_benchmark: whether cuDNN tries which convolutions are fastest, which pays where windows have one size.
        on_case: called with every `CaseResult` as it comes.
        on_progress: called with the case's name and the share of it that is done, from 0 to 1.
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
        record: ResultRecord | None = None,
        cudnn_benchmark: bool = True,
        on_case: Callable[[CaseResult], None] | None = None,
        on_progress: Callable[[str, float], None] | None = None,
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
        self.add_event_handler(IterationEvents.FORWARD_COMPLETED, _check_answer)
        self.cases, self.preprocessing, self.record = cases, preprocessing, record
        self.output_dir, self.output_suffix, self.overwrite = Path(output_dir), output_suffix, overwrite
        self.on_case, self.on_progress = on_case or _log_result, on_progress or (lambda name, share: None)
        self.cudnn_benchmark = cudnn_benchmark
        self.results: list[CaseResult] = []
        self.raises_lack_of_memory = False  # set where another machine may have more
        self.interrupt_resume_enabled = False  # a failed run must not be resumed in place of the next case

    def run(self) -> list[CaseResult]:
        """Evaluate every case and return what became of each.

        Raises:
            SystemExit: with code 2, after the reason was reported, when ``cases`` finds none.
        """
        self.results = []
        torch.backends.cudnn.benchmark = self.cudnn_benchmark
        try:
            cases = self.cases() if callable(self.cases) else self.cases
        except UserError as error:
            logger.error("%s", error)
            raise SystemExit(2) from error
        for case in cases:
            result = self._run_case(case)
            self.results.append(result)
            self.on_case(result)
            give_back_memory()
        return self.results

    def plan(self) -> list[CaseResult]:
        """Return what `run` would do with each case: one that would be skipped, that would fail at once, or that would be made."""
        results = []
        for case in self.cases() if callable(self.cases) else self.cases:
            name, source, target = self._describe(case)
            error, skipped = case.get("error"), False
            try:
                skipped = error is None and self._is_made(target, case["image"])
            except Exception as fault:
                error = explain(fault)
            results.append(CaseResult(name, source, 0.0, error and plain(error), skipped, path=target))
        return results

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
        images = case["image"]
        name, source, target = self._describe(case)
        if "error" in case:
            return CaseResult(name, source, 0.0, plain(case["error"]), path=target)
        start = time.perf_counter()
        self.on_progress(name, 0.0)
        with CollectWarnings() as warnings:
            try:
                if self._is_made(target, images):
                    return self._made_before(name, source, target)
                self._make({"image": images, "case": name}, target, start, warnings.lines)
                error = None
            except Exception as fault:  # any fault of one case must leave the others untouched
                if self.raises_lack_of_memory and lacks_memory(fault):
                    raise
                logger.debug("%s failed", source, exc_info=True)
                error = explain(fault)
                error = error if plain(source) in error else f"{plain(source)}: {error}"
        return CaseResult(name, source, time.perf_counter() - start, error, warnings=tuple(warnings.lines), path=target)

    def _made_before(self, name: str, source: str, target: Path) -> CaseResult:
        """Return what became of a case whose result is there: kept, or made by this job in a process that was lost since."""
        found = read_record(target) or {}
        if self.record is None or not self.record.is_of_this_job(found):
            return CaseResult(name, source, 0.0, skipped=True, path=target)
        return CaseResult(name, source, found["seconds"], warnings=tuple(found["warnings"]), path=target)

    def _describe(self, case: dict) -> tuple[str, str, Path]:
        """Return name, source and result of a case."""
        images = case["image"]
        name = case.get("case") or case_name(images)
        source = str(first_image(images))
        return name, source, self.output_dir / f"{name}{self.output_suffix}"

    def _is_made(self, target: Path, images: str | Sequence) -> bool:
        """Tell whether a result is there that this run would make alike.

        Raises:
            UserError: when it was made otherwise.
        """
        if not target.exists():
            return False
        found = read_record(target)
        if self.overwrite:
            return self.record is not None and self.record.is_of_this_job(found)
        if self.record is None:
            return True
        if found is None:
            problem = "it has no record of what made it"
        elif not found["complete"]:
            return False  # its run was killed
        else:
            problem = ", ".join(self.record.differences(found, images))
            problem = problem and f"it was made by other means: {problem}"
        if problem:
            raise UserError(f"{target}: already exists, and {problem}.", "Use --overwrite or another folder.")
        return True

    def _make(self, case: dict, target: Path, start: float, warnings: Sequence[str]) -> None:
        """Compute one result; one that fails or is interrupted leaves the record as it was, if its result is as it was."""
        self.data_loader = _loader([case], self.preprocessing)
        self.state.quality = None
        before = _state(target)
        earlier = read_record(target)
        record = self.record and self.record.start(target, case["case"], case["image"])
        try:
            with follow_progress(lambda share: self.on_progress(case["case"], share)):
                super().run()
            if self.record:
                self.record.finish(target, record, time.perf_counter() - start, warnings, getattr(self.state, "quality", None))
        except BaseException:
            mine = record and (read_record(target) or {}).get("run") == record["run"]
            if mine and _state(target) == before:
                if earlier is None:
                    record_path(target).unlink(missing_ok=True)
                else:
                    write_json(record_path(target), earlier)
            raise


def _check_answer(engine: SupervisedEvaluator) -> None:
    """Refuse a network's answer that holds NaN or +inf, which softmax makes NaN: masks of it would look like any other.

    Raises:
        UserError: says what may help.
    """
    answer = engine.state.output[CommonKeys.PRED]
    if not isinstance(answer, torch.Tensor) or not answer.is_floating_point():
        return
    plain_answer = answer.as_subclass(torch.Tensor)
    if bool((plain_answer.isnan() | plain_answer.isposinf()).any()):
        raise UserError(
            "the network's answer holds NaN or infinity, so there is no mask.",
            "Compute in float32 (--precision float32), or look at the image's values and the weights.",
        )


def _state(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _loader(cases: Sequence[dict], preprocessing: Transform) -> DataLoader:
    return DataLoader(Dataset(cases, preprocessing), batch_size=1, num_workers=0)


def _log_result(result: CaseResult) -> None:
    if result.error:
        logger.error("failed: %s", result.error)
    elif result.skipped:
        logger.info("skipped: %s (result exists; --overwrite True computes it anew)", result.name)
    else:
        logger.info("done: %s (%.1f s)", result.name, result.seconds)
