"""Signals of processes that tests start."""

import signal


def restore_signals() -> None:
    """Heed signals again, for ``preexec_fn``: children of tests in the background ignore Ctrl-C, those under nohup SIGHUP."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
