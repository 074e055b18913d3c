"""From the instances of a traversal to the numbered vertebrae of one spine."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .identified import Identified
from .names import FIRST, L6, LAST, NAMES, SACRUM
from .numbering import Numbering, number_vertebrae
from .pieces import Piece
from .settings import TraversalSettings
from .traversal import Instance, TraversalState

MARGIN, REACH = 6.0, 60.0  # mm, see `one_spine`
GAP = 1.5  # times the larger distance of the neighbours beside it, from which on a vertebra is lacking between two others
# Times the larger one of its neighbours, from which on a vertebra may be two; whole ones in phantoms have 1.22 at the most.
# C1 and C2 are no measure: C2 has 1.4 and 1.5 times the volume of C3 in VerSe's label maps.
SWOLLEN, ODD_SIZES = 1.25, (FIRST, FIRST + 1, SACRUM)
LOWEST = (LAST - 1, LAST, L6, SACRUM)  # below which sacrum, hips and thighs are no vertebrae that lack
SECOND_SPINE = 3  # complete vertebrae at the height of the spine that make another one
LARGE, NEIGHBOURS = 2.2, 3  # times the median of so many complete neighbours, from which on a piece is too large for a vertebra
BEYOND, BONE_BEYOND = 35.0, 8000.0  # mm of scan, and mm3 of bone in it, that tell the end of the spine from that of the scan


@dataclass
class Spine:
    """Numbered instances from top to bottom, and what is to be known of their numbers.

    ``warnings`` are sentences for the user; ``alternative`` are the names of the second-best numbering, empty where there is none;
    ``assumed``, ``misplaced`` and ``evidence`` are `Numbering`'s.
    """

    instances: list[Instance]
    certain: bool = False
    missed: list[str] = field(default_factory=list)
    alternative: list[str] = field(default_factory=list)
    alternative_probability: float = 0.0
    warnings: list[str] = field(default_factory=list)
    misplaced: bool = False
    evidence: float = 0.0
    assumed: bool = False

    @property
    def surety(self) -> float:
        """The network's mean probability inside all instances, 0 where there are none."""
        sizes = [instance.size for instance in self.instances]
        return float(np.average([i.vertebra.certainty for i in self.instances], weights=sizes)) if sizes else 0.0

    def describe(self) -> dict:
        """Return all but the instances, for a JSON file."""
        return {
            "numbers_certain": self.certain,
            "twelve_thoracic_assumed": self.assumed,
            "missed": self.missed,
            "second_numbering": self.alternative,
            "second_numbering_probability": self.alternative_probability,
            "warnings": self.warnings,
        }


Identify = Callable[[TraversalState, Sequence[Instance], float, float], list[Identified]]  # see `VertebraIdentification`


def number_spine(state: TraversalState, settings: TraversalSettings, identify: Identify | None = None, whole: bool = True) -> Spine:
    """Choose the instances of the spine and number them; what is no vertebra is left out.

    Args:
        state: after the search.
        settings: of the search.
        identify: looks at every instance once more; None numbers by the estimates of the search alone.
        whole: whether the search went through the whole scan, so that bone beyond its ends tells of vertebrae that lack.
    """
    instances, second = one_spine(state.found, MARGIN / settings.spacing, REACH / settings.spacing)
    instances.sort(key=lambda instance: -instance.centroid[2])
    seen = identify(state, instances, settings.spacing, settings.threshold) if identify else [None] * len(instances)
    pieces = [_piece(state, i, instances, settings.spacing, identified) for i, identified in zip(instances, seen, strict=True)]
    numbering = number_vertebrae(pieces)
    kept = []
    for instance, number, probability in zip(instances, numbering.numbers, numbering.probabilities, strict=True):
        instance.vertebra.number, instance.vertebra.probability = number, probability
        instance.vertebra.complete = not instance.cut  # the window stood in its middle, so only the scan's border can cut it
        kept += [instance] * bool(number)
    alternative = [NAMES[number] for number in numbering.alternative or [] if number]
    swollen = [NAMES[instance.vertebra.number] for instance in swollen_ones(kept, state.volume.shape[2])]
    beyond = _bone_beyond_the_ends(pieces, numbering.numbers) if whole and not numbering.misplaced else []
    certain = numbering.certain and not (numbering.missed or swollen or beyond)
    spine = Spine(
        kept,
        certain,
        [NAMES[number] for number in numbering.missed],
        alternative,
        numbering.alternative_probability,
        _warnings(numbering, certain, alternative, swollen, beyond),
        numbering.misplaced,
        numbering.evidence,
        numbering.assumed,
    )
    if second:
        spine.warnings.append("there is more than one spine; the one with more complete vertebrae was taken.")
    return spine


def one_spine(found: list[Instance], margin: float, reach: float) -> tuple[list[Instance], bool]:
    """Return the instances of the best trail, and of others what lies above or below it, or in a gap, and not far aside.

    Nobody has two vertebrae at one height, so what lies beside the best trail is something else. A trail is as good as the
    voxels of its complete instances; incomplete ones count a tenth.

    Args:
        found: instances of all trails.
        margin: how far two trails may overlap in height, in voxels.
        reach: how far aside, in voxels, the next trail may begin.

    Returns:
        the instances, and whether another trail beside them is a spine too.
    """
    trails: dict[int, list[Instance]] = {}
    for instance in found:
        trails.setdefault(instance.trail, []).append(instance)
    kept: list[Instance] = []
    second = False
    for trail in sorted(trails.values(), key=lambda t: -sum(i.size * (1.0 if i.vertebra.complete else 0.1) for i in t)):
        beside = 0
        heights = [other.centre[2] for other in kept]  # of other trails: a trail above the best begins with its highest
        for instance in trail:
            if heights:
                nearest = min(kept, key=lambda other: abs(other.centre[2] - instance.centre[2]))
                aside = np.abs(nearest.centre - instance.centre)[:2].max() > reach
                if min(heights) - margin < instance.centre[2] < max(heights) + margin:
                    beside += aside and instance.vertebra.complete
                    near = any(abs(other.centre[2] - instance.centre[2]) < margin for other in kept)
                    aside = aside or near or not _is_in_gap(heights, instance.centre[2], margin)
                if aside:
                    continue
            kept.append(instance)
        second = second or beside >= SECOND_SPINE
    return kept, second


def _is_in_gap(heights: list[float], height: float, margin: float) -> bool:
    """Tell whether a height lies in a gap that is too wide for neighbours, and near neither of them."""
    below, above = ([h for h in heights if (h > height) == higher] for higher in (False, True))
    if not below or not above:
        return False
    ends = sorted(below)[-2:] + sorted(above)[:2]
    low, high = max(below), min(above)
    steps = [upper - lower for lower, upper in itertools.pairwise(ends) if (lower, upper) != (low, high)]
    return bool(steps) and high - low > GAP * max(steps) and low + margin < height < high - margin


def _piece(
    state: TraversalState, instance: Instance, others: list[Instance], spacing: float, identified: Identified | None
) -> Piece:
    vertebra = instance.vertebra
    return Piece(
        vertebra.estimate,
        vertebra.completeness,
        vertebra.certainty,
        tuple(float(c) * spacing for c in instance.centroid),
        instance.cut,
        _bone_beyond(state, instance, spacing, True),
        _bone_beyond(state, instance, spacing, False),
        is_large(instance, others),
        identified,
    )


def is_large(instance: Instance, others: list[Instance]) -> bool:
    """Tell whether an instance is too large for a vertebra, by the complete ones nearest to it: two that grew together are not."""
    complete = [other for other in others if other is not instance and other.vertebra.complete]
    nearest = sorted(complete, key=lambda other: np.linalg.norm(other.centroid - instance.centroid))[:NEIGHBOURS]
    return len(nearest) == NEIGHBOURS and instance.size > LARGE * float(np.median([other.size for other in nearest]))


def swollen_ones(kept: Sequence[Instance], height: int) -> list[Instance]:
    """Return the vertebrae that are much larger than the one above and the one below: two may have grown together there.

    Args:
        kept: numbered instances from top to bottom.
        height: of the scan in voxels; what its upper or lower end cuts says nothing.
    """
    whole = [(i.vertebra.number not in ODD_SIZES and i.low[2] > 0 and i.high[2] < height) * i.size for i in kept]
    triples = zip([0, *whole], whole, [*whole[1:], 0], strict=False)
    return [i for i, (above, size, below) in zip(kept, triples, strict=True) if 0 < SWOLLEN * max(above, below) < size]


def _bone_beyond_the_ends(pieces: Sequence[Piece], numbers: Sequence[int]) -> list[str]:
    """Return the ends of a numbered spine, such as ``above L1``, beyond which the scan shows bone that is not skull or sacrum."""
    kept = [(piece, number) for piece, number in zip(pieces, numbers, strict=True) if number]
    if not kept:
        return []
    (first, top), (last, bottom) = kept[0], kept[-1]
    above = [f"above {NAMES[top]}"] if first.bone_above and top != FIRST else []
    return above + ([f"below {NAMES[bottom]}"] if last.bone_below and bottom not in LOWEST else [])


def _bone_beyond(state: TraversalState, end: Instance, spacing: float, up: bool) -> bool:
    """Tell whether the scan goes on beyond an instance and shows bone there: the skull, the sacrum, or more vertebrae."""
    room = state.volume.shape[2] - end.high[2] if up else end.low[2]
    if room * spacing < BEYOND:
        return False
    size = round(2 * BEYOND / spacing)
    corner = np.round(end.centre - size / 2).astype(int)
    corner[2] = end.high[2] if up else end.low[2] - size
    return state.bone.count(corner, size) * spacing**3 >= BONE_BEYOND


def _warnings(numbering: Numbering, certain: bool, alternative: list[str], swollen: list[str], beyond: list[str]) -> list[str]:
    found = [number for number in numbering.numbers if number]
    if not found:
        return []
    warnings = []
    if numbering.upside_down:
        warnings.append("vertebrae are numbered from bottom to top: the file's orientation may be wrong.")
    if numbering.disordered:
        warnings.append("estimates of the numbers do not grow from top to bottom: the file's orientation may be wrong.")
    if numbering.counted:
        warnings.append("the network gives no estimate of any number; vertebrae are counted from the top.")
    if numbering.missed:
        warnings.append(f"not found between others: {', '.join(NAMES[number] for number in numbering.missed)}.")
    if swollen:
        warnings.append(f"much larger than its neighbours, and two perhaps: {', '.join(swollen)}.")
    if beyond:
        warnings.append(f"the scan shows bone {' and '.join(beyond)}, where vertebrae may lack.")
    if not certain and not numbering.counted:
        text = "the numbers of the vertebrae are uncertain"
        if not numbering.anchored:
            text += ", as no end of the neck, the chest or the lumbar spine was seen to count from"
        if numbering.assumed:
            text += ", as thoracic vertebrae were counted from below and people may have eleven or thirteen"
        if alternative:
            text += f"; they may be {alternative[0]} to {alternative[-1]} (probability {numbering.alternative_probability:.2f})"
        warnings.append(f"{text}.")
    return warnings
