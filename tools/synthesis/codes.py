"""Codes of the label maps that CT is painted from: VerSe's numbers for vertebrae, ours for everything else."""

VERTEBRAE = (*range(1, 26), 28)  # C1 to L6, and 28 for a thirteenth thoracic one
SACRUM, COCCYX = 26, 27
BONE = 40  # ribs, pelvis, limbs: bone that is no vertebra
DISC, CANAL, MUSCLE, FAT, AIR, LUNG, GAS, VESSEL = range(41, 49)
ORGANS = tuple(range(50, 58))  # soft organs, each of its own brightness
METAL, TABLE = 60, 61
UNKNOWN = 0  # filled by `surround`
