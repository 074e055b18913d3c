"""Stop a run in order when it is asked to end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import typer


class Terminated(BaseException):
    """The process was asked to end by SIGTERM."""


@contextmanager
def interruptible() -> Iterator[None]:
    """End with code 130 after Ctrl-C and 143 after SIGTERM, once what is inside has written what it has."""

    def terminate(number: int, frame) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the table and the page are written first
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    except (KeyboardInterrupt, Terminated) as end:
        raise typer.Exit(130 if isinstance(end, KeyboardInterrupt) else 143) from end
    finally:
        signal.signal(signal.SIGTERM, before)
