"""What runs in a worker: cases, one at a time, with a bundle that stays in memory between them."""

import logging
import os
import signal
import threading
from contextlib import ExitStack, suppress
from dataclasses import replace

from distributed import Worker, WorkerPlugin, get_worker

from custom_networks.errors import UserError, explain, lacks_memory
from custom_networks.results.warnings_log import CollectWarnings

from .. import __version__
from ..results.finishing import CaseFinisher, FinishedCase
from ..results.job import Job

SLOT = "axial-case"  # resource of a worker; a case takes one


class UnfitWorkerError(Exception):
    """This worker, whose address is the first argument, cannot do the job, for the second one; another may."""


class CaseMemoryError(Exception):
    """A case found too little memory on a worker, whose address is the first argument."""


class OfferSlot(WorkerPlugin):
    """Offer one case at a time on every worker, also on those that come later, that has memory enough.

    Args:
        case_memory: bytes that a case may take.
        local: whether the worker belongs to the process that gave the plugin, which a Ctrl-C of the terminal should end alone.
    """

    name = "axial-slot"

    def __init__(self, case_memory: int, local: bool) -> None:
        self.case_memory, self.local = case_memory, local

    async def setup(self, worker: Worker) -> None:
        if self.local:
            with suppress(ValueError):  # not the main thread
                signal.signal(signal.SIGINT, signal.SIG_IGN)
        limit = worker.memory_manager.memory_limit
        await worker.set_resources(**{SLOT: int(limit is None or limit >= self.case_memory)})

    async def teardown(self, worker: Worker) -> None:
        await worker.set_resources(**{SLOT: 0})


class _Ready:
    """A job's bundle, network and evaluator, ready for cases."""

    def __init__(self, job: Job) -> None:
        import torch

        from ..bundles import Bundle
        from ..results.segmenting import Segmenter
        from .gpus import claim_device

        if job.version != __version__:
            raise UserError(f"Axial {__version__} is installed there, {job.version} here.", "Install the same.")
        if job.source is not None and not job.source.exists():
            raise UserError(f"{job.source} is not there.", "Have all machines see the images under the same path.")
        if job.mark is not None and not job.mark.exists():
            raise UserError(f"{job.output} is another folder there.", "Give -o one that all machines share, under the same path.")
        self.name, self.stack = job.name, ExitStack()
        logging.getLogger().addHandler(logging.NullHandler())  # what Axial warns of goes with the results
        os.environ.update(job.environment)
        if job.threads is not None:
            torch.set_num_threads(job.threads)
        segmenter = Segmenter(Bundle(job.bundle), job.settings, job.weights, job.device or claim_device(), job.maps)
        parser = self.stack.enter_context(segmenter.bundle.parser("inference.json"))
        self.evaluator = segmenter.evaluator(parser, [], job.output, job.overwrite)
        self.evaluator.on_case = lambda result: None
        self.evaluator.raises_lack_of_memory = True
        self.evaluator.record.job = job.name
        self.finisher = CaseFinisher(segmenter.bundle, segmenter.kind, job.output, job.suffix, job.exports)

    def segment(self, case: dict) -> FinishedCase:
        self.evaluator.cases = [case]
        (result,) = self.evaluator.run()
        with CollectWarnings() as warnings:
            finished = self.finisher(result)
        return replace(finished, warnings=(*result.warnings, *warnings.lines))


_lock = threading.Lock()
_ready: _Ready | None = None


def segment_case(job: Job, case: dict) -> FinishedCase:
    """Segment, measure, draw and describe one case of a job.

    Raises:
        UnfitWorkerError: when this worker cannot do the job at all; it takes no more cases then.
        CaseMemoryError: when the case found too little memory here.
    """
    global _ready
    with _lock:
        if _ready is None or _ready.name != job.name:
            if _ready is not None:
                _ready.stack.close()
                _ready = None
            try:
                _ready = _Ready(job)
            except Exception as error:
                worker = get_worker()
                worker.loop.add_callback(worker.set_resources, **{SLOT: 0})
                raise UnfitWorkerError(worker.address, explain(error)) from None
        try:
            return _ready.segment(case)
        except Exception as error:
            if lacks_memory(error):
                raise CaseMemoryError(get_worker().address, explain(error)) from None
            raise
