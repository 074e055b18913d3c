"""What ``segment`` adds to the masks: overlays and measures. The weights are the shipped ones."""

import csv
import hashlib
import re
from urllib.parse import unquote

import numpy as np
from conftest import CHEST, MUSCLES, save_nifti
from PIL import Image
from rich.console import Console

from tools.bundles import Bundle
from tools.phantoms.chest import make_chest_phantom
from tools.phantoms.lumbar import make_lumbar_phantom
from tools.results.measures import cardiothoracic_ratio
from tools.results.segmenting import segment_cases

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
    picture, label = phantom.image[..., 0], phantom.label[..., 0]
    Image.fromarray(picture.T.astype(np.uint16)).save(tmp_path / "a.png")
    segment_cases(Bundle(CHEST), [tmp_path / "a.png"], tmp_path / "out", False, {}, QUIET, QUIET)
    rows = {(row["structure"], row["measure"]): row for row in rows_of(tmp_path / "out")}
    mask = np.asarray(Image.open(tmp_path / "out" / "a_seg.png")).T
    measured = cardiothoracic_ratio(mask == 3, mask == 1, mask == 2)
    assert abs(float(rows["heart", "cardiothoracic ratio"]["value"]) - measured) < 0.001
    heart, drawn = mask == 3, label == 3
    assert 2 * (heart & drawn).sum() / (heart.sum() + drawn.sum()) > 0.8  # of a phantom, which is unlike a film
    assert rows["left lung", "area"]["unit"] == "pixels"
    overlay = np.asarray(Image.open(tmp_path / "out" / "a_overlay.png").convert("RGB")).astype(int)
    colourful = np.ptp(overlay, axis=-1) > 60
    half = overlay.shape[1] // 2
    assert not colourful[:, :half].any() and colourful[:, half:].sum() > 200  # outlines lie on the right picture alone


def test_the_page_holds_measures_and_warnings_and_names_its_files(tmp_path):
    phantom = make_lumbar_phantom(np.random.default_rng(7), slices=3)
    path = save_nifti(tmp_path / "a<b>.nii.gz", phantom.image, phantom.affine)
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(b"no scan")
    segment_cases(Bundle(MUSCLES), [path, broken], tmp_path / "out", False, {}, QUIET, QUIET)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "right multifidus" in page and "mean area" in page and "cannot be read as an image" in page
    assert hashlib.sha256((MUSCLES / "models" / "model.pt").read_bytes()).hexdigest() in page
    assert "a&lt;b&gt;" in page and "a<b>" not in page and "1 of 2 done" in page
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert all(address.startswith(("data:image/jpeg;base64,", "./")) for address in addresses)
    assert all((tmp_path / "out" / unquote(address)).exists() for address in addresses if address.startswith("./"))
    assert "./a%3Cb%3E_seg.nii.gz" in addresses and "./measures.csv" in addresses
    assert (tmp_path / "out" / "report_files" / "cases" / "a<b>.js").exists()
