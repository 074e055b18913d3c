"""Whether vertebrae are found and numbered in every situation of `tools.phantoms.spine_situations`."""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import nibabel
import numpy as np
from rich.console import Console

from custom_networks.metrics.vertebra_scores import VertebraMatch, match_vertebrae, remnants
from custom_networks.vertebrae.names import NAMES, level_of

from ..bundles import Bundle
from ..phantoms.spine import SpinePhantom
from ..phantoms.spine_situations import SITUATIONS, make_situation
from ..results.segmenting import segment_cases


@dataclass
class Tally:
    """What came out in the phantoms of one situation.

    ``numbered`` counts phantoms whose numbers are all right, ``with_remnants`` those where those of `remnants` are, too, which
    no other count asks for. Of phantoms whose numbers are called certain, ``certain``, ``certain_right`` have all right;
    ``named`` counts those of the others whose numbers are right or are those of the second numbering. ``warned`` counts those
    with the warning that has to come; ``complete`` the found vertebrae whose completeness is right.
    """

    situation: str
    phantoms: int = 0
    numbered: int = 0
    with_remnants: int = 0
    certain: int = 0
    certain_right: int = 0
    named: int = 0
    warned: int = 0
    vertebrae: int = 0
    found: int = 0
    right: int = 0
    complete: int = 0
    false: int = 0

    def add(self, other: "Tally") -> None:
        for name in (field.name for field in fields(self) if field.name != "situation"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def add_up(tallies: Sequence[Tally]) -> list[Tally]:
    """Return the sums over the situations that ask for numbers, and over those whose numbers nobody can tell, where there are."""
    sums = []
    for title, countable in (("numbers asked for", True), ("nobody can tell", False)):
        total, parts = Tally(title), [tally for tally in tallies if SITUATIONS[tally.situation].countable == countable]
        for tally in parts:
            total.add(tally)
        sums += [total] * (len(parts) > 1)
    return sums


def judge(situation: str, phantom: SpinePhantom, mask: np.ndarray, told: Mapping) -> Tally:
    """Compare a mask, and what `Spine.describe` and the vertebrae's rows tell of it, with a phantom.

    Of two spines the one is asked for that was found.
    """
    labels = [phantom.label]
    if situation == "two spines":
        half = phantom.label.shape[0] // 2
        sides = np.arange(phantom.label.shape[0])[:, None, None] < half
        labels = [np.where(sides, phantom.label, 0), np.where(sides, 0, phantom.label)]
    spacing = tuple(float(s) for s in np.linalg.norm(phantom.affine[:3, :3], axis=0))
    return max((_tally(situation, label, mask, spacing, told) for label in labels), key=lambda tally: tally.right)


def _tally(situation: str, label: np.ndarray, mask: np.ndarray, spacing: tuple[float, float, float], told: Mapping) -> Tally:
    matches = match_vertebrae(mask, label, spacing, left_out=remnants(label))
    true = [match for match in matches if match.truth]
    found = [match for match in true if match.iou >= 0.5]
    complete = {row["label"]: row["complete"] for row in told["vertebrae"]}
    right, certain = _all_right(matches), bool(told["numbers_certain"])
    return Tally(
        situation,
        phantoms=1,
        numbered=right,
        with_remnants=_all_right(match_vertebrae(mask, label, spacing)),
        certain=certain,
        certain_right=certain and right,
        named=not certain and (right or _is_second(found, told)),
        warned=any((SITUATIONS[situation].warning or "\0") in warning for warning in told["warnings"]),
        vertebrae=len(true),
        found=len(found),
        right=sum(match.identified for match in true),
        complete=sum(complete[match.predicted] != match.cut for match in found),
        false=len(matches) - len(true),
    )


def _all_right(matches: Sequence[VertebraMatch]) -> bool:
    return all(match.identified for match in matches if match.truth)


def _is_second(found: Sequence[VertebraMatch], told: Mapping) -> bool:
    """Tell whether the second numbering has the right number of every vertebra that was found."""
    first = sorted((row["label"] for row in told["vertebrae"]), key=level_of)
    if len(first) != len(told["second_numbering"]):
        return False
    second = dict(zip(first, told["second_numbering"], strict=True))
    return all(second[match.predicted] == NAMES[match.truth] for match in found)


def try_situations(
    bundle: Bundle,
    copies: int,
    only: Sequence[str] = (),
    on_phantom: Callable[[], None] = lambda: None,
    weights: Path | None = None,
) -> list[Tally]:
    """Segment phantoms of hard situations and count what came out.

    Args:
        bundle: the vertebrae's.
        copies: phantoms of every situation.
        only: names of situations; all without one.
        on_phantom: called after every phantom.
        weights: a state dict in place of the bundle's own.
    """
    quiet = Console(quiet=True)
    tallies = []
    for name in only or SITUATIONS:
        total = Tally(name)
        for copy in range(copies):
            phantom = make_situation(name, copy)
            with tempfile.TemporaryDirectory() as scratch:
                path = Path(scratch) / "phantom.nii.gz"
                nibabel.save(nibabel.Nifti1Image(phantom.image, phantom.affine), path)
                (result,) = segment_cases(bundle, [path], Path(scratch) / "out", False, {}, quiet, quiet, weights=weights)
                if result.error:
                    raise RuntimeError(result.error)
                mask = np.asarray(nibabel.load(Path(scratch) / "out" / "phantom_seg.nii.gz").dataobj)
                told = json.loads((Path(scratch) / "out" / "phantom_seg.json").read_text())
            total.add(judge(name, phantom, mask, told))
            on_phantom()
        tallies.append(total)
    return tallies
