"""The traversal: exact with an oracle, bounded with any network."""

import json

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from oracles import (
    Constant,
    DoubtsEnds,
    FooledByContrast,
    KnowsUpright,
    MisreadsWithoutEnd,
    Oracle,
    Oscillating,
    SeesUpright,
    encode,
)
from scipy.ndimage import binary_dilation, label

from custom_networks.errors import UserError
from custom_networks.geometry.regions import touches_border, vertebra_boxes
from custom_networks.inferers.iterative_vertebra_inferer import IterativeVertebraInferer
from custom_networks.vertebrae.search import SpineSearch
from custom_networks.vertebrae.settings import TraversalSettings
from custom_networks.vertebrae.traversal import TraversalState
from tools.phantoms.spine import make_spine_labels
from tools.phantoms.spine_anatomy import FAMILIES, UNUSUAL, Person
from tools.synthesis.codes import VERTEBRAE
from tools.synthesis.scanner import pool_instances

SPACING, PATCH = 2.0, 64
PARTS = [family for family in FAMILIES if family != UNUSUAL]
CASES = [(family, person) for family in PARTS for person in (0, 1) if (family, person) != ("body", 1)]  # straight, scoliotic


class Spines(dict):
    """Label maps at 2 mm of one plain and one scoliotic, fractured person for every family, drawn when they are asked for."""

    people = (Person(), Person(scale=0.95, scoliosis=14.0, phase=1.0, fractured={20: 0.4, 15: 0.3}))

    def __missing__(self, key: tuple[str, int]) -> np.ndarray:
        family, index = key
        labels = make_spine_labels(np.random.default_rng(index), family, self.people[index])
        self[key] = pool_instances(labels, 2, VERTEBRAE)
        return self[key]


@pytest.fixture(scope="module")
def spines():
    return Spines()


def run(labels: np.ndarray, network=None, **options) -> tuple[np.ndarray, list[dict], IterativeVertebraInferer]:
    inferer = IterativeVertebraInferer(PATCH, SPACING, **options)
    network = network or Oracle(labels, options.get("direction", "down"))
    output = inferer(MetaTensor(encode(labels)), network)
    result = np.where(output[0, 1] >= 0.5, output[0, 0], 0).astype(np.uint8)
    return result, json.loads(output.meta["vertebrae"][0]), inferer


def part_of(labels: np.ndarray, first: int, last: int) -> np.ndarray:
    """Cut a label map to the height of some vertebrae and leave the others out."""
    labels = np.where((labels >= first) & (labels <= last), labels, 0).astype(np.uint8)
    heights = np.flatnonzero(labels.any((0, 1)))
    return np.ascontiguousarray(labels[..., heights[0] : heights[-1] + 1])


@pytest.mark.parametrize("direction", ["down", "up"])
@pytest.mark.parametrize(("family", "person"), CASES)
def test_oracle_gives_exact_instances(spines, family, person, direction):
    labels = spines[family, person]
    result, found, _ = run(labels, direction=direction)
    assert np.array_equal(result, labels)
    assert sorted(row["number"] for row in found) == [n for n in np.unique(labels) if n]
    boxes = vertebra_boxes(labels)
    assert all(row["complete"] != touches_border(boxes[row["number"]], labels.shape) for row in found)


@pytest.mark.parametrize("cut", [(30, 150), (0, 100), (77, 140)], ids=["both ends", "above", "short"])
def test_scan_cut_through_vertebrae(spines, cut):
    """What the border leaves of a vertebra is incomplete, or a sliver and no instance; the others are exact."""
    whole = spines["lumbar", 0]
    labels = np.ascontiguousarray(whole[..., cut[0] : cut[1]])
    oracle = Oracle(labels)
    oracle.sizes = {n: np.count_nonzero(whole == n) for n in oracle.sizes}
    result, found, _ = run(labels, oracle)
    voxels = {int(n): np.count_nonzero(labels == n) for n in np.unique(labels) if n}
    expected = np.zeros_like(labels)
    for n in voxels:  # the border may cut a vertebra in pieces, of which the largest is the instance
        pieces, _ = label(labels == n, np.ones((3, 3, 3)))
        largest = np.bincount(pieces.ravel())[1:].argmax() + 1
        if np.count_nonzero(pieces == largest) >= 125:
            expected[pieces == largest] = n
    assert np.array_equal(result, expected)
    for row in found:
        assert row["complete"] == (voxels[row["number"]] == oracle.sizes[row["number"]])


@pytest.mark.parametrize("direction", ["down", "up"])
def test_first_vertebra_is_found_whole_where_the_scan_ends_beside_it(spines, direction):
    """A network that misses half of a vertebra where it sees the scan end, and knows none before it."""
    labels = part_of(spines["lumbar", 0], 21, 24)
    assert labels.shape[2] > PATCH
    result, found, _ = run(labels, DoubtsEnds(labels, direction), direction=direction)
    assert np.array_equal(result, labels) and len(found) == 4


@pytest.mark.parametrize("needs_end", [False, True])
@pytest.mark.parametrize("direction", ["down", "up"])
@pytest.mark.parametrize("last", [21, 22])
def test_scan_lower_than_a_patch_is_searched_with_and_without_its_end(spines, last, direction, needs_end):
    """The surer masks are taken, whether the end misled the network or told it what it has to know."""
    labels = part_of(spines["lumbar", 0], 21, last)
    assert labels.shape[2] < PATCH
    result, found, _ = run(labels, DoubtsEnds(labels, direction, needs_end), direction=direction)
    assert np.array_equal(result, labels) and len(found) == last - 20


@pytest.mark.parametrize(("at", "halves"), [(20, False), (21, False), (18, True)])
def test_what_does_not_fit_its_neighbour_is_looked_at_again_without_the_contrast_medium(spines, at, halves):
    """Two vertebrae that grew together, and a first one of which a half is found."""
    labels = spines["abdomen", 0]
    columns = np.argwhere(~labels.any(2))
    x, y = min(columns, key=lambda column: np.hypot(*(column - np.array(labels.shape[:2]) / 2)))
    network = FooledByContrast(labels, at, halves)
    volume = encode(labels, network.base, network.step)
    assert np.array_equal(find(volume, network), labels)
    volume[0, 0, x, y] = network.vessel
    assert np.array_equal(find(volume, network), labels)


def find(volume: torch.Tensor, network) -> np.ndarray:
    output = IterativeVertebraInferer(PATCH, SPACING)(volume, network)
    return np.where(output[0, 1] >= 0.5, output[0, 0], 0).astype(np.uint8)


def test_of_two_searches_one_whose_numbers_fall_is_not_taken_for_its_sureness(spines):
    labels = part_of(spines["cervical", 0], 3, 6)
    assert labels.shape[2] < PATCH
    result, found, _ = run(labels, MisreadsWithoutEnd(labels))
    assert np.array_equal(result, labels) and [row["number"] for row in found] == [3, 4, 5, 6]


def test_bounds_and_warnings_are_those_of_one_search_of_a_low_scan():
    """Each of both searches takes 40 patches here."""
    inferer = IterativeVertebraInferer(32, SPACING, max_patches=60)
    output = inferer(MetaTensor(torch.full((1, 1, 40, 40, 20), 0.5)), Constant(-10.0))
    assert inferer.counts.patches == 80
    assert not any("stopped" in warning for warning in json.loads(output.meta["spine"][0])["warnings"])


@pytest.mark.parametrize("direction", ["down", "up"])
@pytest.mark.parametrize(
    ("height", "start", "centre"), [(200, 190, 168), (200, 100, 100), (65, 60, 33), (64, 50, 32), (40, 38, 8), (24, 0, -8)]
)
def test_patch_ends_where_the_scan_does(height, start, centre, direction):
    """Of a scan lower than a patch the other end stays in view; or both, where that is asked for."""
    state = TraversalState.begin(torch.zeros(70, 70, height), 0.2)
    settings = TraversalSettings(PATCH, SPACING, direction)
    shown = start if height < PATCH else centre
    if direction == "up":
        start, centre, shown = height - start, height - centre, height - shown
    for shows_end, there in ((False, centre), (True, shown)):
        search = SpineSearch(state, Constant(-10.0), settings, shows_end=shows_end)
        assert search._inside(np.array([1, 69, start])).tolist() == [1, 69, there]


def test_field_of_view_smaller_than_a_patch(spines):
    labels = spines["lumbar", 0]
    box = tuple(slice(points.min(), points.max() + 1) for points in np.nonzero(labels == 22))
    one = np.where(labels[box] == 22, 22, 0).astype(np.uint8)
    assert max(one.shape) < PATCH
    result, found, _ = run(one)
    assert np.array_equal(result, one) and len(found) == 1


def test_skipping_changes_nothing_and_saves_patches(spines):
    labels = np.pad(spines["abdomen", 0], ((40, 40), (40, 40), (60, 60)))
    result, _, skipping = run(labels)
    everywhere, _, searching = run(labels, min_bone=0.0)
    assert np.array_equal(result, labels) and np.array_equal(everywhere, labels)
    assert skipping.counts.skipped > 0 and searching.counts.skipped == 0
    assert skipping.counts.patches < searching.counts.patches


def test_windows_in_batches_find_the_same(spines):
    labels = np.pad(spines["abdomen", 0], ((40, 40), (40, 40), (60, 60)))
    oracle = Oracle(labels)

    class Batched(torch.nn.Module):
        def forward(self, patches):
            return torch.cat([oracle(patch[None]) for patch in patches])

    result, found, _ = run(labels, Batched(), window_batch=8)
    assert np.array_equal(result, labels) and len(found) == len(oracle.order)


def test_incomplete_ones_say_little_and_may_be_left_out(spines):
    whole = spines["abdomen", 0]
    labels = np.ascontiguousarray(whole[..., : np.argwhere(whole == 18)[:, 2].max() + 1])
    oracle = Oracle(labels, estimates={18: 20.0})
    oracle.sizes[18] += 1  # so it counts as incomplete
    result, found, _ = run(labels, oracle)
    assert np.array_equal(result, labels)
    assert [row["complete"] for row in found] == [False] + [True] * (len(found) - 1)
    kept, found, _ = run(labels, oracle, keep_incomplete=False)
    assert np.array_equal(kept, np.where(labels == 18, 0, labels))
    assert [row["number"] for row in found] == list(range(19, 25))


def test_what_lies_inside_the_scan_is_complete_though_the_network_doubts_it(spines):
    labels = spines["abdomen", 0]
    oracle = Oracle(labels)
    oracle.sizes = {n: size + (n in (20, 21)) for n, size in oracle.sizes.items()}
    _, found, _ = run(labels, oracle)
    assert [row["number"] for row in found if row["completeness"] < 0.5] == [20, 21]
    assert all(row["complete"] for row in found)


def test_what_stands_beside_the_spine_is_none(spines):
    """A network that takes a ball beside the spine for vertebrae at first, and for complete ones."""
    labels = np.pad(spines["abdomen", 0], ((10, 60), (0, 0), (0, 0)))
    beside = labels.copy()
    grid = np.ogrid[tuple(slice(0, n) for n in labels.shape)]
    top = np.argwhere(labels)[:, 2].max()
    for number, z in ((30, top - 12), (31, top - 40)):
        ball = sum((axis - c) ** 2 for axis, c in zip(grid, (labels.shape[0] - 25, 40, z), strict=True)) < 11**2
        beside[ball] = number
    oracle = Oracle(beside, estimates={30: 3.0, 31: 4.0})
    oracle.order = [30, 31, *(n for n in oracle.order if n < 30)]
    result, found, _ = run(beside, oracle)
    assert np.array_equal(result, labels)
    assert [row["number"] for row in found] == list(range(18, 25))


def test_margin_holds_lesser_probabilities(spines):
    """Around an instance the likeliest number stands with its probability, for smooth borders on a finer grid."""

    class Soft(Oracle):
        def forward(self, patch):
            output = super().forward(patch)
            output[0, 0] = torch.nn.functional.avg_pool3d(output[None, None, 0, 0], 3, 1, 1)[0, 0] / 4
            return output

    labels = spines["abdomen", 0]
    output = IterativeVertebraInferer(PATCH, SPACING)(encode(labels), Soft(labels))
    assert output.dtype == torch.float16
    margin = (output[0, 1] > 0) & (output[0, 1] < 0.5)
    assert margin.any() and (output[0, 0][margin] > 0).all()


def describe(labels: np.ndarray, network, **options) -> tuple[np.ndarray, dict]:
    output = IterativeVertebraInferer(PATCH, SPACING, **options)(MetaTensor(encode(labels)), network)
    return np.where(output[0, 1] >= 0.5, output[0, 0], 0).astype(np.uint8), json.loads(output.meta["spine"][0])


@pytest.mark.parametrize("direction", ["down", "up"])
def test_levels_end_the_search_early(spines, direction):
    labels = spines["spine", 0]
    asked, wanted = ("T3-T5", (10, 11, 12)) if direction == "down" else ("L3-L4", (22, 23))
    result, found, part = run(labels, levels=asked, direction=direction)
    _, _, everything = run(labels, direction=direction)
    assert np.array_equal(result, np.where(np.isin(labels, wanted), labels, 0))
    assert sorted(row["number"] for row in found) == list(wanted)
    assert part.counts.patches < 0.7 * everything.counts.patches


@pytest.mark.parametrize(
    ("levels", "match"), [("L9", "no range"), ("L5-L1", "lies below"), ("L1-L2-L3", "no range"), ("-", "no range")]
)
def test_levels_that_are_none(levels, match):
    with pytest.raises(UserError, match=match):
        IterativeVertebraInferer(levels=levels)


def test_reversed_header_is_numbered_upwards_with_a_warning(spines):
    labels = np.ascontiguousarray(spines["abdomen", 0][..., ::-1])
    result, spine = describe(labels, Oracle(labels))
    assert np.array_equal(result, labels)
    assert any("orientation" in warning for warning in spine["warnings"]) and not spine["numbers_certain"]


@pytest.mark.parametrize("axes", [(2,), (1, 2)], ids=["head down", "head down and front behind"])
def test_scan_whose_numbers_do_not_grow_is_searched_head_up_too(spines, axes):
    """Of bodies that are upside down a trained network knows next to nothing."""
    upright = spines["abdomen", 0]
    labels = np.ascontiguousarray(np.flip(upright, axes))
    result, spine = describe(labels, KnowsUpright(upright))
    assert np.array_equal(result, labels) and not spine["numbers_certain"]
    assert any("orientation is wrong" in warning and "head and feet" in warning for warning in spine["warnings"])
    result, spine = describe(upright, KnowsUpright(upright))
    assert np.array_equal(result, upright) and not spine["warnings"]


def test_scan_in_which_nothing_is_found_is_searched_head_up_too(spines):
    labels = np.ascontiguousarray(spines["abdomen", 0][..., ::-1])
    network = SeesUpright(spines["abdomen", 0])
    result, spine = describe(labels, network)
    assert np.array_equal(result, labels) and any("orientation is wrong" in warning for warning in spine["warnings"])
    result, spine = describe(part_of(labels, 20, 21), network)  # of two vertebrae that may be anything
    assert not result.any() and not spine["warnings"]


def test_scan_is_not_turned_where_that_tells_no_more(spines):
    labels = part_of(spines["abdomen", 0], 20, 22)
    _, spine = describe(labels, Oracle(labels, estimates=dict.fromkeys(range(18, 25), 21.0)))
    assert [warning for warning in spine["warnings"] if "may be wrong" in warning]
    assert not any("is wrong" in warning for warning in spine["warnings"])


def test_second_spine_is_named(spines):
    one = np.pad(spines["abdomen", 0], ((10, 10), (0, 0), (0, 0)))
    labels = np.concatenate([one, np.where(one > 0, one + 30, 0)]).astype(np.uint8)
    oracle = Oracle(labels, estimates={int(n): float(n - 30) for n in np.unique(labels) if n > 30})
    result, spine = describe(labels, oracle)
    assert any("more than one spine" in warning for warning in spine["warnings"])
    half = labels.shape[0] // 2
    assert {tuple(np.unique(result[:half])), tuple(np.unique(result[half:]))} == {(0,), tuple(np.unique(one))}
    assert not any("more than one" in warning for warning in describe(one, Oracle(one))[1]["warnings"])


def test_sacrum_is_26_and_makes_numbers_certain(spines):
    labels = spines["abdomen", 0].copy()
    lowest = np.argwhere(labels == 24)[:, 2].min()
    labels[30:60, 20:40, max(0, lowest - 40) : lowest - 4] = 26
    result, spine = describe(labels, Oracle(labels))
    assert np.array_equal(result, labels) and spine["numbers_certain"]
    without, _ = describe(labels, Oracle(labels), keep_sacrum=False)
    assert np.array_equal(without, np.where(labels == 26, 0, labels))


def test_sacrum_is_told_by_its_size_where_its_estimate_is_that_of_a_vertebra(spines):
    labels = spines["abdomen", 0].copy()
    lowest = np.argwhere(labels == 24)[:, 2].min()
    labels[30:60, 20:40, max(0, lowest - 40) : lowest - 4] = 26
    estimates = {n: n - 0.8 for n in range(18, 25)} | {26: 24.4}
    result, _, _ = run(labels, Oracle(labels, estimates=estimates))
    assert np.array_equal(result, labels)


def test_missed_vertebra_is_named(spines):
    """A network that does not see L1: the others keep their numbers."""
    labels = spines["abdomen", 0]
    seen = np.where(labels == 20, 0, labels).astype(np.uint8)
    result, spine = describe(seen, Oracle(seen))
    assert np.array_equal(result, seen) and spine["missed"] == ["L1"]
    assert any("L1" in warning for warning in spine["warnings"])


def test_numbers_are_not_certain_where_a_vertebra_lacks_or_two_may_have_grown_together(spines):
    labels = spines["abdomen", 0].copy()
    lowest = np.argwhere(labels == 24)[:, 2].min()
    labels[30:60, 20:40, max(0, lowest - 40) : lowest - 4] = 26
    gap = np.where(labels == 21, 0, labels).astype(np.uint8)
    _, spine = describe(gap, Oracle(gap))
    assert spine["missed"] == ["L2"] and not spine["numbers_certain"]
    assert any("uncertain" in warning for warning in spine["warnings"])
    swollen = np.where((labels == 0) & binary_dilation(labels == 20, iterations=3), 20, labels).astype(np.uint8)
    _, spine = describe(swollen, Oracle(swollen))
    assert not spine["numbers_certain"] and any("two perhaps: L1" in warning for warning in spine["warnings"])
    _, spine = describe(labels, Oracle(np.where(labels > 19, labels, 0)))
    assert not spine["numbers_certain"] and any("bone above L1" in warning for warning in spine["warnings"])
    whole = spines["spine", 0]
    _, spine = describe(whole, Oracle(whole), levels="T3-T5")  # where the search ends early
    assert spine["numbers_certain"] and not spine["warnings"]
    cut = np.ascontiguousarray(labels[..., : np.argwhere(labels == 20)[:, 2].max() + 1])
    _, spine = describe(cut, Oracle(cut))
    assert spine["numbers_certain"] and not spine["warnings"]


def test_trail_ends_where_there_is_no_spine(spines):
    """A network that takes a shaft, as of a thigh bone, for incomplete vertebrae goes no further than three of them."""
    labels = np.zeros((60, 60, 300), np.uint8)
    for index in range(20):
        labels[25:35, 25:35, 14 * index : 14 * index + 13] = 40 + index
    oracle = Oracle(labels, estimates={40 + index: 12.0 for index in range(20)})
    oracle.sizes = dict.fromkeys(oracle.sizes, 10**6)  # never complete
    state = TraversalState.begin(encode(labels)[0, 0], 0.2)
    settings = TraversalSettings(PATCH, SPACING)
    with torch.inference_mode():
        trail, _ = SpineSearch(state, oracle, settings)._follow_from(np.array([30, 30, 200]))
    assert len(trail) == settings.max_doubtful


ADVERSARIES = {
    "always": lambda: Constant(10.0),
    "never": lambda: Constant(-10.0),
    "nan": lambda: Constant(float("nan")),
    "oscillating": Oscillating,
}


@pytest.mark.parametrize("name", ADVERSARIES)
def test_adversarial_networks_stop_within_the_bounds(name):
    network = ADVERSARIES[name]() if name != "oscillating" else Oscillating(0.0)
    volume = torch.full((1, 1, 100, 90, 150), 0.5)
    options = {"max_steps": 5, "max_vertebrae": 7}
    inferer = IterativeVertebraInferer(32, SPACING, **options)
    output = inferer(volume, network)
    windows = 8 * 7 * 11
    assert network.calls <= (windows + 3 * 7) * (options["max_steps"] + 1)
    assert len(np.unique(output[0, 0])) <= options["max_vertebrae"] + 1
    if name in ("never", "nan"):
        assert not output[0, 0].any()
        assert inferer.counts.not_finite == (network.calls if name == "nan" else 0)


def test_number_of_patches_is_bounded():
    network = Oscillating(0.0)
    IterativeVertebraInferer(32, SPACING, max_patches=9)(torch.full((1, 1, 80, 80, 80), 0.5), network)
    assert network.calls == 9


def test_no_place_is_looked_at_twice():
    """The two uppermost of 8 levels of 3x3 windows end where the scan does, so they are one."""
    network = Constant(-10.0)
    IterativeVertebraInferer(32, SPACING)(torch.full((1, 1, 33, 33, 100), 0.5), network)
    assert network.calls == 3 * 7 * 9  # as it lies and, where nothing is found, both ways head down


def test_empty_volume_needs_no_patch():
    network = Constant(10.0)
    output = IterativeVertebraInferer(PATCH, SPACING)(torch.full((1, 1, 50, 60, 70), -1.0), network)
    assert network.calls == 0 and not output.any()


def test_mask_is_written_where_it_was_computed():
    """A network that always marks the middle of its patch: every instance lies where a patch lay, not at a later centre."""

    class Middle(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.corners = []

        def forward(self, patch):
            output = torch.full((1, 3, *patch.shape[2:]), -10.0)
            output[0, 0, 10:21, 12:23, 9:20] = 10.0  # its box centre is (15, 17, 14), the patch's (16, 16, 16)
            return output

    volume = torch.full((1, 1, 32, 32, 32), 0.5)
    output = IterativeVertebraInferer(32, SPACING, max_vertebrae=1)(volume, Middle())
    points = np.argwhere(output[0, 1].numpy() >= 0.5)
    assert len(points) == 11**3


def test_wrong_arguments():
    with pytest.raises(ValueError, match="direction"):
        IterativeVertebraInferer(direction="left")
    with pytest.raises(ValueError, match="one channel"):
        IterativeVertebraInferer()(torch.zeros(1, 2, 8, 8, 8), Constant(0.0))
