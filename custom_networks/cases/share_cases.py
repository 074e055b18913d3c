"""Share cases among processes."""

from collections.abc import Callable, Sequence


def share_cases(find: Callable[[], Sequence[dict]], rank: int, world_size: int) -> list[dict]:
    """Return every ``world_size``-th case from number ``rank`` on, so that all processes together have each case once.

    Nothing is exchanged between processes: a process that was killed is started again with the same cases and passes over those
    whose results are there.

    Args:
        find: returns all cases, in the same order in every process.
        rank: number of this process, from 0.
        world_size: number of processes.
    """
    return list(find())[rank::world_size]
