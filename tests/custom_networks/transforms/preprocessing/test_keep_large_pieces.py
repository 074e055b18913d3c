import pytest
import torch

from custom_networks import KeepLargePiecesd


@pytest.fixture
def labels():
    """Class 1 in pieces of 60, 6 and 5 voxels, class 2 of 4 and 1, all in other slices too."""
    label = torch.zeros(1, 20, 20, 3)
    label[0, 2:7, 2:6] = 1
    label[0, 10:13, 2:4, 1] = 1
    label[0, 16:19, 16, 0] = label[0, 18, 15:17, 0] = label[0, 18, 14, 0] = 1
    label[0, 18, 14, 0] = 0
    label[0, 16, 17, 0] = 1
    label[0, 2:4, 12:14, 2] = 2
    label[0, 18, 2, 0] = 2
    return label


def kept(labels: torch.Tensor, share: float) -> list[int]:
    found = KeepLargePiecesd("pred", share)({"pred": labels})["pred"]
    assert set(found[found != labels].tolist()) <= {0.0} and found.dtype == labels.dtype and found.shape == labels.shape
    return [int((found == value).sum()) for value in (1, 2)]


@pytest.mark.parametrize(
    ("share", "sizes"), [(0.0, [71, 5]), (0.05, [71, 5]), (0.09, [66, 5]), (0.1, [66, 5]), (0.3, [60, 4]), (1.0, [60, 4])]
)
def test_pieces_below_the_share_of_the_largest_become_background(labels, share, sizes):
    assert kept(labels, share) == sizes


def test_pictures_and_empty_maps():
    picture = torch.zeros(1, 9, 9)
    assert torch.equal(KeepLargePiecesd("pred", 0.5)({"pred": picture})["pred"], picture)
    picture[0, :4, :4], picture[0, 7, 7] = 3, 3
    assert int((KeepLargePiecesd("pred", 0.5)({"pred": picture})["pred"] == 3).sum()) == 16


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_outside_its_range_is_refused(share):
    with pytest.raises(ValueError, match="share"):
        KeepLargePiecesd("pred", share)
