"""Choose the series of a study that a bundle understands."""

from collections.abc import Sequence
from dataclasses import dataclass

from custom_networks.cases.studies import modality_of
from custom_networks.errors import UserError
from custom_networks.readers.modality import KINDRED

from .address import Address

NO_IMAGES = ("SEG", "SR", "RTSTRUCT", "RTPLAN", "RTDOSE", "PR", "KO", "REG", "DOC", "OT", "FID", "RWV", "ANN", "AU", "PLAN")


@dataclass(frozen=True)
class Series:
    """A series as the archive lists it; ``count`` is the number of its files, None where it does not say."""

    uid: str
    number: str
    modality: str
    description: str
    count: int | None

    def __str__(self) -> str:
        files = "" if self.count is None else f"{self.count} files"
        parts = (self.modality, self.description, files, self.uid)
        return f"number {self.number} ({', '.join(part for part in parts if part)})"


def choose(
    address: Address,
    listed: Sequence[Series],
    modality: str | None,
    wanted: str | None = None,
    contrasts: Sequence[str] = (),
) -> dict[str, Series]:
    """Return the series to fetch by the names of their folders: its UID, or for a bundle of several images its contrast.

    Args:
        address: of the study, for messages.
        listed: the series of the study.
        modality: of the bundle, such as CT; None takes any image.
        wanted: number or UID of the series to take; several with commas, in the order of the contrasts.
        contrasts: of the images of a bundle that takes several, such as FLAIR and T1; the first must be there.

    Raises:
        UserError: when none or too many fit; the message lists them.
    """
    if wanted is not None:
        named = [_named(address, listed, part.strip()) for part in wanted.split(",")]
        if len(named) > max(1, len(contrasts)):
            raise UserError(f"--series {wanted}: {len(named)} series where one is taken.", "Choose one with --series NUMBER.")
        return dict(zip(contrasts, named, strict=False)) if contrasts else {named[0].uid: named[0]}
    accepted = KINDRED.get(modality, (modality,))
    images = [s for s in listed if s.modality.upper() not in NO_IMAGES]
    fitting = [s for s in images if modality is None or s.modality.upper() in accepted]
    if not fitting:
        there = f"there are {_lines(listed)}" if listed else "it is empty or unknown"
        raise UserError(f"{address}: no {' or '.join(accepted[:2])} series in this study; {there}.", "Give another study.")
    if contrasts:
        return _by_contrast(address, fitting, contrasts)
    if len(fitting) > 1:
        raise UserError(f"{address}: {len(fitting)} series fit: {_lines(fitting)}.", "Choose one with --series NUMBER.")
    return {fitting[0].uid: fitting[0]}


def _named(address: Address, listed: Sequence[Series], wanted: str) -> Series:
    found = [s for s in listed if wanted in (s.uid, s.number)]
    if len(found) != 1:
        problem = "no such series" if not found else "that number is not unique, give the UID"
        raise UserError(f"{address}: series {wanted}: {problem}; there are {_lines(listed)}.", "Choose one with --series NUMBER.")
    return found[0]


def _by_contrast(address: Address, fitting: Sequence[Series], contrasts: Sequence[str]) -> dict[str, Series]:
    chosen = {}
    for contrast in contrasts:
        found = [s for s in fitting if modality_of(s.description, contrasts) == contrast]
        if len(found) > 1 or (not found and contrast == contrasts[0]):
            problem = f"{len(found)} {contrast} series" if found else f"no {contrast} series by their descriptions"
            raise UserError(
                f"{address}: {problem}: {_lines(found or fitting)}.",
                f"Choose with --series NUMBER,NUMBER ({' and '.join(contrasts)}).",
            )
        if found:
            chosen[contrast] = found[0]
    return chosen


def _lines(series: Sequence[Series]) -> str:
    return "; ".join(map(str, series))
