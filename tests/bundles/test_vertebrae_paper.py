"""The paper's configuration: its network to the parameter, the rate's steps of the published port."""

import pytest
from conftest import VERTEBRAE

from tools.bundles import Bundle


@pytest.fixture
def parser():
    with Bundle(VERTEBRAE).parser("train.json", "train_paper.json") as parser:
        yield parser


def test_network_has_the_papers_parameters(parser):
    network = parser.get_parsed_content("network_def")
    assert sum(parameter.numel() for parameter in network.parameters()) == 669_986
    assert (parser["spacing"], parser["patch"], parser["batch_size"]) == (1.0, 128, 1)


def test_rate_falls_after_10000_and_20000_of_25000_steps(parser):
    scheduler = parser.get_parsed_content("lr_scheduler")
    rates = {}
    for epoch in range(parser["max_epochs"]):
        rates[epoch * parser["epoch_length"]] = scheduler.get_last_lr()[0]
        scheduler.optimizer.step()
        scheduler.step()
    assert max(rates) + parser["epoch_length"] == 25_000
    expected = {0: 1e-3, 9_750: 1e-3, 10_000: 1e-4, 19_750: 1e-4, 20_000: 1e-5, 24_750: 1e-5}
    assert {step: rates[step] for step in expected} == pytest.approx(expected)


def test_augmentation_is_the_papers_alone(parser):
    assert parser["train#batch_augmentation"] is None
    names = [transform["_target_"] for transform in parser["train#augmentation#transforms"]]
    assert names == ["Rand3DElasticd", "RandGaussianSmoothd", "RandGaussianNoised"]
