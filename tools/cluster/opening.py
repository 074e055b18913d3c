"""Start a cluster on this machine, or reach one that runs."""

import logging
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from custom_networks.errors import UserError, explain

GIB = 2**30
REACH = 20.0  # seconds in which a scheduler must answer
CASE_MEMORY = 2.0  # GiB; what the largest cases of the bundles take, see docs/scaling.md
LOCAL = {
    "distributed.worker.memory.target": False,  # nothing is kept that could be spilled
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,  # a network in memory would pause a small worker for good
    "distributed.comm.timeouts.connect": "60s",
}


@contextmanager
def open_cluster(
    scheduler: str | None = None,
    jobs: int | None = None,
    case_memory: float = CASE_MEMORY,
    device: str | None = None,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Iterator["DaskCluster"]:  # noqa: F821 - imported where Dask is known to be there
    """Give a `DaskCluster` within a context.

    Args:
        scheduler: address of a scheduler, such as ``tcp://10.0.0.1:8786``; None starts one here.
        jobs: processes that are started here, at most; fewer where memory or GPUs do not last.
        case_memory: GiB that a case may take; workers with less get none.
        device: of the networks; None claims a GPU a worker where there are any.
        threads: of each process; None shares the processors among those here, and leaves others as they are.
        tell: called with lines about the cluster: its workers, its dashboard.

    Raises:
        UserError: when Dask is not installed, there is no scheduler at the address, or this machine has too little memory.
    """
    if find_spec("distributed") is None:
        raise UserError("--jobs and --scheduler need Dask, which is not installed.", 'pip install "axial-bundles[cluster]"')
    from dask import config
    from dask.system import CPU_COUNT
    from distributed import Client, LocalCluster
    from distributed.system import MEMORY_LIMIT

    from .dealing import DaskCluster

    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what becomes of cases is said by their results
    needed = int(case_memory * GIB)
    kept = {name: os.environ[name] for name in ("AXIAL_MAX_BYTES",) if name in os.environ}
    with config.set(LOCAL if scheduler is None else {}):
        if scheduler is not None:
            try:
                client = Client(scheduler, timeout=REACH)
            except (OSError, ValueError) as error:
                raise UserError(
                    f"--scheduler {scheduler}: cannot be reached ({explain(error)}).", "Start it with `dask scheduler`."
                ) from error
            cluster = None
        else:
            number = _local_workers(jobs, needed, MEMORY_LIMIT, device, tell)
            threads = threads or max(1, CPU_COUNT // number)
            _start_quickly(config)
            cluster = LocalCluster(
                n_workers=number,
                threads_per_worker=1,
                memory_limit=MEMORY_LIMIT // number,
                dashboard_address="127.0.0.1:8787",
                silence_logs=logging.CRITICAL,
            )
            client = Client(cluster)
        try:
            tell(f"scheduler {client.scheduler.address}, dashboard {client.dashboard_link}")
            yield DaskCluster(client, needed, device, threads, cluster is not None, kept)
        finally:
            client.close()
            if cluster is not None:
                cluster.close()


def _local_workers(jobs: int, needed: int, memory: int, device: str | None, tell: Callable[[str], None]) -> int:
    """Return how many processes this machine carries."""
    import torch

    fitting = memory // needed
    if fitting < 1:
        raise UserError(
            f"this machine has {memory / GIB:.1f} GiB, and a case may take {needed / GIB:.1f}.", "Give --case-memory less."
        )
    if fitting < jobs:
        tell(f"{fitting} processes in place of {jobs}: each needs {needed / GIB:.1f} GiB of {memory / GIB:.1f} (--case-memory)")
    gpus = torch.cuda.device_count() if device is None else 0
    if gpus and gpus < min(jobs, fitting):
        tell(f"{gpus} processes in place of {jobs}: one a GPU (--device cpu uses none)")
    return min(jobs, fitting, gpus or jobs)


def _start_quickly(config) -> None:
    """Let processes fork from one that has imported what they need; macOS cannot do so safely."""
    if sys.platform != "linux":
        return
    from distributed.utils import get_mp_context

    config.set({"distributed.worker.multiprocessing-method": "forkserver"})
    get_mp_context()  # sets its own list once
    room = __package__.rpartition(".")[0]
    multiprocessing.set_forkserver_preload(["distributed", f"{room}.cluster.worker", f"{room}.results.segmenting"])
