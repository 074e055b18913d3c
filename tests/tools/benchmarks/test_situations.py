"""What is counted of a result in a phantom."""

import json
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest

from tools.benchmarks import situations
from tools.benchmarks.situations import Tally, add_up, judge
from tools.bundles import get_bundle
from tools.phantoms.spine import SpinePhantom


def phantom(label: np.ndarray) -> SpinePhantom:
    return SpinePhantom(np.zeros(label.shape, np.int16), label, np.diag([3.0, 3.0, 3.0, 1.0]), "lumbar")


def stack() -> np.ndarray:
    """Three vertebrae, of which the first is cut by the upper border."""
    label = np.zeros((20, 20, 40), np.uint8)
    for number, low in ((20, 30), (21, 17), (22, 4)):
        label[5:15, 5:15, low : low + 10] = number
    return label


def told(complete: dict[int, bool], second=(), certain=False, warnings=()) -> dict:
    rows = [{"label": number, "complete": whole} for number, whole in sorted(complete.items())]
    return {"vertebrae": rows, "second_numbering": list(second), "numbers_certain": certain, "warnings": list(warnings)}


def test_right_wrong_and_invented():
    truth = stack()
    mask = np.where(truth == 22, 23, truth)
    mask[0:4, 0:4, 0:16] = 24
    tally = judge("metal", phantom(truth), mask, told({20: False, 21: False, 23: True, 24: True}))
    assert tally == Tally("metal", 1, vertebrae=3, found=3, right=2, complete=2, false=1)


def test_either_of_two_spines_will_do_and_a_warning_is_asked_for():
    one = stack()
    truth = np.concatenate([one, one])
    mask = np.concatenate([np.zeros_like(one), one])
    answer = told({20: False, 21: True, 22: True}, certain=True, warnings=["there is more than one spine; ..."])
    tally = judge("two spines", phantom(truth), mask, answer)
    assert tally == Tally("two spines", 1, 1, 1, 1, 1, 0, warned=1, vertebrae=3, found=3, right=3, complete=3, false=0)


@pytest.mark.parametrize("height, asked", [(1, False), (2, True)])
@pytest.mark.parametrize("up", [True, False])
def test_what_the_border_leaves_of_a_vertebra_without_its_body_is_not_asked_for(height, asked, up):
    truth = stack()[..., 4:]
    truth = np.concatenate([np.full((20, 20, height), 0, np.uint8), np.zeros((20, 20, 3), np.uint8), truth], -1)
    truth[5:15, 5:15, :height] = 23
    truth = truth if not up else np.where(truth, 43 - truth, 0)[..., ::-1]
    rest = 20 if up else 23
    missed = np.where(truth == rest, 0, truth)
    complete = {int(code): True for code in np.unique(truth)[1:]}
    for mask, right in ((missed, not asked), (truth, True)):
        tally = judge("metal", phantom(truth), mask, told(complete))
        assert (tally.vertebrae, tally.numbered, tally.false) == (3 + asked, right, 0)
        assert tally.with_remnants == (mask is truth)


def test_a_remnant_with_another_number_is_neither_wrong_nor_false():
    truth = stack()
    truth[5:15, 5:15, :2] = 23
    truth[..., 2:4] = 0
    mask = np.where(truth == 23, 24, truth)
    tally = judge("metal", phantom(truth[..., 1:]), mask[..., 1:], told({20: False, 21: True, 22: True, 24: False}))
    assert (tally.vertebrae, tally.right, tally.numbered, tally.false) == (3, 3, 1, 0)


def test_wrong_numbers_are_named_where_the_second_numbering_is_right():
    truth = stack()
    mask = np.where(truth > 0, truth + 1, 0)
    rows = {21: False, 22: True, 23: True}
    for second, certain, named in ((["L1", "L2", "L3"], False, 1), (["L1", "L2", "L3"], True, 0), (["L3", "L4", "L5"], False, 0)):
        tally = judge("metal", phantom(truth), mask, told(rows, second, certain))
        assert (tally.numbered, tally.certain, tally.certain_right, tally.named) == (0, certain, 0, named)
    assert judge("metal", phantom(truth), truth, told({20: False, 21: True, 22: True})).named == 1


def test_situations_that_nobody_can_number_are_summed_apart():
    sums = add_up([Tally("metal", 4, 3), Tally("L6", 4, 4), Tally("one vertebra", 4, 1), Tally("T13, lower spine", 4, 0)])
    assert [(tally.phantoms, tally.numbered) for tally in sums] == [(8, 7), (8, 1)]
    assert add_up([Tally("metal", 4)]) == []


def test_other_weights_than_the_bundles_own_are_tried(monkeypatch, tmp_path):
    """A path is no setting of inference.json, where MONAI would evaluate it."""
    asked = []

    def segment(bundle, inputs, output, overwrite, settings, console, errors, weights):
        asked.append((settings, weights))
        output.mkdir()
        nibabel.save(nibabel.Nifti1Image(stack(), np.eye(4)), output / "phantom_seg.nii.gz")
        (output / "phantom_seg.json").write_text(json.dumps(told({20: False, 21: True, 22: True})))
        return [SimpleNamespace(error=None)]

    monkeypatch.setattr(situations, "segment_cases", segment)
    monkeypatch.setattr(situations, "make_situation", lambda name, copy: phantom(stack()))
    (tally,) = situations.try_situations(get_bundle("vertebrae"), 2, ["metal"], weights=tmp_path / "other.pt")
    assert (tally.phantoms, tally.right) == (2, 6)
    assert asked == [({}, tmp_path / "other.pt")] * 2
