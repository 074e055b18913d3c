"""What a vertebra is by itself: where in its region it stands, as ribs, skull and sacrum beside it show."""

from collections.abc import Collection, Sequence

from .names import SACRUM, T13, level_of

KINDS = (
    "C1", "C2", "cervical", "last cervical", "first thoracic", "thoracic", "last thoracic", "first lumbar", "lumbar",
    "last lumbar", "sacrum", "no vertebra",
)  # fmt: skip
# Where a region of the spine begins or ends; sacrum and neighbours tell the last lumbar vertebra.
ENDS = tuple(place for place, kind in enumerate(KINDS) if kind.startswith(("C", "last", "first", "sacrum")))
NO_VERTEBRA, UNKNOWN = KINDS.index("no vertebra"), -1
FIRST_THORACIC, FIRST_LUMBAR = 8, 20
_SURE = {
    1: "C1", 2: "C2", **dict.fromkeys(range(3, 7), "cervical"), 7: "last cervical",
    FIRST_THORACIC: "first thoracic", SACRUM: "sacrum",
}  # fmt: skip


def kinds_of(numbers: Sequence[int]) -> list[int]:
    """Return the place in `KINDS` of each vertebra of a whole spine, VerSe numbers from top to bottom."""
    kinds = kinds_in_view({*numbers, SACRUM})
    return [kinds[number] for number in numbers]


def kinds_in_view(numbers: Collection[int]) -> dict[int, int]:
    """Return the place in `KINDS` of each vertebra of a part of a spine; `UNKNOWN` where what would tell it is not there.

    A person's last thoracic vertebra is known where the first lumbar one is there, the last lumbar one where the sacrum is.
    """
    names = {number: _SURE[number] for number in numbers if number in _SURE}
    thoracic = sorted((number for number in numbers if FIRST_THORACIC < number < FIRST_LUMBAR or number == T13), key=level_of)
    lumbar = sorted(number for number in numbers if FIRST_LUMBAR <= number < SACRUM)
    for number in thoracic:
        last = number == thoracic[-1] and FIRST_LUMBAR in numbers
        names[number] = "last thoracic" if last or number == T13 else "thoracic"
        if FIRST_LUMBAR not in numbers and number in (18, 19):
            names[number] = ""
    for number in lumbar:
        last = number == lumbar[-1] and SACRUM in numbers
        names[number] = "last lumbar" if last or number == SACRUM - 1 else "lumbar"
        if SACRUM not in numbers and number in (23, 24):
            names[number] = ""
    if FIRST_LUMBAR in numbers:
        names[FIRST_LUMBAR] = "first lumbar"
    return {number: KINDS.index(name) if name else UNKNOWN for number, name in names.items()}
