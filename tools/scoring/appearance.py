"""How images look that a bundle was trained on, so that others are told: without a network, and of training images alone."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch

from custom_networks.errors import UserError, explain
from custom_networks.quality.features import appearance, distance, extent

from ..bundles import Bundle
from .calibrate import usual_of

MARGIN, SHARE = 1.2, 95  # the limit is a fifth above this percentile of the images' distances from one another
NOTHING = 0.3  # sureness of less is of masks that are empty or nearly so


def look_at(bundle: Bundle, entries: Sequence[dict], tell: Callable[[str], None]) -> Iterator[dict[str, np.ndarray]]:
    """Yield `appearance` of images as the bundle's network sees them and, where the bundle judges it, their `extent`."""
    with bundle.parser("inference.json") as parser:
        preprocessing = parser.get_parsed_content("preprocessing")
        relative, extents = (bool(parser["quality"].get(name)) for name in ("relative", "extent"))
        for entry in entries:
            try:
                image = preprocessing({"image": entry["image"], "case": "image"})["image"]
            except Exception as error:  # whatever it is, the others go on
                tell(f"{entry['image']}: {explain(error)}")
                continue
            shown = image.as_subclass(torch.Tensor)[0]
            found = {"appearance": appearance(shown, relative)}
            yield found | ({"extent": extent(shown, image.pixdim.tolist())} if extents else {})


def distances(vectors: Iterable[dict[str, np.ndarray]], content: Mapping) -> dict[str, list[float]]:
    """Return by measure how far images lie from those in training.

    Args:
        vectors: as `look_at` yields them.
        content: of a quality.json with limits.

    Raises:
        UserError: when the quality.json has no limits.
    """
    names = [name for name in ("appearance", "extent") if name in content.get("limits", {})]
    if not names:
        raise UserError("no limits to compare with.", "Write them first, without --check.")
    found = list(vectors)
    return {name: [distance(vector[name], content[name]) for vector in found] for name in names}


def limits(vectors: Sequence[dict[str, np.ndarray]], empty_is_odd: bool) -> dict:
    """Return the content of a quality.json that knows no number, and doubts images that look unlike all of these.

    Args:
        vectors: of images in training, as `look_at` yields them.
        empty_is_odd: whether finding nothing is a reason to look, as of vertebrae; patients may have no lesion.

    Raises:
        UserError: for fewer than three images.
    """
    if len(vectors) < 3:
        raise UserError(f"{len(vectors)} images: too few to know what is usual.", "Give at least three.")
    tables = {name: np.array([each[name] for each in vectors]) for name in vectors[0]}
    most = {name: _limit(table) for name, table in tables.items()}
    about = "No number. Results are doubtful where the image is further than "
    about += f"{most['appearance']} from {len(vectors)} images in training"
    if "extent" in most:
        about += f", or what it shows further than {most['extent']} in size and form"
    return {
        "about": f"{about}, or nothing is found." if empty_is_odd else f"{about}.",
        "limits": most | ({"sureness": NOTHING} if empty_is_odd else {}),
        **{name: usual_of(table) for name, table in tables.items()},
    }


def _limit(table: np.ndarray) -> float:
    """Return the distance from the others, a row each, beyond which an image is unlike them."""
    others = [distance(vector, usual_of(np.delete(table, index, 0))) for index, vector in enumerate(table)]
    return round(MARGIN * float(np.percentile(others, SHARE)), 2)
