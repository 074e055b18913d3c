import pytest
import torch

from custom_networks import BrainWindowInferer


class Voxelwise(torch.nn.Module):
    """Lesion where the first channel is above 1; counts windows."""

    windows = 0

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        self.windows += len(image)
        logit = 5 * (image[:, :1] - 1)
        return torch.cat([-logit, logit], 1)


def brain() -> torch.Tensor:
    """A brain in a corner of its field of view; nothing is symmetric."""
    image = torch.zeros(1, 2, 80, 70, 60)
    image[:, :, 40:72, 8:40, 20:50] = torch.rand(1, 2, 32, 32, 30) + 0.3
    return image


@pytest.mark.parametrize("flips", [(), (0,), (0, 1, 2)])
@pytest.mark.parametrize("mode", ["constant", "gaussian"])
def test_a_voxelwise_network_answers_voxel_by_voxel(flips, mode):
    image = brain()
    logits = BrainWindowInferer(16, flips=flips, mode=mode, precision="float32")(image, Voxelwise())
    inside = (image != 0).any(1)[0]
    torch.testing.assert_close(logits[0, :, inside], Voxelwise()(image)[0, :, inside], atol=1e-4, rtol=1e-4)
    assert torch.all(logits[0, 0, ~inside] == 10) and torch.all(logits[0, 1, ~inside] == -10)


def test_empty_windows_are_skipped_and_the_answer_is_the_same():
    image, skipping, whole = brain(), Voxelwise(), Voxelwise()
    a = BrainWindowInferer(16, precision="float32")(image, skipping)
    b = BrainWindowInferer(16, precision="float32", skip_empty=False)(image, whole)
    assert skipping.windows < whole.windows / 3
    assert torch.equal(a.argmax(1), b.argmax(1))


def test_a_brain_smaller_than_a_window_and_none_at_all():
    image = torch.zeros(1, 2, 20, 20, 20)
    image[:, :, 8:12, 8:12, 8:12] = 2
    assert BrainWindowInferer(32, precision="float32")(image, Voxelwise()).argmax(1).sum() == 64
    assert BrainWindowInferer(32, precision="float32")(torch.zeros(1, 2, 20, 20, 20), Voxelwise()).argmax(1).sum() == 0


class FiveClasses(torch.nn.Module):
    """Class 3 where the first channel is above 1."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(len(image), 5, *image.shape[2:])
        logits[:, 3] = 5 * (image[:, 0] - 1)
        return logits


@pytest.mark.parametrize("image", [brain(), torch.zeros(1, 2, 40, 40, 40)], ids=["first windows empty", "no brain"])
def test_there_are_as_many_classes_as_the_network_has(image):
    """Also where windows before the first one with brain in it are skipped: two pieces, the first corners of their box empty."""
    if image.any():
        image[:, :, :39] = image[:, :, :, :, :19] = 0
        image[:, :, 0:2, 60:62, 50:52] = image[:, :, 60:62, 0:2, 50:52] = 2
    logits = BrainWindowInferer(16, precision="float32")(image, FiveClasses())
    assert logits.shape[1] == 5
    assert torch.equal(logits.argmax(1) == 3, image[:, 0] > 1)
