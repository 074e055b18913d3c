import numpy as np
import pytest
import torch

from custom_networks import RandAffineNoised


class _Fixed:
    """A random source that draws a given matrix."""

    def __init__(self, matrix) -> None:
        self.matrix = np.array(matrix, dtype=float)

    def standard_normal(self, shape):
        assert shape == (2, 3)
        return self.matrix


def _apply(matrix, picture, label):
    transform = RandAffineNoised(["image", "label"], scale=0.1)
    transform.R = _Fixed(matrix)
    return transform({"image": picture, "label": label})


def test_no_noise_is_the_identity():
    picture, label = torch.rand(1, 8, 6), torch.randint(0, 6, (1, 8, 6))
    result = _apply(np.zeros((2, 3)), picture, label)
    torch.testing.assert_close(result["image"], picture)
    assert torch.equal(result["label"], label)


def test_shift_of_a_quarter_of_the_width():
    label = torch.zeros(1, 8, 8, dtype=torch.long)
    label[0, 4, 4] = 5
    result = _apply([[0, 0, 5.0], [0, 0, 0]], label.float(), label)  # 0.5 of a half side to the right is 2 of 8 pixels
    assert result["label"][0, 4, 2] == 5
    assert result["label"].sum() == 5
    torch.testing.assert_close(result["image"], result["label"].float())


def test_labels_stay_labels():
    transform = RandAffineNoised(["image", "label"]).set_random_state(3)
    label = torch.randint(0, 6, (1, 32, 32))
    result = transform({"image": torch.rand(1, 32, 32), "label": label})
    assert result["label"].dtype == torch.long
    assert set(result["label"].unique().tolist()) <= set(range(6))


def test_modes_must_fit_the_keys():
    with pytest.raises(ValueError, match="2 keys need as many modes"):
        RandAffineNoised(["image", "label"], mode=["bilinear"])
