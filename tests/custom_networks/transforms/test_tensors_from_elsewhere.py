"""MONAI Deploy reads DICOM itself and writes the result itself: loaders take tensors, savers leave them alone."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

import custom_networks
from custom_networks import LoadModalitiesd, LoadRadiographd, LoadVolumed, UserError

AFFINE = torch.diag(torch.tensor([-2.0, -2, 3, 1], dtype=torch.float64))


def image(dtype=torch.int16, **meta) -> MetaTensor:
    return MetaTensor(torch.arange(60).to(dtype).reshape(3, 4, 5), affine=AFFINE, meta=meta)


@pytest.mark.parametrize("loader", [LoadVolumed, LoadRadiographd])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.uint16, torch.float64])
def test_a_tensor_is_taken_as_it_is_in_float32(loader, dtype):
    loaded = loader("image")({"image": image(dtype, Modality="DX"), "other": 1})
    assert loaded["other"] == 1 and loaded["image"].dtype == torch.float32
    assert torch.equal(loaded["image"].as_tensor(), torch.arange(60.0).reshape(3, 4, 5))
    assert torch.equal(loaded["image"].affine, AFFINE) and loaded["image"].meta["Modality"] == "DX"


def test_a_tensor_without_meta_data_gets_an_identity():
    loaded = LoadVolumed("image", modality="CT")({"image": torch.ones(3, 4, 5)})["image"]
    assert isinstance(loaded, MetaTensor) and torch.equal(loaded.affine, torch.eye(4, dtype=torch.float64))


@pytest.mark.parametrize("key", ["modality", "Modality"])
def test_a_tensor_of_another_modality_is_refused(key):
    with pytest.raises(UserError, match="image: its modality is MR, this bundle is for CT"):
        LoadVolumed("image", modality="CT")({"image": image(**{key: "MR"})})
    LoadVolumed("image", modality="CT", any_modality=True)({"image": image(**{key: "MR"})})


def test_flair_alone_and_channels_of_a_tensor():
    load = LoadModalitiesd("image", ["FLAIR", "T1"], modality="MR", optional=["T1"])
    alone = load({"image": image(Modality="MR")})["image"]
    assert alone.shape == (2, 3, 4, 5) and torch.equal(alone[0], torch.arange(60.0).reshape(3, 4, 5)) and not alone[1].any()
    both = load({"image": MetaTensor(torch.stack([image().as_tensor(), -image().as_tensor()], -1), affine=AFFINE)})["image"]
    assert torch.equal(both[0], -both[1]) and torch.equal(both.affine, AFFINE)
    with pytest.raises(UserError, match="image: shape 3x4x5x3"):
        load({"image": torch.ones(3, 4, 5, 3)})


@pytest.mark.parametrize("saver", ["SaveLabelMapd", "SaveVertebraed", "SaveLesionsd", "SavePredictiond"])
def test_nothing_is_written_of_what_came_from_no_file(saver, tmp_path):
    meta = {"spatial_shape": np.array([3, 4, 5]), "original_affine": np.eye(4), "lesions": "[]"}
    mask = MetaTensor(torch.ones(1, 3, 4, 5), meta=meta)
    options = {"names": ["a"]} if saver == "SavePredictiond" else {}
    saved = getattr(custom_networks, saver)("pred", tmp_path / "out", **options)({"pred": mask, "image": mask})
    assert saved["pred"] is mask and not (tmp_path / "out").exists()
