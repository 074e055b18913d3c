"""Stop a run in order when it is asked to end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import typer

ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows has no SIGHUP


class Terminated(BaseException):
    """The process was asked to end by SIGTERM, or its terminal was closed (SIGHUP)."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


@contextmanager
def interruptible() -> Iterator[None]:
    """End with code 130 after Ctrl-C, 143 after SIGTERM and 129 after SIGHUP, once what is inside has written what it has.

    A signal that is ignored, as SIGHUP is under nohup, stays so.
    """

    def terminate(number: int, frame) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)  # the table and the page are written first
        raise Terminated(number)

    before = {number: signal.getsignal(number) for number in ENDING if signal.getsignal(number) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, terminate)
    try:
        yield
    except (KeyboardInterrupt, Terminated) as end:
        raise typer.Exit(130 if isinstance(end, KeyboardInterrupt) else 128 + end.number) from end
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
