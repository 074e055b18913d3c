"""Names of BIDS: entities, suffix, ending."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from custom_networks.cases.suffixes import NIFTI_SUFFIXES, split_suffix

ENTITY = re.compile(r"(?P<key>[a-zA-Z]+)-(?P<value>[a-zA-Z0-9+]+)", re.ASCII)
WORD = re.compile(r"[a-zA-Z0-9]+", re.ASCII)
ORDER = (  # of BIDS 1.10, as far as images of anatomy have them
    "sub", "ses", "sample", "task", "acq", "ce", "trc", "stain", "rec", "dir", "run", "mod", "echo", "flip", "inv", "mt", "part",
    "proc", "hemi", "space", "split", "chunk", "seg", "res", "den", "label", "desc",
)  # fmt: skip
OF_SEGMENTATIONS = frozenset(ORDER) - {"flip", "inv", "mt", "mod", "proc", "label", "sample", "task", "trc", "stain"}


@dataclass(frozen=True)
class BidsName:
    """A file's name.

    Attributes:
        entities: such as ``{"sub": "01", "acq": "sag"}``.
        suffix: what the image is, such as T2starw.
    """

    entities: Mapping[str, str]
    suffix: str

    def __str__(self) -> str:
        known = [key for key in ORDER if key in self.entities]
        others = [key for key in self.entities if key not in ORDER]
        return "_".join([*(f"{key}-{self.entities[key]}" for key in [*known, *others]), self.suffix])

    @property
    def folder(self) -> Path:
        """Folder of the person and session, below the data set's."""
        return Path(*(f"{key}-{self.entities[key]}" for key in ("sub", "ses") if key in self.entities))


def parse_name(file: str | Path) -> BidsName | None:
    """Return the BIDS name of a NIfTI file, None where it has none."""
    stem, ending = split_suffix(Path(file).name, NIFTI_SUFFIXES)
    *parts, suffix = stem.split("_")
    found = [ENTITY.fullmatch(part) for part in parts]
    if not ending or not parts or not WORD.fullmatch(suffix) or not all(found):
        return None
    entities = {match["key"]: match["value"] for match in found}
    return BidsName(entities, suffix) if "sub" in entities and len(entities) == len(found) else None


def segmentation_name(source: BidsName, desc: str, apart: bool) -> BidsName:
    """Return the name of an image's segmentation.

    Args:
        source: of the image.
        desc: what made it.
        apart: whether the source's suffix and what segmentations cannot have of its entities become part of ``desc``, since
            several images of a session would share the name else.
    """
    kept = {key: value for key, value in source.entities.items() if key in OF_SEGMENTATIONS and key != "desc"}
    lost = [key + value for key, value in source.entities.items() if key not in kept]
    if apart:
        desc += "".join(part[0].upper() + part[1:] for part in [source.suffix, *lost])
    return BidsName({"space": "orig"} | kept | {"desc": "".join(WORD.findall(desc))}, "dseg")
