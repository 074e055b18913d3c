"""How images look that a bundle was trained on, so that others are told: without a network, and of training images alone."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from custom_networks.errors import UserError, explain
from custom_networks.quality.features import appearance, distance

from ..bundles import Bundle
from .calibrate import usual_of

MARGIN, SHARE = 1.2, 95  # the limit is a fifth above this percentile of the images' distances from one another
NOTHING = 0.3  # sureness of less is of masks that are empty or nearly so


def look_at(bundle: Bundle, entries: Sequence[dict], tell: Callable[[str], None]) -> Iterator[np.ndarray]:
    """Yield `appearance` of images as the bundle's network sees them."""
    with bundle.parser("inference.json") as parser:
        preprocessing = parser.get_parsed_content("preprocessing")
        relative = bool(parser["quality"].get("relative"))
        for entry in entries:
            try:
                image = preprocessing({"image": entry["image"], "case": "image"})["image"]
            except Exception as error:  # whatever it is, the others go on
                tell(f"{entry['image']}: {explain(error)}")
                continue
            yield appearance(image.as_subclass(torch.Tensor)[0], relative)


def limits(vectors: Sequence[np.ndarray], empty_is_odd: bool) -> dict:
    """Return the content of a quality.json that knows no number, and doubts images that look unlike all of these.

    Args:
        vectors: `appearance` of images in training.
        empty_is_odd: whether finding nothing is a reason to look, as of vertebrae; patients may have no lesion.

    Raises:
        UserError: for fewer than three images.
    """
    if len(vectors) < 3:
        raise UserError(f"{len(vectors)} images: too few to know what is usual.", "Give at least three.")
    array = np.array(vectors)
    others = [distance(vector, usual_of(np.delete(array, index, 0))) for index, vector in enumerate(array)]
    limit = round(MARGIN * float(np.percentile(others, SHARE)), 2)
    about = f"No number. Results are doubtful where the image is further than {limit} from {len(array)} images in training"
    return {
        "about": f"{about}, or nothing is found." if empty_is_odd else f"{about}.",
        "limits": {"appearance": limit} | ({"sureness": NOTHING} if empty_is_odd else {}),
        "appearance": usual_of(array),
    }
