"""Errors that are for users: what was wrong and what to do, without a traceback."""

import zipfile
import zlib

ZIP_ERRORS = (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError, zlib.error)  # of damaged zips


class UserError(Exception):
    """A problem that the user can mend.

    Args:
        problem: the file and what was wrong with it.
        remedy: what to do about it.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(f"{problem} {remedy}".strip())


def explain(error: BaseException) -> str:
    """Return one line for the root cause of ``error``; MONAI wraps errors of transforms in several layers."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, UserError):
            return str(cause)
        error, cause = cause, cause.__cause__ or cause.__context__
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
