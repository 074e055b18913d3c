"""Stands in for torchvision in tests of MONAI Label, which imports two of its functions and never calls them here."""

from ..x import utils as utils
