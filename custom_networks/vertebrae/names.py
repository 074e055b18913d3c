"""Names of vertebrae and their VerSe numbers."""

VERTEBRA_NAMES: dict[int, str] = (
    {n: f"C{n}" for n in range(1, 8)}
    | {n: f"T{n - 7}" for n in range(8, 20)}
    | {n: f"L{n - 19}" for n in range(20, 26)}
    | {28: "T13"}
)
VERTEBRAE = tuple(VERTEBRA_NAMES)
VERTEBRA_NUMBERS: dict[str, int] = {name: number for number, name in VERTEBRA_NAMES.items()}
FIRST, LAST = 1, 24  # C1 and L5, the ends of the usual sequence
DIRECTIONS = ("down", "up")


def check_direction(direction: str) -> str:
    """Return the direction of a traversal; raise ValueError for what is none."""
    if direction not in DIRECTIONS:
        raise ValueError(f"direction must be one of {DIRECTIONS}, got {direction!r}.")
    return direction
