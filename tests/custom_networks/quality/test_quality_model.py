"""From measures to a number and its reason."""

import json
import math
from types import SimpleNamespace

import pytest
import torch
from monai.engines.utils import IterationEvents

from custom_networks import AssessQuality
from custom_networks.quality.model import QualityModel

CONTENT = {
    "bias": -4.0,
    "weights": {"sureness": 2.0, "shape": -1.0},
    "usual": {"sureness": 2.8, "shape": 0.2},
    "doubtful_below": 0.5,
}


def test_the_value_is_a_logistic_function_and_the_worst_measure_its_reason():
    model = QualityModel(CONTENT)
    good = model({"sureness": 0.96, "shape": 0.1})
    assert good.value == pytest.approx(1 / (1 + math.exp(4 + 2 * math.log(0.05) + 0.1)), abs=1e-3) and not good.doubtful
    unsure, odd = model({"sureness": 0.5, "shape": 0.1}), model({"sureness": 0.95, "shape": 4.0})
    assert unsure.doubtful and unsure.reason == "the network is unsure"
    assert odd.doubtful and odd.reason == "sizes or places are unlike those of the people in training"


def test_without_a_calibration_there_is_no_number(tmp_path):
    quality = QualityModel.load(tmp_path / "quality.json")({"sureness": 0.9})
    assert quality.value is None and quality.reason == "not calibrated" and not quality.doubtful


def test_doubts_without_a_number():
    model = QualityModel(CONTENT | {"doubts_only": True})
    good, unsure = model({"sureness": 0.96, "shape": 0.1}), model({"sureness": 0.5, "shape": 0.1})
    assert (good.value, good.doubtful) == (None, False) and (unsure.value, unsure.doubtful) == (None, True)
    assert unsure.reason == "the network is unsure"


def test_limits_hold_with_a_fit_and_without():
    limits = {"limits": {"sureness": 0.3, "appearance": 2.0}}
    for content in (limits, CONTENT | limits):
        model = QualityModel(content)
        usual = model({"sureness": 0.97, "shape": 0.1, "appearance": 2.0})
        odd, empty = (model({"sureness": s, "shape": 0.1, "appearance": a}) for s, a in ((0.97, 2.1), (0.0, 0.1)))
        assert not usual.doubtful and odd.doubtful and odd.reason == "the image looks unlike those in training"
        assert empty.doubtful and empty.reason == "nothing was found"
    assert QualityModel(limits)({"sureness": 0.9, "appearance": 2.0}).reason.startswith("only images that look unlike")
    nowhere = QualityModel(CONTENT)({"sureness": 0.0, "shape": 0.1})
    assert nowhere.doubtful and nowhere.reason == "nothing was found"


@pytest.mark.parametrize("content", [{}, CONTENT, CONTENT | {"limits": {"shape": 2.0}}])
@pytest.mark.parametrize("odd", [{"shape": math.nan}, {"sureness": math.inf}, {"shape_numbers": [0.0, math.nan]}])
def test_what_is_no_number_is_doubtful_and_stays_out_of_json(content, odd):
    quality = QualityModel(content)({"sureness": 0.97, "shape": 0.1, "shape_numbers": [0.0, 1.0]} | odd)
    assert quality.doubtful and quality.value is None and "no number" in quality.reason
    json.dumps(vars(quality), allow_nan=False)


class Sides(torch.nn.Module):
    """Calls bright pixels of the right half ``right`` and of the left half ``left``, whatever the picture."""

    def forward(self, image):
        bright = image > 0.5
        right = bright & (torch.arange(image.shape[2]) < image.shape[2] // 2)[:, None]
        return torch.cat((~bright, right, bright & ~right), 1).float() * 20


def picture():
    image = torch.zeros(1, 1, 8, 6)
    image[:, :, 1:3, 2:4] = 1
    image[:, :, 5:7, 2:4] = 1
    return image


def test_a_symmetric_network_agrees_with_its_mirror_image():
    network = Sides()
    assess = AssessQuality("none.json", network, lambda image, net: net(image), ["right lung", "left lung"], mirror=True)
    found = assess.measure(picture(), network(picture()))
    assert found["agreement"] == found["agreement_worst"] == 1.0
    assert found["sureness_worst"] == pytest.approx(1.0, abs=1e-6)


def test_a_network_that_sees_one_side_only_disagrees_with_its_mirror_image():
    def half(image):
        return Sides()(image) * torch.tensor([1.0, 1.0, 0.0])[:, None, None]

    assess = AssessQuality("none.json", half, lambda image, net: net(image), ["right lung", "left lung"], mirror=True)
    assert assess.measure(picture(), half(picture()))["agreement"] == 0.0


def test_what_was_calibrated_for_other_structures_gives_no_number(tmp_path):
    """Their sizes and places are other numbers, in other numbers: inference of regions of one's own ended in an error."""
    shape = {"mean": [1.0, 1.0], "deviation": [1.0, 1.0]}
    (tmp_path / "quality.json").write_text(json.dumps(CONTENT | {"names": ["right lung", "left lung"], "shape": shape}))
    image, logits = torch.zeros(1, 1, 8, 6), torch.zeros(1, 4, 8, 6)
    for names, fitting in ((["right lung", "left lung"], True), (["a", "b"], False), (["a", "b", "c"], False)):
        assess = AssessQuality(tmp_path / "quality.json", None, None, names)
        found = assess.measure(image, logits[:, : 1 + len(names)])
        assert ("shape" in found, assess.model(found).value is not None) == (fitting, fitting)


def test_how_images_look_does_not_depend_on_the_classes(tmp_path):
    """Their limits hold for classes of other names, those of structures do not."""
    look = {"mean": [0.0] * 6, "deviation": [1.0] * 6}
    limits = {"appearance": 2.0, "shape": 1.0, "sureness": 0.9}
    content = CONTENT | {"names": ["right lung", "left lung"], "appearance": look, "limits": limits}
    (tmp_path / "quality.json").write_text(json.dumps(content))
    model = AssessQuality(tmp_path / "quality.json", None, None, ["a"]).model
    assert model.content == {"appearance": look, "limits": {"appearance": 2.0}}
    far, near = model({"appearance": 2.5, "sureness": 0.1}), model({"appearance": 1.5, "sureness": 0.1})
    assert (far.value, far.doubtful, near.doubtful) == (None, True, False)


def test_a_doubtful_result_is_warned_of(tmp_path, caplog):
    (tmp_path / "quality.json").write_text(json.dumps(CONTENT | {"weights": {"sureness": 2.0}, "usual": {"sureness": 2.8}}))
    assess = AssessQuality(tmp_path / "quality.json", Sides(), lambda image, net: net(image), ["right lung", "left lung"])
    events = []
    engine = SimpleNamespace(
        state=SimpleNamespace(output={"image": torch.zeros(1, 1, 8, 6), "pred": Sides()(torch.zeros(1, 1, 8, 6))}),
        add_event_handler=lambda event, call: events.append((event, call)),
    )
    assess.attach(engine)
    assert events == [(IterationEvents.FORWARD_COMPLETED, assess.assess)]
    assess.assess(engine)
    assert engine.state.quality.value == 0.018 and engine.state.quality.doubtful
    assess.model = QualityModel({"limits": {"sureness": 0.9}})
    assess.assess(engine)
    assert caplog.messages.pop() == "doubtful: nothing was found. Look at this result."
    assert caplog.messages[:1] == ["quality 0.02: nothing was found. Look at this result."]
