import pytest
import torch

from custom_networks import MirroredPlaneInferer, MultiScaleInferer, PlaneInferer

NAMES = ["right lung", "left lung", "heart"]


class Halving(torch.nn.Module):
    """Answer at half the size, as `FullyConvNet` does; channel c is the image times c."""

    def forward(self, picture):
        self.seen = picture.shape
        return picture[:, :, ::2, ::2] * torch.arange(4.0).view(1, 4, 1, 1)


class Sides(torch.nn.Module):
    """Say right where columns are low, left where they are high; brightness is the heart."""

    def forward(self, picture):
        ramp = torch.linspace(1, -1, picture.shape[2]).view(1, 1, -1, 1).expand_as(picture)
        return torch.cat([0 * picture, 3 * ramp + picture, -2 * ramp, 5 * picture], 1)


def test_a_picture_and_a_volume_keep_their_size():
    picture = torch.ones(2, 1, 12, 10)
    assert PlaneInferer(precision="float32")(picture, Halving()).shape == (2, 4, 12, 10)
    volume = torch.rand(1, 1, 12, 10, 5)
    network = Halving()
    answer = PlaneInferer(precision="float32", window_batch=2)(volume, network)
    assert answer.shape == (1, 4, 12, 10, 5) and network.seen[2:] == (12, 10)
    for z in range(5):
        torch.testing.assert_close(answer[..., z], PlaneInferer(precision="float32")(volume[..., z], Halving()))


@pytest.mark.parametrize("shape", [(1, 1, 1, 9), (1, 1, 9, 1), (1, 1, 1, 1), (1, 1, 1, 9, 3), (1, 1, 9, 1, 3)])
def test_slices_a_pixel_wide_are_answered(shape):
    """A sagittal slice is one such axial slice a row; a network that halves its input failed in torch's words."""
    picture = torch.rand(shape)
    answer = PlaneInferer(precision="float32")(picture, torch.nn.Sequential(torch.nn.AvgPool2d(2), Enlarged()))
    assert answer.shape == shape


class Enlarged(torch.nn.Module):
    """Double the size, as decoders do."""

    def forward(self, picture):
        return torch.nn.functional.interpolate(picture, scale_factor=2)


def test_stages_of_a_training_pass_through():
    stages = (torch.zeros(1, 2, 4, 4), torch.ones(1, 2, 4, 4))
    assert [part.mean() for part in PlaneInferer(precision="float32")(torch.ones(1, 1, 4, 4), lambda _: stages)] == [0, 1]


def test_a_mirrored_picture_gets_the_mirrored_answer_with_swapped_sides():
    picture = torch.rand(1, 1, 9, 6)
    inferer = MirroredPlaneInferer(NAMES, precision="float32")
    answer, mirrored = inferer(picture, Sides()), inferer(torch.flip(picture, [2]), Sides())
    torch.testing.assert_close(torch.flip(mirrored, [2])[:, [0, 2, 1, 3]], answer)
    assert answer[0, 1, 0].mean() > answer[0, 2, 0].mean()  # right is where columns are low
    assert not torch.allclose(answer, Sides()(picture))


def test_without_names_the_picture_is_seen_once():
    picture = torch.rand(1, 1, 9, 6)
    torch.testing.assert_close(MirroredPlaneInferer(None, precision="float32")(picture, Sides()), Sides()(picture))


def test_logits_of_all_sizes_are_summed():
    sizes = []

    def constant(picture):
        sizes.append(tuple(picture.shape[2:]))
        return torch.full((len(picture), 2, *picture.shape[2:]), float(picture.shape[2]))

    answer = MultiScaleInferer((1, 2, 4), precision="float32")(torch.rand(1, 1, 32, 64), constant)
    assert sizes == [(32, 64), (16, 32), (16, 16)]
    assert answer.shape == (1, 2, 32, 64) and torch.all(answer == 32 + 16 + 16)


def test_the_sum_is_where_the_picture_is():
    """A bright corner stays in its corner at every size; nothing is symmetric."""
    picture = torch.zeros(1, 1, 64, 48)
    picture[..., 40:56, 8:16] = 1
    answer = MultiScaleInferer((1, 2, 4), precision="float32")(picture, lambda x: torch.cat([1 - x, x], 1))
    weight = (answer[0, 1] / answer[0, 1].sum()).numpy()
    assert (weight.sum(1) * range(64)).sum() == pytest.approx(47.5, abs=0.2)
    assert (weight.sum(0) * range(48)).sum() == pytest.approx(11.5, abs=0.2)


@pytest.mark.parametrize("channels_last", [True, False])
def test_weights_are_laid_out_as_asked(channels_last):
    network = torch.nn.Conv2d(3, 2, 3, padding=1).eval()
    MultiScaleInferer(precision="float32", channels_last=channels_last)(torch.rand(1, 3, 32, 32), network)
    assert network.weight.is_contiguous(memory_format=torch.channels_last) == channels_last
