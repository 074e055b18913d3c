"""Maps of probability and entropy."""

import nibabel
import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from custom_networks import SaveMapsd
from custom_networks.transforms.saving.save_maps import entropy

AFFINE = np.diag([2.0, 2, 3, 1])


def saved(folder, probabilities):
    pred = MetaTensor(probabilities, meta={"filename_or_obj": "a.mha", "original_affine": AFFINE})
    data = SaveMapsd("pred", folder)({"pred": pred})
    assert data["pred"] is pred
    return [nibabel.load(folder / f"a_{kind}.nii.gz") for kind in ("probability", "entropy")]


def test_one_structure_has_its_probability_and_binary_entropy(tmp_path):
    probability, uncertain = saved(tmp_path, torch.tensor([0.0, 0.5, 1.0, 0.11]).reshape(1, 2, 2, 1))
    assert probability.shape == uncertain.shape == (2, 2, 1) and probability.get_data_dtype() == np.float32
    np.testing.assert_array_equal(probability.affine, AFFINE)
    np.testing.assert_allclose(probability.get_fdata().ravel(), [0, 0.5, 1, 0.11], atol=1e-6)
    np.testing.assert_allclose(uncertain.get_fdata().ravel(), [0, 1, 0, 0.49992], atol=1e-4)


def test_several_classes_are_the_last_axis(tmp_path):
    probability, uncertain = saved(tmp_path, torch.full((4, 2, 3, 5), 0.25))
    assert probability.shape == (2, 3, 5, 4) and uncertain.shape == (2, 3, 5)
    np.testing.assert_allclose(uncertain.get_fdata(), 1, atol=1e-6)


def test_rounding_beyond_1_is_certain():
    assert entropy(torch.tensor([[1.0000001], [-1e-7]])).item() == pytest.approx(0, abs=1e-6)
