"""Collect what Axial's log warns of."""

import logging

from ..errors import plain


class CollectWarnings(logging.Handler):
    """A context whose ``lines`` are the warnings of Axial's log in it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def __enter__(self) -> "CollectWarnings":
        logging.getLogger("axial").addHandler(self)
        return self

    def __exit__(self, *exception) -> None:
        logging.getLogger("axial").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno == logging.WARNING and (line := plain(record.getMessage())) not in self.lines:
            self.lines.append(line)  # a file may be read more than once
