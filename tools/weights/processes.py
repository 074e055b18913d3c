"""Processes that end with the program that started them."""

import contextlib
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TextIO

GRACE = 10.0  # seconds that a process has to end when it is asked to
_running: set[subprocess.Popen] = set()
_stopped = threading.Event()


def run_logged(command: Sequence[str], folder: Path, log: TextIO, variables: Mapping[str, str]) -> int:
    """Run a command, which ends when the program is interrupted, and return its code.

    Args:
        command: and its arguments.
        folder: where it runs.
        log: gets what it says.
        variables: of its environment.
    """
    if _stopped.is_set():
        return 1
    process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=variables)
    _running.add(process)
    try:
        if _stopped.is_set():  # since it was asked
            process.terminate()
        return process.wait()
    except BaseException:
        _end([process])
        raise
    finally:
        _running.discard(process)


@contextlib.contextmanager
def ending_with(pool: Executor) -> Iterator[None]:
    """End what threads of a pool run, and begin nothing more there, when the program is interrupted within a context."""
    _stopped.clear()
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception):  # what a thread raised lets the others come to their end
            _stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            _end([*_running])
        raise


def is_stopped() -> bool:
    """Tell whether the program was interrupted, so that a process that ended early is no failure."""
    return _stopped.is_set()


def _end(processes: Sequence[subprocess.Popen]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
