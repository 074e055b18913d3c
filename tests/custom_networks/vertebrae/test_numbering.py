"""Numbers of whole sequences. Recorded estimates are the network's on phantoms, rounded; truth is known there."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from custom_networks.vertebrae.identified import COUNT, Identified
from custom_networks.vertebrae.kinds import KINDS
from custom_networks.vertebrae.names import VERTEBRA_NAMES, level_of
from custom_networks.vertebrae.numbering import number_vertebrae
from custom_networks.vertebrae.pieces import Piece
from custom_networks.vertebrae.variants import STEPS, VARIANTS

NAN = float("nan")


def number(estimates, complete=None, above=False, below=False, heights=None, inside=0):
    """Number pieces; ``above`` and ``below`` say that there is bone beyond the ends, ``heights`` where the pieces stand, in mm;
    the last ``inside`` pieces do not touch the scan's border.
    """
    complete = complete or [1.0] * len(estimates)
    last = len(estimates) - 1
    centres = [None] * len(estimates) if heights is None else [(0.0, 0.0, height) for height in heights]
    return number_vertebrae([
        Piece(e, float(c), 1.0, centres[i], i <= last - inside, above and i == 0, below and i == last)
        for i, (e, c) in enumerate(zip(estimates, complete, strict=True))
    ])  # fmt: skip


def stand(numbers, scale=1.0):
    """Return heights of vertebrae that stand as in a person, from the top down."""
    levels = [level_of(n) for n in numbers]
    gaps = []
    for upper, lower in itertools.pairwise(levels):
        inner = np.arange(upper, lower)
        gaps.append(sum(np.interp(level, *STEPS.T) for level in inner) if lower - upper >= 1 else np.interp(upper, *STEPS.T))
    return list(1000 - scale * np.concatenate([[0], np.cumsum(gaps)]))


WHOLE = [2.24, 3.14, 3.57, 4.05, 4.86, 5.67, 7.47, 8.07, 9.17, 9.58, 11.08, 11.83, 13.25, 14.61, 15.16, 16.59, 17.98, 18.78, 19.48,
         20.69, 21.51, 22.17, 23.24, 24.36]  # fmt: skip
ABDOMEN = [16.64, 18.54, 19.15, 21.07, 22.17, 22.88, 24.13]
SCREWS = [17.32, 19.04, 20.07, 21.55, 22.23, 22.07, 23.0]


def test_whole_spine_below_a_head_that_was_taken_for_four_vertebrae():
    heights = [1080, 1064, 1050, 1014, *stand(range(1, 25))]
    numbering = number([8.51, 10.39, 15.7, 3.81, *WHOLE], [0.6, 0.27, 0.26, 0.84, *[0.97] * 24], heights=heights)
    assert numbering.numbers == [0, 0, 0, 0, *range(1, 25)]


@pytest.mark.parametrize("estimates", [ABDOMEN, SCREWS], ids=["abdomen", "screws"])
@pytest.mark.parametrize(
    ("false", "complete"), [([], []), ([14.2], [0.37]), ([13.5, 16.7], [0.14, 0.23]), ([19.6, 19.8, 21.1], [0.3, 0.4, 0.3])]
)
def test_false_pieces_below_the_fifth_lumbar_vertebra(estimates, false, complete):
    heights = stand(range(18, 25))
    heights += [heights[-1] - 25 * (1 + index) for index in range(len(false))]
    numbering = number([*estimates, *false], [0.95] * 7 + complete, below=True, heights=heights, inside=len(false))
    assert numbering.numbers == [18, 19, 20, 21, 22, 23, 24, *[0] * len(false)]


def test_false_pieces_at_both_ends():
    numbering = number([9.8, 3.0, 12.1, 13.0, 14.2, 15.1, 15.8, 4.0], [0.4, 0.5, 0.9, 0.9, 0.9, 0.9, 0.9, 0.3])
    assert numbering.numbers[2:7] == [12, 13, 14, 15, 16]
    assert not set(numbering.numbers[:2]) - {0, 10, 11} and numbering.numbers[7] in (0, 17)


@pytest.mark.parametrize(("first", "last"), [(3, 7), (19, 22), (2, 7), (12, 17), (1, 5), (20, 24), (17, 22), (8, 13), (10, 10)])
@pytest.mark.parametrize("ends", [(False, False), (True, True), (True, False), (False, True)], ids=str)
def test_perfect_estimates_are_believed_whatever_bone_lies_beyond(first, last, ends):
    """T12-L3 stays so though the scan shows bone above and below; so does C3-C7."""
    truth = list(range(first, last + 1))
    assert number([float(n) for n in truth], None, *ends).numbers == truth


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("first", "last"), [(1, 24), (12, 24), (6, 20), (17, 24)])
def test_noisy_estimates(first, last, seed):
    truth = np.arange(first, last + 1)
    estimates = truth + np.random.default_rng(seed).laplace(0, 0.5, len(truth))
    numbering = number(list(estimates), heights=stand(truth, 0.95))
    assert numbering.numbers == list(truth)
    assert all(0 <= p <= 1 for p in numbering.probabilities)


@pytest.mark.parametrize(
    ("estimates", "complete", "expected"),
    [
        ([19.2, 20.1, 20.8, 22.3], None, [19, 20, 21, 22]),
        ([23.9, 20.4, 21.2, 22.0], [0.1, 1, 1, 1], [19, 20, 21, 22]),  # the first is cut and says little
        ([19.0, 20.0, 9.0, 22.0, 23.0], None, [19, 20, 21, 22, 23]),  # one far off does not move the others
        ([17.0, 18.2, 19.1, 20.3, 13.0], [1, 1, 1, 1, 0.1], [17, 18, 19, 20, 21]),  # one cut vertebra with a bad estimate stays
        ([21.0, 22.2, 23.1, 24.3, 14.0, 15.5], [1, 1, 1, 1, 1, 0], [21, 22, 23, 24, 0, 0]),  # a sacrum taken for two vertebrae
        ([0.2, 0.9], None, [1, 2]),
        ([20.0, 21.1], [0.1, 0.1], [20, 21]),  # two cut lumbar vertebrae are not C1 and C2
        ([12.0], None, [12]),
        ([None, 20.0, 21.0], None, [19, 20, 21]),
        ([], None, []),
    ],
)
def test_likeliest_sequence(estimates, complete, expected):
    assert number(estimates, complete).numbers == expected


@pytest.mark.parametrize(
    ("truth", "missed"),
    [
        ([17, 18, 20, 21, 22], [19]), ([3, 4, 6, 7], [5]), ([12, 13, 16, 17, 18], [14, 15]), ([20, 21, 22, 23, 26], [24]),
        ([1, 2, 3, 6, 7, 8, 10, 11], [4, 5, 9]),
    ],
)  # fmt: skip
def test_gaps_are_reported_and_not_numbered_away(truth, missed):
    numbering = number([level_of(n) + 0.2 for n in truth], heights=stand(truth))
    assert numbering.numbers == truth and numbering.missed == missed


def test_distance_alone_tells_a_gap():
    """Estimates that do not know of the gap, of a network that is a little too low below it."""
    truth = [17, 18, 20, 21, 22]
    assert number([17.2, 18.2, 19.5, 20.5, 21.5], heights=stand(truth)).missed == [19]


# A whole body: three pieces of the head, then a network that is one too low from C2 to T5, and right below; the sacrum.
LOW_NECK = [16.16, 19.46, 19.64, 0.77, 0.57, 1.26, 2.26, 3.87, 4.66, 6.32, 7.51, 8.22, 9.08, 9.91, 10.71, 13.0, 13.88, 14.88, 16.1,
            17.1, 17.99, 18.82, 20.04, 20.79, 21.55, 22.38, 23.99, 26.15]  # fmt: skip
LOW_NECK_HEIGHTS = [583, 563, 554, 518, 511, 502, 493, 485, 477, 469, 460, 451, 441, 431, 419, 407, 396, 383, 370, 357, 343, 328,
                    315, 300, 283, 266, 248, 228]  # fmt: skip
LOW_NECK_COMPLETE = [0.02, 0.02, 0.04, *[0.97] * 11, 0.82, 0.56, 0.7, 0.82, *[0.95] * 9, 0.05]


def test_estimates_that_are_too_low_in_a_part_of_the_spine():
    """The sequence is whole by its distances, so no vertebra is missing where the estimates leap."""
    numbering = number(LOW_NECK, LOW_NECK_COMPLETE, heights=[2.0 * height for height in LOW_NECK_HEIGHTS], inside=25)
    assert numbering.numbers == [0, 0, 0, *range(1, 25), 26] and numbering.missed == [] and numbering.certain


@pytest.mark.parametrize("leap", [-1.0, 1.0])
@pytest.mark.parametrize("place", [4, 8])
def test_leap_of_estimates_without_a_gap(leap, place):
    """T2 to the sacrum: which part of the estimates is wrong is told by the sacrum. At T12 a leap may be a thirteenth vertebra."""
    truth = [*range(9, 25), 26]
    estimates = [n + leap * (i < place) for i, n in enumerate(truth)]
    numbering = number(estimates, heights=stand(truth, 1.04))
    assert numbering.numbers == truth and numbering.missed == []


def test_gap_where_estimates_leap_as_distances_do():
    truth = [*range(9, 14), *range(15, 25), 26]
    numbering = number([float(n) for n in truth], heights=stand(truth))
    assert numbering.numbers == truth and numbering.missed == [14]


@pytest.mark.parametrize(
    ("estimates", "complete"),
    [
        ([0.14, 0.94, 2.75, 4.88, 7.24], [0.43, 0.99, 1.0, 0.99, 0.4]),
        ([0.18, 2.06, 3.0, 5.41, 7.4, 9.73], [0.3, 0.98, 0.99, 0.98, 0.48, 0.01]),
        ([0.88, 2.14, 3.89, 5.88, 7.83, 10.04], [0.32, 0.97, 1.0, 0.99, 0.61, 0.01]),
    ],
)
def test_neck_that_is_cut_above(estimates, complete):
    """Estimates that begin with those of C1 and rise by two; at the first rib they are right."""
    truth = list(range(3, 3 + len(estimates)))
    heights = stand(truth)
    cut = [True, False, False, False, *[True] * (len(estimates) - 4)]
    pieces = [Piece(e, c, 0.9, (0.0, 0.0, h), border) for e, c, h, border in zip(estimates, complete, heights, cut, strict=True)]
    assert number_vertebrae(pieces).numbers == truth


@pytest.mark.parametrize(
    "estimates", [[20.72, 20.76, 21.21, 20.73, 19.19, 12.03], [20.44, 20.93, 21.12, 19.68, 16.56, 14.4], [21.0, 21.1, 21.0, 21.2]]
)
def test_estimates_that_do_not_grow_are_doubted(estimates):
    """Of scans that are upside down the network knows little."""
    numbering = number(estimates, heights=[200.0 - 30 * index for index in range(len(estimates))])
    assert numbering.disordered and not numbering.certain
    assert not number(ABDOMEN, heights=stand(range(18, 25))).disordered
    assert not number([22.0, 22.1]).disordered


@pytest.mark.parametrize("large", [True, False])
def test_large_piece_below_is_the_sacrum_whatever_its_estimate(large):
    """Vertebrae with screws and estimates that are up to one too low; the sacrum's would be that of L5."""
    estimates = [17.18, 18.72, 20.13, 21.2, 21.82, 22.06, 22.97, 24.46]
    heights = [368, 338, 312, 280, 246, 212, 178, 132]
    pieces = [Piece(e, 0.9, 0.95, (0.0, 0.0, float(z)), False) for e, z in zip(estimates[:-1], heights[:-1], strict=True)]
    pieces += [Piece(estimates[-1], 0.17, 0.94, (0.0, 0.0, float(heights[-1])), True, large=large)]
    assert (number_vertebrae(pieces).numbers == [*range(18, 25), 26]) == large


def test_sixth_lumbar_vertebra_and_sacrum():
    truth = [20, 21, 22, 23, 24, 25, 26]
    numbering = number([20.1, 21.0, 22.1, 22.9, 24.0, 25.1, 26.1])
    assert numbering.numbers == truth and numbering.missed == []


def test_thirteenth_thoracic_vertebra_is_no_twentieth():
    numbering = number([16.9, 18.0, 19.0, 19.5, 20.1, 21.0, 22.0, 23.0, 24.0, 26.0])
    assert numbering.numbers == [17, 18, 19, 28, 20, 21, 22, 23, 24, 26]


def test_eleven_thoracic_and_four_lumbar_vertebrae():
    levels = [15.0, 16.0, 17.0, 18.0, 20.0, 21.0, 22.0, 23.0, 24.0, 26.0]
    numbering = number(levels, heights=[1000, 975, 949, 921, 892, 859, 824, 788, 750, 688])
    assert numbering.numbers == [15, 16, 17, 18, 20, 21, 22, 23, 24, 26] and numbering.missed == []
    assert number([19.0, 20.0, 21.0, 22.0, 23.0, 26.0], heights=[1000, 968, 934, 899, 862, 800]).numbers == [19, 20, 21, 22, 23, 26]


@pytest.mark.parametrize("estimates", [[5.0] * 27, [24.9, 26.0, 27.1, 28.0], [25.0] * 6, list(np.arange(20.0, 29.0))], ids=str)
def test_no_sacrum_coccyx_or_t13_for_want_of_other_numbers(estimates):
    numbers = [n for n in number(estimates).numbers if n]
    assert 27 not in numbers and 28 not in numbers
    assert len(set(numbers)) == len(numbers) and numbers.count(26) <= 1


def test_without_any_estimate_pieces_are_counted():
    numbering = number([NAN] * 3)
    assert numbering.numbers == [1, 2, 3] and numbering.counted and not numbering.certain
    assert number([None] * 27).numbers == [*range(1, 25), 0, 0, 0]


@pytest.mark.parametrize("truth", [[20, 21, 22, 23, 24], list(range(1, 25)), [3, 4, 5, 6, 7]], ids=str)
def test_reversed_header_is_noticed(truth):
    numbering = number([float(n) for n in truth[::-1]])
    assert numbering.upside_down and numbering.numbers == truth[::-1] and not numbering.certain
    assert not number([float(n) for n in truth]).upside_down


def test_sacrum_makes_numbers_certain():
    assert number([20.1, 21.0, 22.1, 22.9, 24.0, 26.0]).certain
    assert not number([20.6, 21.4]).certain


def test_second_numbering_is_named_where_nearly_equal():
    numbering = number([20.5, 21.5, 22.5])
    assert {tuple(numbering.numbers), tuple(numbering.alternative)} == {(20, 21, 22), (21, 22, 23)}
    assert numbering.alternative_probability > 0.2
    assert number([20.0, 21.0, 22.0, 23.0, 24.0, 26.0]).alternative is None


def test_variants_are_people():
    assert sum(variant.frequency for variant in VARIANTS) == pytest.approx(1)
    for variant in VARIANTS:
        assert np.all(np.diff(variant.levels) > 0) and np.all(np.diff(variant.depths) > 0)
        assert set(variant.numbers) <= {*VERTEBRA_NAMES, 26}


def test_as_many_pieces_as_a_traversal_may_find():
    assert len(number([float(n % 24) for n in range(60)]).numbers) == 60


def seen(number, kind, share=0.9):
    """What the network of levels says: the share for one number, and for one kind, the rest for all others."""
    parts = []
    for count, place in ((COUNT, number - 1), (len(KINDS), KINDS.index(kind))):
        part = np.full(count, (1 - share) / (count - 1))
        part[place] = share
        parts.append(part)
    return Identified(*parts)


def identify(numbers, kinds, estimates, scale=1.0, share=0.9):
    heights = stand([n for n in numbers if n != 26], scale)
    if 18 in numbers and 20 in numbers and 19 not in numbers:  # T11 stands on L1
        lumbar = numbers.index(20)
        heights[lumbar:] = [h + stand([18, 20])[0] - stand([18, 20])[1] - 30.0 for h in heights[lumbar:]]
    heights += [heights[-1] - 62.0] * (numbers[-1] == 26)
    pieces = [
        Piece(e, centre=(0.0, 0.0, height), cut=i in (0, len(numbers) - 1), identified=seen(n, kind, share))
        for i, (n, kind, e, height) in enumerate(zip(numbers, kinds, estimates, heights, strict=True))
    ]
    return number_vertebrae(pieces)


BELOW_T9 = ["thoracic"] * 2 + ["last thoracic", "first lumbar"]


@pytest.mark.parametrize(("numbers", "kinds", "offset"), [
    ([17, 18, 19, 20, 21, 22, 23, 24, 25, 26], [*BELOW_T9, *["lumbar"] * 4, "last lumbar", "sacrum"], -0.7),
    ([17, 18, 19, 20, 21, 22, 23, 26], [*BELOW_T9, *["lumbar"] * 2, "last lumbar", "sacrum"], 0.5),
    ([17, 18, 19, 20, 21, 22, 23, 24, 26], [*BELOW_T9, *["lumbar"] * 3, "last lumbar", "sacrum"], -0.8),
], ids=["L6", "four lumbar", "usual, though estimates are one too low"])  # fmt: skip
def test_ribs_above_and_sacrum_below_tell_how_many_lumbar_vertebrae_there_are(numbers, kinds, offset):
    estimates = [n + offset for n in numbers[:-1]] + [26.0]
    assert identify(numbers, kinds, estimates).numbers == numbers


def test_a_doubtful_look_changes_nothing():
    """All kinds alike, all numbers alike."""
    numbers, estimates = list(range(18, 25)), [n + 0.1 for n in range(18, 25)]
    nothing = Identified(np.full(COUNT, 1 / COUNT), np.full(len(KINDS), 1 / len(KINDS)))
    pieces = [Piece(e, centre=(0.0, 0.0, h), cut=False) for e, h in zip(estimates, stand(numbers), strict=True)]
    plain = number_vertebrae(pieces)
    looked = number_vertebrae([replace(piece, identified=nothing) for piece in pieces])
    assert plain.numbers == looked.numbers == numbers
    assert plain.missed == looked.missed == []


def test_what_looks_like_no_vertebra_is_left_out_at_the_end():
    numbers = list(range(18, 25))
    heights = [*stand(numbers), stand(numbers)[-1] - 38]
    pieces = [Piece(e, centre=(0.0, 0.0, h), cut=False) for e, h in zip([*numbers, 24.6], heights, strict=True)]
    looks = [
        *(seen(n, "thoracic" if n < 19 else "last thoracic" if n == 19 else "lumbar") for n in numbers),
        seen(24, "no vertebra"),
    ]
    assert number_vertebrae([replace(p, identified=i) for p, i in zip(pieces, looks, strict=True)]).numbers == [*numbers, 0]


def test_numbers_may_come_from_the_second_look_alone():
    numbers = [17, 18, 19, 20, 21]
    kinds = [*BELOW_T9, "lumbar"]
    assert identify(numbers, kinds, [None] * 5).numbers == numbers
    assert not identify(numbers, kinds, [None] * 5).counted


WHOLE_KINDS = {7: "last cervical", 8: "first thoracic", 20: "first lumbar", 24: "last lumbar", 26: "sacrum"}


def kinds_of_all(numbers):
    thoracic = [n for n in numbers if 8 < n < 20 or n == 28]
    usual = {n: "cervical" if n < 7 else "lumbar" if 20 < n < 26 else "thoracic" for n in numbers}
    return [*(usual | {n: kind for n, kind in WHOLE_KINDS.items() if n in numbers} | {thoracic[-1]: "last thoracic"}).values()]


@pytest.mark.parametrize("thoracic", [[*range(8, 19)], [*range(8, 20), 28]], ids=["11", "13"])
@pytest.mark.parametrize("first", [5, 6, 7, 8])
def test_thoracic_vertebrae_are_counted_where_the_chest_begins_in_view(thoracic, first):
    """Estimates go on as if there were twelve, and no gap is wide enough for a vertebra that was missed."""
    numbers = [*range(first, 8), *thoracic, *range(20, 25), 26]
    lumbar = numbers.index(20)
    estimates = [float(first + i) if i < 8 else 20.0 - lumbar + i for i in range(len(numbers) - 1)] + [26.0]
    found = identify(numbers, kinds_of_all(numbers), estimates)
    assert found.numbers == numbers and found.missed == [] and found.certain and not found.assumed


@pytest.mark.parametrize("first", [17, 18, 19])
def test_counted_from_below_no_more_is_certain_than_people_are_usual(first):
    numbers = [*range(first, 25), 26]
    found = identify(numbers, kinds_of_all(numbers), [*map(float, numbers)], share=0.6)
    assert found.numbers == numbers and found.assumed and not found.certain
    assert max(found.probabilities[numbers.index(19)], found.probabilities[0]) <= 0.951
    assert min(found.probabilities[numbers.index(20) :]) > 0.99
    assert found.alternative[-6:] == numbers[-6:] and found.alternative[0] in (first - 1, first + 1, 28)
    assert 0.02 < found.alternative_probability <= 0.051


def test_lumbar_spine_alone_takes_nothing_for_granted():
    numbers = [20, 21, 22, 23, 24, 26]
    kinds = ["first lumbar", *["lumbar"] * 3, "last lumbar", "sacrum"]
    found = identify(numbers, kinds, [*map(float, numbers)])
    assert found.numbers == numbers and found.certain and not found.assumed


@pytest.mark.parametrize(("share", "certain"), [(0.8, False), (0.95, True)])
def test_numbers_are_certain_where_the_end_of_a_region_is_seen(share, certain):
    """C3 to C7: a neck cut on both sides may be taken for C2 to C6 throughout; where C7 is surely the last, it is not."""
    numbers = [3, 4, 5, 6, 7]
    found = identify(numbers, [*["cervical"] * 4, "last cervical"], [*map(float, numbers)], share=share)
    assert found.numbers == numbers and (found.anchored, found.certain) == (certain, certain)


def test_a_wide_gap_is_a_missed_vertebra_still():
    numbers = [5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19, 20]
    heights = stand([*range(5, 21)])
    heights.pop(6)
    pieces = [
        Piece(float(n), 0.3, centre=(0.0, 0.0, h), identified=seen(n, kind))
        for n, kind, h in zip(numbers, kinds_of_all(numbers), heights, strict=True)
    ]
    found = number_vertebrae(pieces)
    assert found.numbers == numbers and found.missed == [11]
