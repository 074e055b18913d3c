"""Deal cases to the workers of a Dask scheduler, one at a time to each."""

import logging
import queue
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from distributed import Client, Future, KilledWorker

from custom_networks.cases.names import first_image
from custom_networks.engines.case_evaluator import CaseResult
from custom_networks.errors import UserError, explain
from custom_networks.results.record import read_record, record_path
from custom_networks.results.write_result import remove_leftovers

from ..results.finishing import FinishedCase
from ..results.job import Job
from .worker import SLOT, CaseMemoryError, OfferSlot, UnfitWorkerError, segment_case

TRIES = 3  # of a case that finds too little memory, each on another worker
TICK = 1.0  # seconds between looks at the workers
PATIENCE = 60.0  # seconds without a worker after which that is said

logger = logging.getLogger("axial")


@dataclass
class _Dealt:
    """A case on its way, the workers that lacked memory for it, and those it waits for since."""

    case: dict
    lacking: list[str] = field(default_factory=list)
    where: list[str] = field(default_factory=list)


class DaskCluster:
    """Segment cases on the workers of a Dask scheduler.

    A worker has one case at a time, and there are never more tasks than workers have slots: what a worker that dies takes down with
    it is its own case alone. Dask gives that case to another worker, three times; results that were whole by then are not made
    again, since their records bear the job's name. A case that finds too little memory waits for workers where it was not yet.

    Args:
        client: of the scheduler.
        case_memory: bytes that a case may take; workers with a lower limit get none.
        device: of the networks; None claims a GPU a worker where there are any.
        threads: of each worker; None leaves them as they are.
        local: whether the workers end with this process.
        environment: variables that are set in the workers.
    """

    def __init__(
        self,
        client: Client,
        case_memory: int,
        device: str | None = None,
        threads: int | None = None,
        local: bool = False,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.client, self.case_memory, self.local = client, case_memory, local
        self.settings = {"device": device, "threads": threads, "environment": environment or {}}

    def segment(self, job: Job, cases: Sequence[dict]) -> Iterator[FinishedCase | CaseResult]:
        """Yield every case once, as it is done, in any order; as a failed result where no worker could do it.

        Raises:
            UserError: when no worker can do the job at all, or the scheduler is lost.
        """
        job = replace(job, **self.settings)
        waiting, self.running = deque(map(_Dealt, cases)), {}
        try:
            self.client.register_plugin(OfferSlot(self.case_memory, self.local))
        except Exception as error:
            raise UserError(
                f"the workers cannot run Axial ({explain(error)}).", "Install the same version there, with the extra cluster."
            ) from error
        try:
            yield from self._deal(job, waiting)
        except BaseException:
            self._give_up(job)
            raise
        finally:
            with suppress(Exception):  # a scheduler that is gone has forgotten it
                self.client.unregister_worker_plugin(OfferSlot.name)

    def _deal(self, job: Job, waiting: deque[_Dealt]) -> Iterator[FinishedCase | CaseResult]:
        self.done: queue.SimpleQueue[Future] = queue.SimpleQueue()
        unfit, slots, looked, seen = "", {}, -TICK, time.monotonic()
        while waiting or self.running:
            if time.monotonic() - looked >= TICK or not slots:
                slots, looked = self._slots(), time.monotonic()
                waiting.extend(self._take_back(slots))
            if slots:
                seen = time.monotonic()
            elif unfit and not self.running:
                raise UserError(f"no worker can do this: {unfit}", "Fix it there, or name others with --scheduler.")
            elif time.monotonic() - seen > PATIENCE:
                logger.warning("No worker has %.1f GiB and is free: waiting for one.", self.case_memory / 2**30)
                seen = time.monotonic()
            while waiting and len(self.running) < len(slots):
                self._submit(job, waiting.popleft(), slots)
            try:
                future = self.done.get(timeout=TICK)
            except queue.Empty:
                self._check()
                continue
            if future.key not in self.running:  # taken back
                continue
            dealt = self.running.pop(future.key)[1]
            if future.status == "finished":
                yield future.result()
                continue
            self._check()
            error = future.exception()
            if isinstance(error, UnfitWorkerError):
                address, reason = error.args
                unfit, slots = f"{address}: {reason}", {}
                if self._slots().keys() - {address}:
                    logger.warning("Worker %s It gets no cases.", unfit)
                waiting.appendleft(dealt)
            elif isinstance(error, CaseMemoryError) and len(dealt.lacking) + 1 < TRIES:
                dealt.lacking.append(error.args[0])
                waiting.append(dealt)
            else:
                yield _failed(job, dealt.case, error)

    def _slots(self) -> dict[str, float]:
        workers = self.client.scheduler_info()["workers"]
        return {address: 1 for address, worker in workers.items() if worker["resources"].get(SLOT)}

    def _submit(self, job: Job, dealt: _Dealt, slots: dict[str, float]) -> None:
        dealt.where = [address for address in slots if address not in dealt.lacking] if dealt.lacking else []
        where = {"workers": dealt.where} if dealt.where else {}  # strictly: an idle worker would steal its own case back
        key = f"axial-{job.name}-{dealt.case['case']}-{len(dealt.lacking)}-{time.monotonic_ns()}"
        future = self.client.submit(segment_case, job, dealt.case, key=key, pure=False, resources={SLOT: 1}, **where)
        self.running[key] = future, dealt
        future.add_done_callback(self.done.put)

    def _take_back(self, slots: dict[str, float]) -> list[_Dealt]:
        """Take back cases whose workers are all gone, for which they would wait forever."""
        stranded = [key for key, (_, dealt) in self.running.items() if dealt.where and slots and not slots.keys() & dealt.where]
        taken = [self.running.pop(key) for key in stranded]
        for future, _ in taken:
            future.cancel()
        return [dealt for _, dealt in taken]

    def _check(self) -> None:
        if self.client.status != "running":
            raise UserError(
                "the scheduler was lost.", "Cases that were done are kept: start it again, and give the same command again."
            )

    def _give_up(self, job: Job) -> None:
        """Take back what runs; where the workers are ours, end them, and remove what they leave half."""
        with suppress(Exception):
            self.client.cancel([future for future, _ in self.running.values()], force=True)
        if not self.local:
            return
        with suppress(Exception):
            self.client.cluster.close(timeout=5)
        remove_leftovers(job.output)
        for _, dealt in self.running.values():
            result = job.output / f"{dealt.case['case']}{job.suffix}"
            record = read_record(result)
            if record is not None and not record["complete"] and not result.exists():
                record_path(result).unlink(missing_ok=True)


def _failed(job: Job, case: dict, error: BaseException) -> CaseResult:
    source = str(first_image(case["image"]))
    if isinstance(error, KilledWorker):
        reason = f"{error.allowed_failures + 1} workers were lost over it, most likely for lack of memory"
    elif isinstance(error, CaseMemoryError):
        reason = "too little memory on every worker that tried it"
    else:
        reason = explain(error)
    return CaseResult(case["case"], source, 0.0, f"{source}: {reason}.", path=Path(job.output) / f"{case['case']}{job.suffix}")
