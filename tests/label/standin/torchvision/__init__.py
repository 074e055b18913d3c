"""Stands in for torchvision in tests of MONAI Label, which imports two of its functions and never calls them here."""

from . import utils as utils
