"""What all random transforms of ours have in common."""

import inspect

import pytest
from monai.transforms import RandomizableTransform

import custom_networks

TRANSFORMS = [name for name in custom_networks.__all__ if name.startswith("Rand") and name.endswith("d")]


@pytest.mark.parametrize("name", TRANSFORMS)
def test_random_transforms_draw_in_randomize_alone(name):
    """So a training seeds each sample, and a test gives parameters to the function that applies them."""
    transform = getattr(custom_networks, name)
    assert issubclass(transform, RandomizableTransform)
    assert "self.R" not in inspect.getsource(transform.__call__)
