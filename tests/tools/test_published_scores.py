"""The converted weights meet the Dice values that were measured with the Keras file (shared/data/README.md)."""

import nibabel
import numpy as np
import pytest
import torch
from scipy.ndimage import center_of_mass, zoom

from custom_networks import NoPoolASPP
from tools.scoring.dice import dice
from tools.weights.gmseg import convert_gmseg

SIDE, SPACING, THRESHOLD = 200, 0.25, 0.999


@pytest.mark.slow
@pytest.mark.parametrize(("case", "expected"), [("sct_t2s", 0.846), ("sct_mt1", 0.677), ("sct_mt0", 0.811), ("amu7t_t2s", 0.817)])
def test_dice_on_the_cord_centred_crop(gray_matter_data, case, expected):
    network = NoPoolASPP(pooled_branch="stem").eval()
    network.load_state_dict(convert_gmseg(gray_matter_data / "published_weights" / "challenge_model.hdf5"))
    image, truth, cord = (nibabel.load(gray_matter_data / f"{case}_{kind}.nii.gz") for kind in ("image", "gm", "cord"))
    scale = (*(size / SPACING for size in image.header.get_zooms()[:2]), 1)
    centre = [round(c) for c in center_of_mass(zoom(cord.get_fdata(), scale, order=0))[:2]]

    def crop(array, mode):
        half = SIDE // 2
        padded = np.pad(array, ((half, half), (half, half), (0, 0)), mode=mode)
        return padded[centre[0] : centre[0] + SIDE, centre[1] : centre[1] + SIDE].transpose(2, 0, 1)

    slices = crop(zoom(image.get_fdata().astype(np.float32), scale, order=1), "edge")
    slices = (slices - slices.mean()) / slices.std()
    with torch.inference_mode():
        found = torch.sigmoid(network(torch.from_numpy(slices[:, None].copy())))[:, 0].numpy() >= THRESHOLD
    assert dice(found, crop(zoom(truth.get_fdata(), scale, order=0), "constant") > 0.5) == pytest.approx(expected, abs=0.02)
