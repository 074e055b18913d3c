"""Batches are a function of seed and epoch, whatever happened before and however many processes load them."""

import numpy as np
import pytest
import torch
from ignite import distributed as idist
from monai.data import CacheDataset, Dataset
from monai.transforms import Compose, MapTransform, RandGaussianNoised, RandomizableTransform

from custom_networks import EpochSampler, TrainingLoader, ValidationLoader


class GlobalNoise(MapTransform, RandomizableTransform):
    """A stranger's transform that draws from NumPy's own generator."""

    def __call__(self, data):
        return data | {"image": data["image"] + float(np.random.rand())}


def dataset(count: int = 6, transforms=(), **entry) -> CacheDataset:
    data = [{"image": torch.full((1, 4), float(n))} | entry for n in range(count)]
    return CacheDataset(data, Compose([RandGaussianNoised("image", prob=0.7), *transforms]), progress=False)


def epoch(loader: TrainingLoader, number: int) -> torch.Tensor:
    loader.sampler.set_epoch(number)
    return torch.cat([batch["image"] for batch in loader])


def ordered(sampler: EpochSampler, number: int) -> list[int]:
    sampler.set_epoch(number)
    return [draw.index for draw in sampler]


def test_an_epoch_is_the_same_whatever_came_before():
    one, other = TrainingLoader(dataset(), 2, seed=3), TrainingLoader(dataset(), 2, seed=3)
    first, second = epoch(one, 1), epoch(one, 2)
    torch.rand(5), np.random.rand(7)
    assert torch.equal(epoch(other, 2), second) and torch.equal(epoch(one, 1), first)
    assert not torch.equal(first, second) and sorted(first.round()[:, 0, 0].tolist()) != first.round()[:, 0, 0].tolist()
    assert not torch.equal(epoch(TrainingLoader(dataset(), 2, seed=4), 1), first)


def test_workers_draw_what_one_process_draws():
    alone, shared = TrainingLoader(dataset(), 2, num_workers=0), TrainingLoader(dataset(), 2, num_workers=2)
    for number in (1, 2):
        assert torch.equal(epoch(alone, number), epoch(shared, number))


def test_workers_seed_the_generators_of_libraries_too():
    first, second = (TrainingLoader(dataset(transforms=[GlobalNoise("image")]), 2, num_workers=2) for _ in range(2))
    kept = epoch(first, 2)
    epoch(second, 1)
    assert torch.equal(epoch(second, 2), kept)


def test_a_sample_drawn_twice_is_augmented_in_two_ways():
    images = epoch(TrainingLoader(dataset(1), 1, epoch_length=8), 1)
    assert len(torch.unique(images[:, 0], dim=0)) > 4


@pytest.mark.parametrize("settings", [{}, {"num_samples": 6, "weights": [1, 1, 1, 5, 1, 1, 1]}])
def test_processes_share_the_draws_of_one(settings):
    """Step by step: two processes with batches of B have what one with batches of 2 B has."""
    entries = list(range(7))
    total = settings.get("num_samples", 4)
    whole = ordered(EpochSampler(entries, **(settings | ({"num_samples": 2 * total} if settings else {}))), 5)
    shares = [ordered(EpochSampler(entries, **settings, num_replicas=2, rank=rank), 5) for rank in range(2)]
    assert len(shares[0]) == len(shares[1]) == total
    assert [index for pair in zip(*shares, strict=True) for index in pair][: len(whole)] == whole
    assert set(whole) == set(entries) or settings


def test_weights_are_how_often_an_entry_comes():
    loader = TrainingLoader(Dataset([{"image": torch.zeros(1), "weight": w} for w in (1.0, 0.0, 3.0)]), 10, epoch_length=200)
    counts = np.bincount(ordered(loader.sampler, 1), minlength=3)
    assert counts[1] == 0 and 2.5 < counts[2] / counts[0] < 3.6


def test_as_many_weights_as_entries():
    with pytest.raises(ValueError, match="3 entries need as many weights, got 2"):
        EpochSampler([0, 1, 2], 4, [1.0, 2.0])


def test_whole_data_sets_come_once_an_epoch_and_drop_last_leaves_the_rest():
    assert sorted(ordered(TrainingLoader(dataset(7), 3).sampler, 1)) == list(range(7))
    assert len(TrainingLoader(dataset(7), 3)) == 3 and len(TrainingLoader(dataset(7), 3, drop_last=True)) == 2


@pytest.mark.parametrize(("count", "size"), [(5, 2), (4, 2), (1, 3), (0, 2), (7, 3)])
def test_validation_cases_are_shared_in_equal_numbers(monkeypatch, count, size):
    monkeypatch.setattr(idist, "get_world_size", lambda: size)
    shares = []
    for rank in range(size):
        monkeypatch.setattr(idist, "get_rank", lambda rank=rank: rank)
        shares.append(list(ValidationLoader(Dataset([{"image": n} for n in range(count)])).sampler))
    assert len({len(share) for share in shares}) == 1
    assert [number for row in zip(*shares, strict=True) for number in row][:count] == list(range(count))
