"""Codes of the label maps that CT is painted from: VerSe's numbers for vertebrae, ours for everything else."""

from custom_networks.vertebrae.names import T13 as T13
from custom_networks.vertebrae.names import VERTEBRAE as VERTEBRAE

THORACIC = range(8, 20)
SACRUM, COCCYX = 26, 27
BONE = 40  # ribs, pelvis, limbs: bone that is no vertebra
DISC, CANAL, MUSCLE, FAT, AIR, LUNG, GAS, VESSEL = range(41, 49)
ORGANS = tuple(range(50, 58))  # soft organs, each of its own brightness
METAL, TABLE = 60, 61
UNKNOWN = 0  # filled by `surround`
