"""Collect what the log warns of, case by case."""

import logging


class CollectWarnings(logging.Handler):
    """A context in which warnings of Axial's log are kept; cases end where `close_case` is called."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.by_case: dict[str, list[str]] = {}
        self._open: list[str] = []

    def __enter__(self) -> "CollectWarnings":
        logging.getLogger("axial").addHandler(self)
        return self

    def __exit__(self, *exception) -> None:
        logging.getLogger("axial").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno == logging.WARNING:
            self._open.append(record.getMessage())

    def close_case(self, name: str) -> None:
        """Give the warnings since the last case to this one."""
        self.by_case[name], self._open = self._open, []
