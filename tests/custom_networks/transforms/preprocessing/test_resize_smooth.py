import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import AsDiscreted, Resized

from custom_networks import ArgMaxd, ResizeSmoothd


@pytest.mark.parametrize("shape", [(96, 96, 1), (90, 70, 1), (40, 100, 1), (32, 32, 1), (20, 24, 1), (33, 31, 1)])
def test_it_resizes_as_monai(shape):
    image = MetaTensor(torch.rand(1, *shape), affine=torch.diag(torch.tensor([2.0, 3, 1, 1])).double())
    ours, theirs = ResizeSmoothd("x", (32, 32, -1)), Resized("x", (32, 32, -1), mode="trilinear", anti_aliasing=True)
    found, expected = ours({"x": image}), theirs({"x": image})
    torch.testing.assert_close(found["x"].as_tensor(), expected["x"].as_tensor(), rtol=0, atol=1e-6)
    assert torch.equal(found["x"].affine, expected["x"].affine)
    back, wanted = ours.inverse(found)["x"], theirs.inverse(expected)["x"]
    torch.testing.assert_close(back.as_tensor(), wanted.as_tensor(), rtol=0, atol=1e-6)
    assert back.shape == image.shape and not back.applied_operations


def test_planes_and_whole_numbers():
    picture = torch.arange(60).reshape(1, 10, 6).to(torch.uint8)
    expected = Resized("x", (5, 3), mode="bilinear", anti_aliasing=True)({"x": picture})["x"]
    found = ResizeSmoothd("x", (5, 3))({"x": picture, "other": 1})
    torch.testing.assert_close(found["x"].as_tensor(), expected.as_tensor(), rtol=0, atol=1e-4)
    assert found["other"] == 1 and picture.dtype == torch.uint8 and picture[0, 9, 5] == 59


def test_the_likeliest_class_and_the_first_of_equal_ones():
    logits = MetaTensor(torch.tensor([[0.0, 1, 2], [0, 3, 2], [-1, 3, 1]])[..., None], affine=torch.eye(4))
    found = ArgMaxd("x")({"x": logits})["x"]
    assert torch.equal(found, AsDiscreted("x", argmax=True)({"x": logits})["x"]) and found.dtype == torch.float32
    assert found.flatten().tolist() == [0, 1, 0] and found.shape == (1, 3, 1) and isinstance(found, MetaTensor)
