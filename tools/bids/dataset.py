"""Find the images of a BIDS data set that a bundle understands."""

import logging
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from custom_networks.errors import UserError

from .names import BidsName, parse_name

logger = logging.getLogger("axial")
ANATOMY = ("anat", "ct", "sub-", "ses-")  # begin names of folders; CT has none in BIDS, and lies in any of these
NO_IMAGES = ("dseg", "mask", "probseg", "channels", "defacemask")
NO_MAGNITUDES = ("phase", "real", "imag")  # of the entity part


@dataclass(frozen=True)
class BidsImage:
    """An image, or a study of several, that is one case.

    Attributes:
        path: of the image, of a study's first.
        name: of that file.
        others: of a study's further images, None where one is missing.
    """

    path: Path
    name: BidsName
    others: tuple[Path | None, ...] = field(default=())

    @property
    def case(self) -> dict:
        """The entry that `Segmenter` takes."""
        files = [self.path, *self.others]
        missing = next((file for file in files if file is not None and not file.exists()), None)
        error = {"error": f"{missing}: its content is not there. `datalad get` fetches it."} if missing else {}
        images = [file if file is None else str(file) for file in files]
        return {"image": images if self.others else images[0]} | error


def find_root(path: Path) -> Path:
    """Return the data set that a path is, or lies in.

    Raises:
        UserError: when it is none.
    """
    path = Path(os.path.abspath(path))
    for folder in (path, *path.parents):
        if (folder / "dataset_description.json").is_file():
            return folder
    if path.is_dir() and any(entry.is_dir() for entry in path.glob("sub-*")):
        return path
    raise UserError(
        f"{path}: not a BIDS data set, for it has no dataset_description.json.", "Give the data set's folder, or leave --bids out."
    )


def find_images(path: Path, suffixes: Sequence[str] | None, contrasts: Sequence[str] = ()) -> list[BidsImage]:
    """Return the images of a data set, of a person or of a session, in the order of their paths.

    Derivatives and source data in folders of those names are passed over, as are phases and segmentations.

    Args:
        path: the data set's folder, or one or a file in it.
        suffixes: of the images to take, such as T2starw; None takes every image of anatomy.
        contrasts: of a study's images, such as FLAIR and T1; suffixes are not looked at then.

    Raises:
        UserError: when it is no BIDS data set or has no such image; the message says which there are.
    """
    root = find_root(path)
    path = Path(os.path.abspath(path))
    people = sorted(root.glob("sub-*")) if path == root else [path]
    files = [Path(folder) / name for person in people for folder, _, names in os.walk(person) for name in names]
    files += [path] if path.is_file() else []
    images = [BidsImage(file, name) for file in sorted(files) if (name := parse_name(file)) is not None and _is_image(name)]
    if contrasts:
        found, wanted = _studies(images, contrasts), contrasts[:1]
    else:
        anatomy = [image for image in images if image.path.parent.name.startswith(ANATOMY)]
        found = anatomy if suffixes is None else [image for image in images if image.name.suffix in suffixes]
        wanted = suffixes or ("anatomical",)
    if not found:
        there = ", ".join(f"{suffix} ({count})" for suffix, count in sorted(Counter(i.name.suffix for i in images).items()))
        raise UserError(
            f"{path}: no {' or '.join(wanted)} image in this BIDS data set; there are {there or 'no images'}.",
            "Name the suffix of the images to take with --bids-suffix." if images and not contrasts else "Give another data set.",
        )
    return found


def _is_image(name: BidsName) -> bool:
    return name.suffix not in NO_IMAGES and name.entities.get("part") not in NO_MAGNITUDES


def _studies(images: Sequence[BidsImage], contrasts: Sequence[str]) -> list[BidsImage]:
    """Return a study for every image of the first contrast, with the images of its session that are most like it."""
    return [
        BidsImage(image.path, image.name, tuple(_partner(image, images, contrast) for contrast in contrasts[1:]))
        for image in images
        if _is_contrast(image.name, contrasts[0])
    ]


def _is_contrast(name: BidsName, contrast: str) -> bool:
    return name.suffix.casefold() in (contrast.casefold(), f"{contrast}w".casefold())


def _partner(image: BidsImage, images: Sequence[BidsImage], contrast: str) -> Path | None:
    def of_session(other: BidsImage) -> bool:
        return all(image.name.entities.get(key) == other.name.entities.get(key) for key in ("sub", "ses", "ce", "space"))

    fitting = [other for other in images if _is_contrast(other.name, contrast) and of_session(other)]
    if not fitting:
        return None
    mine = set(image.name.entities.items())
    ranked = sorted(fitting, key=lambda other: -len(mine & set(other.name.entities.items())))
    if len(ranked) > 1:
        logger.warning("%s: of %d %s images of its session %s is taken.", image.path, len(ranked), contrast, ranked[0].path.name)
    return ranked[0].path
