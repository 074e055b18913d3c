"""Judge each result while the network's answer is at hand."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from ignite.engine import Engine
from monai.engines.utils import IterationEvents
from monai.inferers import Inferer
from monai.utils import CommonKeys

from ..data.mirror_labels import mirror_labels
from . import features
from .model import QualityModel

logger = logging.getLogger("axial")


class AssessQuality:
    """An Ignite handler that puts the `Quality` of each result into ``engine.state.quality``.

    Measures are taken on the grid of the network: how sure it is (`features.sureness`), what it gives of the mirrored image
    (`features.agreement`), how sizes, places and the image compare with those in training.

    Args:
        path: of quality.json, see `QualityModel`; without it there are measures and no number. Where it is of other ``names``,
            there are what images look like and their limits alone.
        network: the network.
        inferer: how it is applied.
        names: of the classes 1, 2, ...; of the halves of pairs, see `mirror_labels`.
        threshold: of a network with one channel.
        mirror: whether the mirrored image is segmented too, which takes as long as the image.
        relative: whether gray values have no unit, see `features.appearance`.
        picture: whether images have no scale, as radiographs, so that sizes and places are shares of the picture, see
            `features.shape`.
        extent: whether what is not 0 in a volume is what was cut out of it, such as a brain, so that its size and form
            tell a head from other parts of the body, see `features.extent`.
    """

    def __init__(
        self,
        path: str | Path,
        network: torch.nn.Module,
        inferer: Inferer,
        names: Sequence[str],
        threshold: float = 0.5,
        mirror: bool = False,
        relative: bool = False,
        picture: bool = False,
        extent: bool = False,
    ) -> None:
        self.model = QualityModel.load(path)
        if self.model.content.get("names", list(names)) != list(names):
            self.model = self.model.of_images()
        self.network, self.inferer, self.threshold, self.mirror = network, inferer, threshold, mirror
        self.relative, self.picture, self.extent = relative, picture, extent
        self.classes, self.partners = len(names) + 1, mirror_labels(names) if mirror else None  # a side may lack its partner

    def attach(self, engine: Engine) -> None:
        """Follow an evaluator of one case at a time."""
        engine.add_event_handler(IterationEvents.FORWARD_COMPLETED, self.assess)

    @torch.no_grad()
    def assess(self, engine: Engine) -> None:
        """Judge the answer to the case at hand."""
        image, logits = engine.state.output[CommonKeys.IMAGE], engine.state.output[CommonKeys.PRED]
        quality = engine.state.quality = self.model(self.measure(image, logits))
        if quality.doubtful:
            said = "doubtful" if quality.value is None else f"quality {quality.value:.2f}"
            logger.warning("%s: %s. Look at this result.", said, quality.reason)

    def measure(self, image: torch.Tensor, logits: torch.Tensor) -> dict[str, float | list[float]]:
        """Return the measures of one image ``(1, C, H, W[, D])`` and its logits."""
        probabilities = features.to_probabilities(_plain(logits)[0])
        mask = self._mask(probabilities)
        found = dict(zip(("sureness", "sureness_worst"), features.sureness(probabilities, mask), strict=True))
        if self.mirror:
            mirrored = self._mirrored(image)
            found |= dict(zip(("agreement", "agreement_worst"), features.agreement(mask, mirrored, self.classes), strict=True))
        look = {
            "shape": features.shape(mask, self.classes, 0.0 if self.picture else _pixel(image)),
            "appearance": features.appearance(_plain(image)[0, 0], self.relative),
        }
        if self.extent:
            look["extent"] = features.extent(_plain(image)[0, 0], _spacing(image))
        return {name: round(float(value), 4) for name, value in found.items()} | self.compare(look)

    def compare(self, vectors: Mapping[str, np.ndarray]) -> dict[str, float | list[float]]:
        """Return vectors and, where quality.json says what is usual, their distance from that."""
        known = {name: features.distance(v, self.model.content[name]) for name, v in vectors.items() if name in self.model.content}
        numbers = {f"{name}_numbers": vector.round(4).tolist() for name, vector in vectors.items()}
        return {name: round(value, 4) for name, value in known.items()} | numbers

    def _mirrored(self, image: torch.Tensor) -> torch.Tensor:
        """Return the mask of the mirrored image, mirrored back."""
        logits = _plain(self.inferer(torch.flip(image, [2]), self.network))
        return self._mask(features.to_probabilities(torch.flip(logits, [2])[0, self.partners]))

    def _mask(self, probabilities: torch.Tensor) -> torch.Tensor:
        return (probabilities[1] >= self.threshold).long() if len(probabilities) == 2 else probabilities.argmax(0)


def _pixel(image: torch.Tensor) -> float:
    """Return the area of a pixel in mm2; 1 mm2 where the image does not say."""
    return float(np.prod(_spacing(image)[:2]))


def _spacing(image: torch.Tensor) -> list[float]:
    """Return the spacing of a batch's first image in mm; 1 mm where it does not say."""
    spacing = getattr(image, "pixdim", None)
    return [1.0] * (image.ndim - 2) if spacing is None else [float(size) for size in spacing[0]]


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.as_subclass(torch.Tensor)
