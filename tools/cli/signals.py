"""Stop a run in order when it is asked to end."""

import signal
import sys
import threading
from _thread import interrupt_main
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows has no SIGHUP
AGAIN = 0.05  # seconds after which a signal that Python dropped is raised again


class Terminated(BaseException):
    """The process was asked to end by SIGTERM, or its terminal was closed (SIGHUP)."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


@contextmanager
def resumable(tell: Callable[[str], None]) -> Iterator[None]:
    """Be `interruptible`, and tell that the same command goes on from what is done."""
    with interruptible():
        try:
            yield
        except (KeyboardInterrupt, Terminated):
            tell("stopped; the same command goes on from what is done")
            raise


@contextmanager
def interruptible() -> Iterator[None]:
    """End with code 130 after Ctrl-C, 143 after SIGTERM and 129 after SIGHUP, once what is inside has written what it has.

    A signal that is ignored, as SIGHUP is under nohup, stays so. One that comes while an object is deleted, where Python drops what
    is raised, comes again a moment later.
    """

    def terminate(number: int, frame) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)  # the table and the page are written first
        raise Terminated(number)

    def listen() -> None:
        for each in before:
            signal.signal(each, terminate)

    def dropped(unraisable: "sys.UnraisableHookArgs") -> None:
        end = unraisable.exc_value
        if not isinstance(end, (KeyboardInterrupt, Terminated)):
            hook(unraisable)
            return
        listen()
        number = end.number if isinstance(end, Terminated) else signal.SIGINT
        again = threading.Timer(AGAIN, interrupt_main, (number,))
        again.daemon = True
        again.start()

    before = {number: signal.getsignal(number) for number in ENDING if signal.getsignal(number) != signal.SIG_IGN}
    hook, sys.unraisablehook = sys.unraisablehook, dropped
    listen()
    try:
        yield
    except (KeyboardInterrupt, Terminated) as end:
        raise typer.Exit(130 if isinstance(end, KeyboardInterrupt) else 128 + end.number) from end
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)
