"""What ``segment`` adds to the masks: overlays and measures. The weights are the shipped ones."""

import csv

import numpy as np
from conftest import CHEST, MUSCLES, save_nifti
from PIL import Image
from rich.console import Console

from tools.bundles import Bundle
from tools.phantoms.chest import make_chest_phantom
from tools.phantoms.lumbar import make_lumbar_phantom
from tools.segmenting import segment_cases

QUIET = Console(quiet=True)


def rows_of(folder) -> list[dict]:
    with (folder / "measures.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_water_and_fat_give_areas_and_fat_fraction(tmp_path):
    phantom = make_lumbar_phantom(np.random.default_rng(7), slices=2)
    water = save_nifti(tmp_path / "p_water.nii.gz", phantom.image.astype(np.float32), phantom.affine)
    fat = save_nifti(tmp_path / "p_fat.nii.gz", phantom.image.astype(np.float32) / 3, phantom.affine)
    segment_cases(Bundle(MUSCLES), [water, fat], tmp_path / "out", False, {}, QUIET, QUIET)
    rows = rows_of(tmp_path / "out")
    fractions = [row for row in rows if row["measure"] == "fat fraction"]
    assert {row["case"] for row in fractions} == {"p_water"} and {row["slice"] for row in fractions} == {"", "0", "1"}
    assert all(abs(float(row["value"]) - 25) < 0.5 for row in fractions)
    muscle = [row for row in rows if row["case"] == "p_water" and row["structure"] == "right multifidus"]
    measures = {(row["measure"], row["slice"]): float(row["value"]) for row in muscle if row["unit"] == "mm2"}
    assert abs(measures["mean area", ""] - (measures["area", "0"] + measures["area", "1"]) / 2) < 0.002
    assert ("standard deviation of area", "") in measures
    assert (tmp_path / "out" / "p_water_overlay.png").exists()


def test_a_radiograph_gives_the_cardiothoracic_ratio_and_a_picture(tmp_path):
    phantom = make_chest_phantom(np.random.default_rng(3))
    picture = np.asarray(phantom.image).squeeze()
    picture = (255 * (picture - picture.min()) / np.ptp(picture)).astype(np.uint8)
    Image.fromarray(picture.T).save(tmp_path / "a.png")
    segment_cases(Bundle(CHEST), [tmp_path / "a.png"], tmp_path / "out", False, {}, QUIET, QUIET)
    rows = {(row["structure"], row["measure"]): row for row in rows_of(tmp_path / "out")}
    assert 0.2 < float(rows["heart", "cardiothoracic ratio"]["value"]) < 0.9
    assert rows["left lung", "area"]["unit"] == "pixels"
    overlay = np.asarray(Image.open(tmp_path / "out" / "a_overlay.png").convert("RGB")).astype(int)
    colourful = np.ptp(overlay, axis=-1) > 60
    half = overlay.shape[1] // 2
    assert not colourful[:, :half].any() and colourful[:, half:].sum() > 200  # outlines lie on the right picture alone
