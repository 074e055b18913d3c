import numpy as np
import pytest
from conftest import reorient
from monai.data import MetaTensor

from tools.scoring.dice import dice

from .conftest import head


@pytest.mark.parametrize("spacing", [(3.0, 3.0, 4.0), (1.5, 1.5, 5.0)])
def test_the_brain_comes_back_on_the_images_own_grid(extractor, spacing):
    image, brain = head(spacing)
    found = extractor(image)
    assert found.shape == brain.shape and dice(found, brain) > 0.95


def test_flipped_and_permuted_axes(extractor):
    image, brain = head()
    array, affine = reorient(image[0].numpy(), np.asarray(image.affine), (2, 0, 1), (-1, 1, -1))
    expected, _ = reorient(brain.astype(np.uint8), np.asarray(image.affine), (2, 0, 1), (-1, 1, -1))
    assert dice(extractor(MetaTensor(array.copy()[None], affine=affine)), expected > 0) > 0.95
