"""Names of vertebrae and their VerSe numbers."""

T12, L6, SACRUM, COCCYX, T13 = 19, 25, 26, 27, 28
VERTEBRA_NAMES: dict[int, str] = (
    {n: f"C{n}" for n in range(1, 8)}
    | {n: f"T{n - 7}" for n in range(8, 20)}
    | {n: f"L{n - 19}" for n in range(20, 26)}
    | {T13: "T13"}
)
VERTEBRAE = tuple(VERTEBRA_NAMES)
VERTEBRA_NUMBERS: dict[str, int] = {name: number for number, name in VERTEBRA_NAMES.items()}
NAMES: dict[int, str] = VERTEBRA_NAMES | {SACRUM: "sacrum"}
FIRST, LAST = 1, 24  # C1 and L5, the ends of the usual sequence
DIRECTIONS = ("down", "up")


def level_of(number: int) -> float:
    """Return a vertebra's place in the usual sequence of 24, which the network estimates.

    T13 stands between T12 and L1, L6 below L5, and the sacrum one further, so that L6 and sacrum are told apart.
    """
    return 19.5 if number == T13 else float(number)


def check_direction(direction: str) -> str:
    """Return the direction of a traversal; raise ValueError for what is none."""
    if direction not in DIRECTIONS:
        raise ValueError(f"direction must be one of {DIRECTIONS}, got {direction!r}.")
    return direction
