"""The mask lies where the structure is and keeps its side, whatever the order and direction of the axes."""

import itertools
import json

import numpy as np
import pytest
import torch
from conftest import FLIPS, MUSCLES, ORDERS, infer_with, reorient, save_nifti
from dicom_files import write_slice

from tools.bundles import Bundle, load_network
from tools.phantoms.lumbar import make_lumbar_phantom
from tools.scoring.dice import dice

AFFINE = np.array([[1.5, 0, 0, -30], [0, 1.5, 0, -40], [0, 0, 5, 100], [0, 0, 0, 1.0]])


class Bands(torch.nn.Module):
    """An oracle: what is bright belongs to the band of columns it lies in; columns run to the patient's left."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        bright = 6 * (picture - 0.5)
        band = (torch.arange(picture.shape[2]) * 4 // picture.shape[2] + 1).view(1, 1, -1, 1)
        return torch.cat([-bright, *[torch.where(band == value, bright, -100.0) for value in range(1, 9)]], 1)


def asymmetric() -> tuple[np.ndarray, np.ndarray]:
    """An image in RAS and its labels: an L whose two arms lie in different quarters of the body; nothing is symmetric."""
    structure = np.zeros((40, 52, 6), bool)
    structure[4:9, 10:40, 1:5] = True
    structure[9:28, 10:14, 1:4] = True
    labels = 4 - np.arange(40) * 4 // 40  # x runs to the right here, so the first columns are the left side
    return np.where(structure, 900, 100).astype(np.int16), (structure * labels[:, None, None]).astype(np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run the shipped inference.json with a network in place of the bundle's own; return the mask."""

    def infer(path, network):
        return infer_with(network, MUSCLES, path, tmp_path_factory.mktemp("out"))

    return infer


@pytest.fixture(scope="module")
def shipped() -> torch.nn.Module:
    with Bundle(MUSCLES).parser("inference.json", device="cpu") as parser:
        return load_network(parser, Bundle(MUSCLES))


@pytest.mark.parametrize(("order", "flips"), list(itertools.product(ORDERS, FLIPS)), ids=str)
def test_all_48_orientations(run, tmp_path, order, flips):
    image, label = asymmetric()
    array, affine = reorient(image, AFFINE, order, flips)
    expected, _ = reorient(label, AFFINE, order, flips)
    mask = run(save_nifti(tmp_path / "scan.nii.gz", array, affine), Bands())
    np.testing.assert_allclose(mask.affine, affine, atol=1e-5)
    assert np.array_equal(np.asarray(mask.dataobj), expected)


@pytest.mark.parametrize("spacing", [(0.8, 0.8), (1.1, 0.9), (2.2, 2.0)])
@pytest.mark.parametrize("shape", [(150, 130), (101, 83)])
def test_other_spacings_and_odd_sizes_move_nothing(run, tmp_path, spacing, shape):
    x, y = np.indices(shape)
    radius = np.hypot((x - 0.3 * shape[0]) / (0.2 * shape[0]), (y - 0.6 * shape[1]) / (0.25 * shape[1]))
    image = 100 + 800 / (1 + np.exp(20 * (radius - 1)))  # an ellipse with a soft border
    affine = np.diag([*spacing, 6.0, 1.0])
    path = save_nifti(tmp_path / "a.nii.gz", np.repeat(image[..., None], 3, axis=2).astype(np.int16), affine)
    mask = np.asarray(run(path, Bands()).dataobj)[..., 1] > 0
    assert dice(mask, radius <= 1) > 0.96
    shift = np.argwhere(mask).mean(axis=0) - np.argwhere(radius <= 1).mean(axis=0)
    assert np.abs(shift * spacing).max() < 0.2  # mm; a pixel of the network has 1.5


def test_a_mirrored_scan_gets_the_mirrored_mask_with_swapped_sides(run, tmp_path, shipped):
    """With the shipped weights: the anatomy is mirrored, its place in space is not."""
    phantom = make_lumbar_phantom(np.random.default_rng(7), slices=2)
    masks = []
    for name, array in (("plain", phantom.image), ("mirrored", phantom.image[::-1])):
        mask = run(save_nifti(tmp_path / f"{name}.nii.gz", np.ascontiguousarray(array), phantom.affine), shipped)
        masks.append(np.asarray(mask.dataobj))
    assert np.unique(masks[0]).tolist() == list(range(9))
    swapped = np.array([0, 4, 3, 2, 1, 6, 5, 8, 7])[masks[1][::-1]]
    both = (swapped > 0) & (masks[0] > 0)
    assert dice(swapped > 0, masks[0] > 0) > 0.97  # the resampled grids differ by a part of a pixel
    assert np.mean(swapped[both] == masks[0][both]) > 0.98
    right = np.isin(swapped, (1, 2, 5, 7)), np.isin(masks[0], (1, 2, 5, 7))
    left = np.isin(swapped, (3, 4, 6, 8)), np.isin(masks[0], (3, 4, 6, 8))
    assert not (right[0] & left[1]).any() and not (left[0] & right[1]).any()


def test_a_dicom_series_and_a_single_slice(run, tmp_path):
    image, label = asymmetric()
    folder = tmp_path / "series"
    folder.mkdir()
    for z in range(6):  # columns to the left, rows to the back
        pixels = image[::-1, ::-1, z].T
        write_slice(
            folder / f"{9 - z}.dcm", (0, 0, 5 * z), pixels, z, PixelSpacing=[1.5, 1.5], ImageOrientationPatient=[1, 0, 0, 0, 1, 0]
        )
    mask = np.asarray(run(folder, Bands()).dataobj)
    assert np.array_equal(mask, label[::-1, ::-1])
    mask = np.asarray(run(folder / "8.dcm", Bands()).dataobj)
    assert np.array_equal(mask[..., 0], label[::-1, ::-1, 1])


def test_a_dicom_without_spacing_and_a_colour_picture(tmp_path):
    write_slice(tmp_path / "a.dcm", (0, 0, 0), np.arange(54).reshape(6, 9), PixelSpacing=None)
    write_slice(tmp_path / "b.dcm", (0, 0, 0), np.arange(54).reshape(6, 9), SamplesPerPixel=3, PhotometricInterpretation="RGB")
    for name, message in (("a", "PixelSpacing is missing"), ("b", "a colour image")):
        with Bundle(MUSCLES).parser("inference.json", input=str(tmp_path / f"{name}.dcm"), output_dir=str(tmp_path)) as parser:
            parser["handlers"] = []
            (result,) = parser.get_parsed_content("evaluator").run()
        assert message in result.error and f"{name}.dcm" in result.error


def test_metadata_names_the_classes_of_the_config():
    config = json.loads((MUSCLES / "configs" / "inference.json").read_text())
    assert list(Bundle(MUSCLES).classes.values())[1:] == config["names"]
