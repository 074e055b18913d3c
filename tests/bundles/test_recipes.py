"""Overlays named after a paper or a seed are its recipe."""

import json
import math

import nibabel
import numpy as np
import pytest
import torch
from conftest import CHEST, DIGITS, GRAY_MATTER, LESIONS, MUSCLES, VERTEBRAE

from custom_networks.data.lesion_shapes import LesionMap
from tools.bundles import Bundle
from tools.sharing.syncing import inference_overlay
from tools.sharing.verifying import SHARED_IDS


def parameters(parser) -> int:
    return sum(value.numel() for value in parser.get_parsed_content("network_def").parameters())


@pytest.mark.parametrize(
    ("folder", "recipe", "settings"),
    [
        (GRAY_MATTER, "paper", ["patch", "threshold", "spacing"]),
        (CHEST, "seed", ["size"]),
        (MUSCLES, "seed", ["size"]),
        (LESIONS, "seed", ["window", "threshold", "peak", "spacing"]),
        (VERTEBRAE, "paper", ["spacing", "patch"]),
    ],
    ids=["gray matter", "chest", "muscles", "lesions", "vertebrae"],
)
def test_a_recipe_infers_as_it_trains(folder, recipe, settings):
    """`sync` writes the overlay of inference.json from that of train.json."""
    read = []
    for mode in ("train", "inference"):
        with Bundle(folder).parser(f"{mode}.json", f"{mode}_{recipe}.json") as parser:
            resolved = [parser.get_parsed_content(name) for name in settings]
            read.append(resolved + [parser[name] for name in SHARED_IDS])
            size = parameters(parser)
        read[-1].append(size)
    assert read[0] == read[1]


def test_muscles_of_the_seed_are_seen_at_256_pixels_in_inference(tmp_path):
    """They were trained at 256 pixels and inferred at 1.5 mm."""
    path = tmp_path / "scan.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.random.default_rng(0).integers(0, 99, (60, 50, 2)).astype(np.int16), np.eye(4)), path)
    with Bundle(MUSCLES).parser("inference.json", "inference_seed.json") as parser:
        seen = parser.get_parsed_content("preprocessing")({"image": str(path)})["image"]
    assert seen.shape == (1, 256, 256, 2) and (seen.min(), seen.max()) == pytest.approx((0, 1), abs=0.01)


def test_what_concerns_inference_is_taken_from_an_overlay_of_training():
    train = """{
    "size": 3,
    "max_epochs": 5,
    "imports": ["$import math"],
    "preprocessing#transforms": [
        {"size": "@size"}
    ],
    "output_dir": "x",
    "train#dataset": {"a": "@batch"},
    "batch": 2
}
"""
    found = inference_overlay(train, '{"preprocessing": {}, "output_dir": ""}')
    assert json.loads(found) == {"size": 3, "preprocessing#transforms": [{"size": "@size"}]}


def test_gray_matter_of_the_paper():
    with Bundle(GRAY_MATTER).parser("train.json", "train_paper.json") as parser:
        assert parameters(parser) == 126_177
        wanted = {
            "max_epochs": 1000,
            "epoch_length": 32,
            "batch_size": 11,
            "patch": 200,
            "learning_rate": 0.001,
            "threshold": 0.999,
        }
        assert {name: parser.get(name) for name in wanted} == wanted
        assert (parser["network_def"]["dropout"], parser["network_def"]["batch_norm_momentum"]) == (0.4, 0.9)
        assert parser["lr_scheduler"]["power"] == 0.9
        assert parser["loss"]["_target_"] == "DiceLoss"
        assert parser["inferer"]["window"] == "@patch" and not parser["inferer"]["flip"] and "search" not in parser["inferer"]
        warp = parser.get_parsed_content("train#spatial_augmentation")
        assert (warp.size, warp.rotate, warp.scale, warp.translate) == ((200, 200), math.radians(4.6), (0.98, 1.02), 6.0)
        assert warp.around_label is None


@pytest.mark.parametrize(
    ("overlays", "count"), [([], 3_873_094), (["fully_conv.json"], 63_686), (["fully_conv_large.json"], 973_574)]
)
def test_chest_of_the_seed(overlays, count):
    with Bundle(CHEST).parser("train.json", "train_seed.json", *overlays) as parser:
        assert parameters(parser) == count
        wanted = {"max_epochs": 50, "batch_size": 3, "size": 256, "learning_rate": 0.001, "num_workers": 2}
        assert {name: parser.get(name) for name in wanted} == wanted
        assert parser["train"]["dataloader"]["drop_last"]
        assert parser["loss"]["lambda_dice"] == 0
        assert parser["lr_scheduler"]["factor"] == 1.0
        last = parser["train"]["dataset"]["transform"]["transforms"][-1]
        assert (last["_target_"].rpartition(".")[2], last["scale"]) == ("RandAffineNoised", 0.1)


def test_muscles_of_the_seed():
    six = ["vertebral body", "right psoas major", "left psoas major", "right muscles", "left muscles", "fat"]
    with Bundle(MUSCLES).parser("train.json", "train_seed.json", names=six) as parser:
        assert parameters(parser) == 6_368_414
        wanted = {"max_epochs": 500, "batch_size": 5, "size": 256, "learning_rate": 0.0001, "cross_entropy": 0.0}
        wanted |= {"smooth_slices": 0, "least_piece": 0}  # slices stand alone
        assert {name: parser.get(name) for name in wanted} == wanted
        assert (parser["lr_scheduler"]["step_size"], parser["lr_scheduler"]["gamma"]) == (1000, 0.1)
        targets = [transform["_target_"] for transform in parser["preprocessing"]["transforms"]]
        assert targets[-1] == "Resized" and not any("Spacing" in target for target in targets)


def test_the_rate_of_lesions_falls_to_nothing_in_the_fifth_that_sees_patients():
    for epochs in (20, 60):
        with Bundle(LESIONS).parser("train.json", max_epochs=epochs) as parser:
            rate = parser.get_parsed_content("rate")
        rates = [rate(epoch) for epoch in range(epochs + 2)]
        assert rates[0] == 1 and rates[-2:] == [0, 0] and rates == sorted(rates, reverse=True)
        assert rates[epochs * 4 // 5] == pytest.approx(0.577, abs=0.001)


def test_lesions_painted_last_are_brighter_on_t1_than_cortex():
    """As readers' lesions are, 0 to 0.4 below white matter in the median of a scan; cortex is about 1.2 below."""
    with Bundle(LESIONS).parser("train.json", "train_cortex.json") as parser:
        parser["train"]["augmentation"]["transforms"][0]["maps"] = [LesionMap(np.ones((40, 40, 40), np.float32), np.eye(4))]
        paint = parser.get_parsed_content("train#augmentation#transforms#0")
        blobs = parser["train"]["augmentation"]["transforms"][3]
        assert (blobs["prob"], blobs["centre"]) == (0.35, [-1.6, -0.3])
        assert (parser.get("max_epochs"), parser.get("learning_rate")) == (7, 0.001)
        assert parser.get("pretrained_share") == 0.5 and parser["train"]["handlers"][1]["pretrained_share"] == "@pretrained_share"
    paint.set_random_state(0)
    cube, image = (400, 1, 8, 8, 8), torch.zeros(400, 2, 8, 8, 8)
    image[:, 1] = 1
    given = {"image": image, "label": torch.zeros(cube), "brain": torch.ones(cube), "place": torch.eye(3, 4).repeat(400, 1, 1)}
    painted = paint(given)
    inside = painted["label"][:, 0, 4, 4, 4] == 1
    t1 = painted["image"][inside, 1, 4, 4, 4] - 1
    assert inside.sum() > 20 and -0.5 < float(t1.median()) < -0.2
    assert float((t1 < -1.2).float().mean()) < 0.1 and float(t1.min()) > -1.7


def test_vertebrae_from_published_weights_keep_their_statistics_and_a_quarter_of_them():
    with Bundle(VERTEBRAE).parser("train.json", "train_from_published.json") as parser:
        wanted = {"max_epochs": 20, "batch_size": 4, "learning_rate": 0.0004, "seed": 5}
        assert {name: parser.get(name) for name in wanted} == wanted
        norm, _, record = parser["train"]["handlers"]
        assert norm["start"] == "@fixed_norm_after" and parser.get("fixed_norm_after") == 0.0
        assert record["pretrained_share"] == "@pretrained_share" and parser.get("pretrained_share") == 0.25


def test_vertebrae_from_the_first_part_see_thicker_slices():
    with Bundle(VERTEBRAE).parser("train.json", "train_from_first.json") as parser:
        wanted = {
            "batch_size": 16,
            "epoch_length": 40,
            "max_epochs": 33,
            "learning_rate": 0.0008,
            "seed": 7,
            "fixed_norm_after": 0.0,
        }
        assert {name: parser.get(name) for name in wanted} == wanted
        augmentation = parser.get_parsed_content("train#prepare_batch").augmentation
        assert augmentation.thickness * parser.get("spacing") == 8.0  # mm
        assert parser.get_parsed_content("val_interval") == 34 and parser.get("max_minutes") is None  # nothing chooses among epochs


def test_levels_of_vertebrae_are_trained_in_51_epochs():
    with Bundle(VERTEBRAE).parser("train.json", "train_levels.json") as parser:
        wanted = {"batch_size": 16, "epoch_length": 40, "max_epochs": 51, "val_interval": 52, "learning_rate": 0.0015}
        assert {name: parser.get_parsed_content(name) for name in wanted} == wanted
        assert parser.get("max_minutes") is None and parser.get("half") is True


def test_lesions_of_the_seed():
    with Bundle(LESIONS).parser("train.json", "train_seed.json") as parser:
        assert parameters(parser) == 2_260_866
        wanted = {"max_epochs": 100, "batch_size": 32, "window": 32, "threshold": 0.5, "peak": 0.0}
        assert {name: parser.get(name) for name in wanted} == wanted
        dataset, inferer = parser["train"]["dataset"], parser["inferer"]
        assert (dataset["_target_"].rpartition(".")[2], dataset["window"], dataset["step"]) == ("WindowDataset", "@window", 16)
        assert (inferer["overlap"], inferer["mode"], inferer.get("flips", [])) == (0.5, "constant", [])
        assert (parser["optimizer"]["_target_"], parser["optimizer"]["lr"]) == ("torch.optim.Adadelta", 1.0)
        loss = parser["loss"]
        assert loss["_target_"].endswith("IgnoreLabel") and loss["loss"]["lambda_dice"] == 0.0
        last = parser["preprocessing"]["transforms"][-1]
        assert (last["_target_"], last["nonzero"], last["channel_wise"]) == ("NormalizeIntensityd", True, True)


def test_digits_of_the_tutorial():
    with Bundle(DIGITS).parser("train.json", "train_tutorial.json") as parser:
        assert (parser["optimizer"]["_target_"], parser.get("learning_rate")) == ("torch.optim.SGD", 0.01)


def test_eight_muscles_and_lungs_alone():
    with Bundle(MUSCLES).parser("train.json", "eight_muscles.json") as parser:
        assert parser.get_parsed_content("num_classes") == 9 and parser.get_parsed_content("partial") == {"9": [0, 5, 6, 7, 8]}
    with Bundle(CHEST).parser("train.json", "lungs_cc_by.json") as parser:
        weights = torch.load(CHEST / "models" / "model_cc_by.pt", map_location="cpu", weights_only=True)
        parser.get_parsed_content("network_def").load_state_dict(weights)
