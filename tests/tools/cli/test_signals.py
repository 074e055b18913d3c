"""Signals that come where Python cannot raise."""

import signal
import sys
import time

import pytest
import typer

from tools.cli.signals import interruptible


class Deaf:
    """Gets a signal while it is deleted; Python drops what is raised there."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        signal.raise_signal(self.number)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_that_python_drops_is_raised_again(number, code, capfd):
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which tests in the background ignore
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    hook = sys.unraisablehook
    try:
        with pytest.raises(typer.Exit) as end, interruptible():
            deaf = Deaf(number)
            del deaf
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                time.sleep(0.01)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert end.value.exit_code == code and sys.unraisablehook is hook and capfd.readouterr() == ("", "")
