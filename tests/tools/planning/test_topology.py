"""Poolings, kernels and parameters against nnU-Net's published plans and MONAI's own network."""

import numpy as np
import pytest
from monai.networks.nets import DynUNet

from custom_networks.errors import UserError
from tools.planning.patches import PatchPlanner, count_parameters
from tools.planning.topology import plan_filters, plan_topology, training_bytes

# Patches, spacings and poolings that nnU-Net's paper reports for the Medical Segmentation Decathlon, its first axis last.
PUBLISHED = [
    ("brain tumour", (128, 128, 128), (1.0, 1.0, 1.0), [5, 5, 5]),
    ("heart", (192, 160, 80), (1.25, 1.25, 1.37), [5, 5, 4]),
    ("hippocampus", (56, 40, 40), (1.0, 1.0, 1.0), [3, 3, 3]),
    ("prostate", (320, 256, 20), (0.62, 0.62, 3.6), [6, 6, 2]),
]


@pytest.mark.parametrize(("name", "patch", "spacing", "poolings"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_poolings_are_the_published_ones(name, patch, spacing, poolings):
    assert plan_topology(patch, spacing).poolings == [min(5, count) for count in poolings]  # ours end at 5


def test_a_coarse_axis_waits_with_flat_kernels_until_the_others_are_as_coarse():
    topology = plan_topology((320, 256, 20), (0.62, 0.62, 3.6))
    assert topology.kernels[:3] == [[3, 3, 1], [3, 3, 1], [3, 3, 3]]
    assert topology.strides[:4] == [[1, 1, 1], [2, 2, 1], [2, 2, 1], [2, 2, 2]]


@pytest.mark.parametrize("patch", [(9, 9, 9), (8, 8), (3, 3, 3), (64, 48), (96, 80, 20)])
def test_parameters_are_those_of_monais_network_whatever_the_size(patch):
    topology = plan_topology(patch, [1.0, 1.0, 3.0][: len(patch)])
    filters = plan_filters(topology, 4, 12)
    norm = ("INSTANCE", {"affine": True})
    network = DynUNet(len(patch), 2, 4, topology.kernels, topology.strides, topology.strides[1:], filters, norm_name=norm)
    assert count_parameters(topology, filters, 4, 2) == sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("memory", [0.25, 1.0, 8.0])
def test_patches_keep_the_images_sides_and_fit_the_memory(memory):
    median, spacing = np.array([512, 512, 200]), np.array([0.8, 0.8, 2.0])
    patch, topology, filters = PatchPlanner(memory, 2, 1).patch(median, spacing)
    assert training_bytes(patch, topology, filters, 2) <= memory * 2**30
    assert not np.any(patch % topology.divisor)
    assert np.all(patch >= 4) and np.ptp(patch / median) < 0.35
    assert count_parameters(topology, filters, 3, 1) <= 4_000_000


def test_too_little_memory_is_said():
    with pytest.raises(UserError, match="too little for any patch"):
        PatchPlanner(1e-6, 1, 1).patch(np.array([64, 64, 64]), np.ones(3))
