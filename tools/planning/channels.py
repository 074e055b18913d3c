"""What tells the images of one case, its channels, apart."""

from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from custom_networks.errors import UserError

from .entries import SEPARATORS, LabelledCase, stem_of


def find_channels(cases: Sequence[LabelledCase]) -> tuple[str, ...]:
    """Return the words that tell the images of each case apart, the same for all cases; none where a case has one image.

    Raises:
        UserError: when names do not tell the channels apart, or when cases differ in their number or words.
    """
    first, words = cases[0], _words(cases[0].images)
    if len(set(words)) < len(words):
        raise UserError(f"{first.images[0]}: channels whose names do not tell them apart.", "Call them CASE_0000, CASE_0001, ...")
    for case in cases:
        if len(case.images) != len(first.images):
            raise UserError(
                f"{case.images[0]}: {_counted(len(case.images))}, but {first.images[0].name} has {_counted(len(first.images))}.",
                "Give every case the same channels.",
            )
        if _words(case.images) != words:
            raise UserError(
                f"{case.images[0]}: channels {', '.join(_words(case.images))}, but {first.name} has {', '.join(words)}.",
                "Give the images of every case the same endings.",
            )
    return words


def _counted(count: int) -> str:
    return f"{count} channel" if count == 1 else f"{count} channels"


def _words(images: Sequence[Path]) -> tuple[str, ...]:
    """Return what follows the common beginning of several names, up to a separator."""
    if len(images) < 2:
        return ()
    stems = [stem_of(image) for image in images]
    alike = sum(1 for _ in takewhile(lambda letters: len(set(letters)) == 1, zip(*stems, strict=False)))
    start = max(stems[0][:alike].rfind(separator) for separator in SEPARATORS) + 1
    return tuple(stem[start:] for stem in stems)
