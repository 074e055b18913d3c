"""JSRT in its official form, as PNG, and as the two tensors; images are made up, a mask is a box."""

import itertools
import json

import numpy as np
import pytest
import torch
from PIL import Image

from custom_networks import UserError
from tools.datasets import jsrt
from tools.datasets.jsrt import ORGANS, prepare_jsrt


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Pictures of 64 and masks of 32 pixels a side."""
    monkeypatch.setattr(jsrt, "SIDE", 32)
    monkeypatch.setattr(jsrt, "RAW_SIDE", 64)


def masks(source, case: str, leave_out: str = "") -> None:
    for index, organ in enumerate(ORGANS):
        if organ != leave_out:
            folder = source / "scr" / organ.replace(" ", "_")
            folder.mkdir(parents=True, exist_ok=True)
            mask = np.zeros((32, 32), np.uint8)
            mask[4 * index : 4 * index + 6, 2:9] = 255  # neighbours overlap; rows say which
            Image.fromarray(mask).save(folder / f"{case}.gif")


def raw(source, case: str) -> np.ndarray:
    """Rows get brighter downwards in the file, where bones are dark."""
    pixels = np.repeat(np.arange(64) * 50, 64).reshape(64, 64).astype(">u2")
    pixels.tofile(source / f"{case}.IMG")
    return pixels


def test_official_files_become_bright_bones_and_later_organs_win(tmp_path):
    raw(tmp_path, "JPCLN001")
    masks(tmp_path, "JPCLN001")
    report = prepare_jsrt(tmp_path, tmp_path / "set")
    image = np.asarray(Image.open(tmp_path / "set" / "JPCLN001_image.png"))
    label = np.asarray(Image.open(tmp_path / "set" / "JPCLN001_label.png"))
    assert image.shape == (32, 32) and image[0, 0] == 4095 - 25 and image[31, 5] == 4095 - 3125
    assert [label[row, 5] for row in (0, 3, 4, 8, 12, 16, 21, 22)] == [1, 1, 2, 3, 4, 5, 5, 0] and label[0, 1] == 0
    assert report.cases == ["JPCLN001"]


def test_missing_masks_and_radiographs_are_reported(tmp_path):
    for case in ("JPCLN001", "JPCLN002"):
        raw(tmp_path, case)
    masks(tmp_path, "JPCLN001")
    masks(tmp_path, "JPCLN002", leave_out="heart")
    masks(tmp_path, "JPCNN001")
    report = prepare_jsrt(tmp_path, tmp_path / "set")
    assert report.cases == ["JPCLN001"]
    assert report.left_out[0] == "JPCLN002.IMG: no mask of heart"
    assert report.left_out[1] == "JPCNN001.gif (heart): no radiograph" and len(report.left_out) == 6


@pytest.mark.parametrize(("split", "tests"), [("seed", [161, 162]), ("exercise", [161, 162]), ("scr", [2, 4])])
def test_splits(tmp_path, split, tests):
    tensors = {"JSRT_img0": torch.rand(165, 8, 8)}
    torch.save(tensors, tmp_path / "JSRT_img0_lms.pth")
    torch.save(torch.zeros(165, 5, 8, 8), tmp_path / "jsrt_seg_masks.pth")
    content = json.loads(prepare_jsrt(tmp_path, tmp_path / "set", split).data_list.read_text())
    numbers = {name: [int(entry["image"][5:8]) for entry in content[name]] for name in ("training", "validation", "test")}
    assert numbers["test"][:2] == tests
    assert sorted(itertools.chain.from_iterable(numbers.values())) == list(range(1, 166))
    counts = {"seed": [144, 16], "exercise": [160, 0], "scr": [75, 8]}[split]
    assert [len(numbers[name]) for name in ("training", "validation")] == counts


def test_tensors_keep_masks_and_scale_brightness(tmp_path):
    images = torch.linspace(-1, 3, 64).view(1, 8, 8)
    organ = torch.zeros(1, 5, 8, 8)
    organ[0, 2, 3, 4:6] = 1
    torch.save({"JSRT_img0": images}, tmp_path / "JSRT_img0_lms.pth")
    torch.save(organ, tmp_path / "jsrt_seg_masks.pth")
    prepare_jsrt(tmp_path, tmp_path / "set")
    image, label = (np.asarray(Image.open(tmp_path / "set" / f"case_001_{name}.png")) for name in ("image", "label"))
    assert image[0, 0] == 0 and image[7, 7] == 4095
    assert np.argwhere(label == 3).tolist() == [[3, 4], [3, 5]] and label.sum() == 6


def test_bad_input(tmp_path):
    with pytest.raises(UserError, match="no radiograph with its five masks"):
        prepare_jsrt(tmp_path, tmp_path / "set")
    (tmp_path / "JPCLN001.IMG").write_bytes(b"short")
    masks(tmp_path, "JPCLN001")
    with pytest.raises(UserError, match="expected 64x64 of 16 bits"):
        prepare_jsrt(tmp_path, tmp_path / "set")
    with pytest.raises(UserError, match="no such split"):
        prepare_jsrt(tmp_path, tmp_path / "set", "half")
