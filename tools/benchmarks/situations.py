"""Whether vertebrae are found and numbered in every situation of `tools.phantoms.spine_situations`."""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import nibabel
import numpy as np
from rich.console import Console

from custom_networks.metrics.vertebra_scores import match_vertebrae

from ..bundles import Bundle
from ..phantoms.spine import SpinePhantom
from ..phantoms.spine_situations import SITUATIONS, make_situation
from ..results.segmenting import segment_cases


@dataclass
class Tally:
    """What came out in the phantoms of one situation.

    ``numbered`` counts phantoms whose numbers are all right, ``complete`` the found vertebrae whose completeness is right.
    """

    situation: str
    phantoms: int = 0
    numbered: int = 0
    warned: int = 0
    vertebrae: int = 0
    found: int = 0
    right: int = 0
    complete: int = 0
    false: int = 0

    def add(self, other: "Tally") -> None:
        for name in (field.name for field in fields(self) if field.name != "situation"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def judge(situation: str, phantom: SpinePhantom, mask: np.ndarray, warnings: Sequence[str], complete: Mapping[int, bool]) -> Tally:
    """Compare a mask, and which of its labels are complete, with a phantom; of two spines the one is asked for that was found."""
    labels = [phantom.label]
    if situation == "two spines":
        half = phantom.label.shape[0] // 2
        sides = np.arange(phantom.label.shape[0])[:, None, None] < half
        labels = [np.where(sides, phantom.label, 0), np.where(sides, 0, phantom.label)]
    spacing = tuple(float(s) for s in np.linalg.norm(phantom.affine[:3, :3], axis=0))
    tallies = []
    for label in labels:
        matches = match_vertebrae(mask, label, spacing)
        true = [match for match in matches if match.truth]
        tally = Tally(situation, 1)
        found = [match for match in true if match.iou >= 0.5]
        tally.vertebrae, tally.found = len(true), len(found)
        tally.complete = sum(complete[match.predicted] != match.cut for match in found)
        tally.right = sum(match.identified for match in true)
        tally.false = len(matches) - len(true)
        tally.numbered = int(tally.right == tally.vertebrae)
        tally.warned = int(any((SITUATIONS[situation].warning or "\0") in warning for warning in warnings))
        tallies.append(tally)
    return max(tallies, key=lambda tally: tally.right)


def try_situations(
    bundle: Bundle, copies: int, settings: dict, only: Sequence[str] = (), on_phantom: Callable[[], None] = lambda: None
) -> list[Tally]:
    """Segment ``copies`` phantoms of every situation and count what came out."""
    quiet = Console(quiet=True)
    tallies = []
    for name in only or SITUATIONS:
        total = Tally(name)
        for copy in range(copies):
            phantom = make_situation(name, copy)
            with tempfile.TemporaryDirectory() as scratch:
                path = Path(scratch) / "phantom.nii.gz"
                nibabel.save(nibabel.Nifti1Image(phantom.image, phantom.affine), path)
                (result,) = segment_cases(bundle, [path], Path(scratch) / "out", False, settings, quiet, quiet)
                if result.error:
                    raise RuntimeError(result.error)
                mask = np.asarray(nibabel.load(Path(scratch) / "out" / "phantom_seg.nii.gz").dataobj)
                told = json.loads((Path(scratch) / "out" / "phantom_seg.json").read_text())
            complete = {row["label"]: row["complete"] for row in told["vertebrae"]}
            total.add(judge(name, phantom, mask, told["warnings"], complete))
            on_phantom()
        tallies.append(total)
    return tallies
