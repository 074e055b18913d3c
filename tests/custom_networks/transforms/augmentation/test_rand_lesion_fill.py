import numpy as np
import torch

from custom_networks import RandLesionFilld, RandTissueShiftd


def patch() -> dict[str, torch.Tensor]:
    """White matter (FLAIR 0, T1 1) and gray matter (0, -1) side by side, a lesion (2, -0.5) in the white, nothing below."""
    image, label = torch.zeros(2, 16, 16, 16), torch.zeros(1, 16, 16, 16)
    image[1, :12], image[1, 12:] = 1.0, -1.0
    label[0, 4:7, 4:7, 4:7] = 1
    image[0, 4:7, 4:7, 4:7], image[1, 4:7, 4:7, 4:7] = 2.0, -0.5
    image[:, :, :, :2] = 0
    return {"image": image, "label": label}


def test_a_filled_lesion_is_white_matter():
    data = RandLesionFilld("image", "label", prob=1.0)(patch())
    assert not data["label"].any()
    inside = data["image"][:, 4:7, 4:7, 4:7].mean((1, 2, 3))
    assert abs(inside[0]) < 0.5 and inside[1] > 0.7
    far = patch()["image"][:, 12:]
    assert torch.equal(data["image"][:, 12:], far) and not data["image"][:, :, :, :2].any()


def test_nothing_to_fill():
    data = patch()
    assert RandLesionFilld("image", "label", prob=0.0)(data)["image"] is data["image"]
    data["label"][:] = 0
    assert torch.equal(RandLesionFilld("image", "label", prob=1.0)(data)["image"], data["image"])


def test_a_shifted_tissue_changes_and_lesions_stay():
    transform = RandTissueShiftd("image", "label", prob=1.0, most=1, height=(1.0, 1.0), centre=(-1.0, -1.0), width=(0.3, 0.3))
    before, data = patch()["image"], transform(patch())
    assert np.allclose(data["image"][0, 12:, :, 2:], 1.0)  # gray matter
    assert np.allclose(data["image"][0, 9:12], before[0, 9:12], atol=1e-3)  # white matter
    assert abs(float(data["image"][0, 5, 5, 5]) - 2.0) < 0.02 and torch.equal(data["image"][1], before[1])
    assert not data["image"][:, :, :, :2].any() and torch.equal(data["label"], patch()["label"])
