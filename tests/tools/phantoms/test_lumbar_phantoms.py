import numpy as np
import pytest

from tools.phantoms.lumbar import EIGHT, MUSCLES, REGIONS, make_lumbar_phantom


def centre(phantom, value: int) -> np.ndarray:
    """Return x and y in mm of a label on the first slice."""
    return np.argwhere(phantom.label[..., 0] == value).mean(axis=0) @ np.diag(np.diag(phantom.affine)[:2]) + phantom.affine[:2, 3]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("kind", "names"), [("muscles", MUSCLES), ("eight", EIGHT), ("regions", REGIONS)])
def test_every_region_is_there_on_its_side(seed, kind, names):
    phantom = make_lumbar_phantom(np.random.default_rng(seed), kind)
    assert phantom.image.shape == phantom.label.shape
    assert set(np.unique(phantom.label)) == {0, *map(int, names)}
    for value, name in names.items():
        if name.startswith("right"):
            other = next(v for v, n in names.items() if n == name.replace("right", "left"))
            assert centre(phantom, int(value))[0] > centre(phantom, int(other))[0] + 10  # x runs to the right


def test_the_multifidus_is_medial_and_the_psoas_in_front():
    muscles = make_lumbar_phantom(np.random.default_rng(1), "muscles")
    assert abs(np.subtract(*(centre(muscles, v)[0] for v in (2, 3)))) < abs(np.subtract(*(centre(muscles, v)[0] for v in (1, 4))))
    regions = make_lumbar_phantom(np.random.default_rng(1), "regions")
    assert centre(regions, 2)[1] > centre(regions, 4)[1] + 20


def test_equal_seeds_give_equal_phantoms_and_others_do_not():
    first, same, other = (make_lumbar_phantom(np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert np.array_equal(first.image, same.image) and np.array_equal(first.label, same.label)
    assert first.image.shape != other.image.shape or not np.array_equal(first.image, other.image)


def test_phantoms_that_numbers_were_measured_on_stay_the_same():
    phantom = make_lumbar_phantom(np.random.default_rng([900, 0]), "muscles")
    assert phantom.label.shape == (365, 365, 2)
    assert np.bincount(phantom.label.ravel()) == pytest.approx([251569, 5132, 2323, 2334, 5092], rel=0.01)


def test_eight_muscles_are_those_of_the_back_and_more():
    eight, four = (make_lumbar_phantom(np.random.default_rng(3), kind) for kind in ("eight", "muscles"))
    assert np.array_equal(eight.image, four.image)
    assert np.array_equal(np.where(eight.label > 4, 0, eight.label), four.label)
