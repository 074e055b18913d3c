"""Errors that are for users: what was wrong and what to do, without a traceback."""

import errno
import sys
import zipfile
import zlib
from collections.abc import Sequence
from types import TracebackType

ZIP_ERRORS = (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError, zlib.error)  # of damaged zips
REFUSED = {  # what a system says of a user's path, not of a fault of ours
    getattr(errno, name)
    for name in ["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", "EISDIR", "ENAMETOOLONG", "ELOOP"]
    if hasattr(errno, name)
}
NO_DEVICE = (  # what torch says of a device that is not there
    "Torch not compiled with CUDA enabled", "No CUDA GPUs are available", "Found no NVIDIA driver", "invalid device ordinal",
    "device type at start of device string", "Invalid device string", "is not linked with support for mps",
)  # fmt: skip
FULL = {getattr(errno, name) for name in ["ENOSPC", "EDQUOT"] if hasattr(errno, name)}


class UserError(Exception):
    """A problem that the user can mend.

    Args:
        problem: the file and what was wrong with it.
        remedy: what to do about it.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(f"{problem} {remedy}".strip())


class WrongFilesError(UserError):
    """Problems of several files, of which each would have ended the same work, so that all are mended in one go.

    Args:
        faults: the problems, at least one.
        summary: how many they are, and what became of the work.
    """

    def __init__(self, faults: Sequence[UserError], summary: str) -> None:
        self.faults, self.summary = list(faults), summary
        super().__init__("; ".join(map(str, faults)), summary)


def explain(error: BaseException) -> str:
    """Return one line for the root cause of ``error``; MONAI wraps errors of transforms in several layers."""
    found = find_user_error(error)
    if found is not None:
        return plain(str(found))
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    text = " ".join(str(error).split())
    _, unread, rest = text.partition("cannot find a suitable reader for file: ")
    if unread:  # MONAI adds the traceback of each reader that it tried
        return plain(
            f"{rest.partition('. Please install')[0]}: cannot be read as an image. The file is damaged or of another kind."
        )
    return plain(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def lacks_memory(error: BaseException | None) -> bool:
    """Tell whether an error, or one that it came from, is a lack of memory, of the machine or its GPU."""
    while error is not None:
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def plain(text: str) -> str:
    """Return a text with whatever cannot be printed escaped: control characters, line breaks, bytes of names that are no text."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def some(names: Sequence[str], most: int) -> str:
    """Return the first of some names, and how many there are beyond: ``a, b and 3 more``."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def find_user_error(error: BaseException | None) -> UserError | None:
    """Return the `UserError` that another error came from, or that tells of a path or device that is refused; else None.

    A refusal counts as itself or as the stated cause; one that had been handled when another error came is not why.
    """
    refused, stated = None, True
    while error is not None and not isinstance(error, UserError):
        if stated:
            refused = (_refusal(error) if isinstance(error, OSError) else _missing_device(error)) or refused
        stated = stated and error.__cause__ is not None
        error = error.__cause__ or error.__context__
    return error or refused


def _missing_device(error: BaseException) -> UserError | None:
    text = str(error).partition("\n")[0]
    if isinstance(error, AssertionError | RuntimeError) and any(words in text for words in NO_DEVICE):
        return UserError(f"this machine has no such device ({text.rstrip('.')}).", "Give --device cpu, or a GPU of this machine.")
    return None


def _refusal(error: OSError) -> UserError | None:
    if error.errno in FULL:
        place = f"{error.filename}: " if error.filename is not None else ""  # write() does not say where
        return UserError(f"{place}{error.strerror}.", "Free some, or choose another place.")
    if error.errno in REFUSED and error.filename is not None:
        return UserError(f"{error.filename}: cannot be used ({error.strerror}).", "Choose another place, or change its rights.")
    return None


def hide_tracebacks() -> None:
    """Let a `UserError` that ends the program, a bundle's training say, print its one line instead of a traceback."""
    if getattr(sys.excepthook, "hides_tracebacks", False):
        return
    print_traceback = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        found = find_user_error(error)
        if found is None:
            print_traceback(kind, error, traceback)
        else:
            print(f"error: {plain(str(found))}", file=sys.stderr)

    hook.hides_tracebacks = True
    sys.excepthook = hook
