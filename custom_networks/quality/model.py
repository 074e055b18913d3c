"""From measures of a result to a number between 0 and 1."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

REASONS = {
    "sureness": "the network is sure of the whole mask",
    "sureness_worst": "the network is sure of every structure",
    "agreement": "the mirrored image gives the same mask",
    "agreement_worst": "the mirrored image gives the same mask of every structure",
    "numbers": "the vertebrae's numbers are certain",
    "shape": "sizes and places are those of the people in training",
    "appearance": "the image looks like those in training",
    "extent": "what the image shows has the size and form of those in training",
}
DOUBTS = {
    "sureness": "the network is unsure",
    "sureness_worst": "the network is unsure of a structure",
    "agreement": "the mirrored image gives another mask",
    "agreement_worst": "the mirrored image gives another mask of a structure",
    "numbers": "the vertebrae's numbers are uncertain",
    "shape": "sizes or places are unlike those of the people in training",
    "appearance": "the image looks unlike those in training",
    "extent": "what the image shows differs in size or form from those in training",
}
NOTHING = "nothing was found"
NO_NUMBERS = "the image or the network's answer holds what is no number"
NO_FIT = "not calibrated"
LIMITS_ALONE = "only images that look unlike those in training are doubted"

IMAGES = ("appearance", "extent")  # measures of the image alone
SHARES = ("sureness", "sureness_worst", "agreement", "agreement_worst", "numbers")  # from 0 to 1


def scaled(name: str, value: float) -> float:
    """Return a measure as the regression takes it: of a share the logarithm of what is missing to 1, as 0.99 is far from 0.97."""
    return -float(np.log(1.01 - value)) if name in SHARES else value


@dataclass(frozen=True)
class Quality:
    """How far a result can be trusted.

    Attributes:
        value: probability that its Dice is good, from 0 to 1; None where the bundle was not calibrated, or on phantoms alone.
        reason: what speaks most against it or, where nothing does, what speaks for it; without a fit, what is known at all.
        doubtful: whether somebody should look.
        features: what it was taken from.
        about: what the number means, and what it was learnt and tried on; empty where there is none.
    """

    value: float | None
    reason: str
    doubtful: bool
    features: Mapping[str, float]
    about: str = ""


class QualityModel:
    """Logistic regression on measures of a result, fitted by ``python -m tools calibrate``.

    Args:
        content: ``weights`` and ``usual`` (of good results) by `scaled` feature, ``bias``, ``doubtful_below``, and ``shape``,
            ``appearance`` and ``extent`` of the people in training: ``mean`` and ``deviation``; ``names`` of the classes, of
            which it is to be told alone. ``doubts_only`` where the fit may call results doubtful but its number was not found
            to hold; ``limits`` by feature, least of a share and most of a distance, beyond which a result is doubtful whatever
            the fit says, and also without one.
    """

    def __init__(self, content: Mapping) -> None:
        self.content = content

    @classmethod
    def load(cls, path: str | Path) -> "QualityModel":
        """Read one from JSON; where there is no such file, nothing is calibrated."""
        path = Path(path)
        return cls(json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {})

    def of_images(self) -> "QualityModel":
        """Return what does not depend on the classes: how images of people in training look, and the limits of that."""
        kept = {name: self.content[name] for name in IMAGES if name in self.content}
        limits = {name: limit for name, limit in self.content.get("limits", {}).items() if name in IMAGES}
        return QualityModel(kept | ({"limits": limits} if limits else {}))

    def __call__(self, features: Mapping[str, float]) -> Quality:
        """Judge a result; one with measures that are no numbers, in any of their elements, is doubtful and has no value."""
        known = {name: value for name, value in features.items() if np.isfinite(value).all()}
        if len(known) < len(features):
            return Quality(None, NO_NUMBERS, True, known, self.content.get("about", ""))
        weights, odd = self.content.get("weights"), self._beyond_limits(features)
        if not weights:
            quiet = LIMITS_ALONE if self.content.get("limits") else NO_FIT
            return Quality(None, _doubt(odd, features) if odd else quiet, bool(odd), dict(features), self.content.get("about", ""))
        found = {name: scaled(name, features[name]) for name in weights}
        total = self.content["bias"] + sum(weight * found[name] for name, weight in weights.items())
        value = float(1 / (1 + np.exp(-np.clip(total, -30, 30))))
        gains = {name: weight * (found[name] - self.content["usual"][name]) for name, weight in weights.items() if weight}
        doubtful = bool(odd) or value < self.content["doubtful_below"]
        reason = _doubt(odd or min(gains, key=gains.get), features) if doubtful else REASONS[max(gains, key=gains.get)]
        said = None if self.content.get("doubts_only") else round(value, 3)
        return Quality(said, reason, doubtful, dict(features), self.content.get("about", ""))

    def _beyond_limits(self, features: Mapping[str, float]) -> str | None:
        """Return the first measure that is beyond its limit."""
        for name, limit in self.content.get("limits", {}).items():
            if features[name] < limit if name in SHARES else features[name] > limit:
                return name
        return None


def _doubt(name: str, features: Mapping[str, float]) -> str:
    """Return what a measure says against a result; of an empty mask that it is empty."""
    return NOTHING if features.get("sureness") == 0 and name not in ("appearance", "extent") else DOUBTS[name]
