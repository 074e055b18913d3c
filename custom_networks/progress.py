"""How far a case has come, told by whoever works through its windows or patches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_follower: ContextVar[Callable[[float], None] | None] = ContextVar("follower", default=None)


@contextmanager
def follow_progress(follower: Callable[[float], None]) -> Iterator[None]:
    """Call a function with the share that is done, from 0 to 1, whenever `tell_progress` is called inside."""
    token = _follower.set(follower)
    try:
        yield
    finally:
        _follower.reset(token)


def tell_progress(done: float, total: float) -> None:
    """Say that ``done`` of ``total`` windows or patches are done; costs nothing where nobody follows."""
    follower = _follower.get()
    if follower is not None and total > 0:
        follower(min(1.0, done / total))
