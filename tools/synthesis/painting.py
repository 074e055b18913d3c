"""Paint a label map as CT: Hounsfield units of random tissues, bone with a cortex."""

import numpy as np
from scipy.ndimage import distance_transform_edt, find_objects, gaussian_filter

from custom_networks.geometry.regions import grown

from .codes import AIR, BONE, CANAL, COCCYX, DISC, FAT, GAS, LUNG, METAL, MUSCLE, ORGANS, SACRUM, TABLE, VERTEBRAE, VESSEL

BONES = (*VERTEBRAE, SACRUM, COCCYX, BONE)
DENSE, PALE = (
    ((450, 1150), (60, 330)),
    ((300, 700), (40, 170)),
)  # HU of cortex and spongiosa


def draw_tissues(random: np.random.Generator, enhanced: bool = False) -> dict[int, float]:
    """Draw the mean of every tissue without bone, in HU.

    One scan in two has contrast medium in its vessels and organs; an ``enhanced`` one always, and more of it.
    """
    contrast = random.random() < 0.5 or enhanced
    means = {
        AIR: -1000.0,
        LUNG: random.uniform(-900, -700),
        GAS: random.uniform(-1000, -700),
        FAT: random.uniform(-125, -70),
        MUSCLE: random.uniform(25, 75),
        DISC: random.uniform(45, 130),
        CANAL: random.uniform(5, 55),
        VESSEL: random.uniform(*((150, 420) if enhanced else (120, 380))) if contrast else random.uniform(30, 60),
        METAL: random.uniform(2200, 3071),
        TABLE: random.uniform(-250, 50),
    }
    for code in ORGANS:
        means[code] = random.uniform(60, 220) if contrast and random.random() < 0.6 else random.uniform(-20, 75)
    return means


def paint_ct(labels: np.ndarray, random: np.random.Generator, spacing: float = 1.0, enhanced: bool = False) -> np.ndarray:
    """Return HU in float32 on the grid of the labels, without blur and noise.

    Bone has a bright cortex of random thickness, a darker and grained inside that ranges from porotic to dense, and, in some
    scans, single instances that are denser than the others.

    Args:
        labels: codes of `codes`, ``(X, Y, Z)``.
        random: source of every mean and texture.
        spacing: of the isotropic grid in mm.
        enhanced: whether vessels are full of contrast medium and bones are pale, so that the one looks like the other.
    """
    table = np.full(256, -1000.0, np.float32)
    for code, mean in draw_tissues(random, enhanced).items():
        table[code] = mean
    ct = table[labels]
    soft = ct > -300
    ct[soft] += gaussian_filter(random.normal(0, 1, labels.shape).astype(np.float32), 2 / spacing)[soft] * random.uniform(20, 120)
    cortex, spongiosa = (random.uniform(*ends) for ends in (PALE if enhanced else DENSE))
    thickness, inset = random.uniform(0.7, 1.7), random.uniform(-0.4, 0.5)
    grain = gaussian_filter(random.normal(0, 1, labels.shape).astype(np.float32), random.uniform(0.7, 1.6) / spacing)
    grain *= random.uniform(20, 110) / max(float(grain.std()), 1e-6)
    odd = random.random() < 0.15
    for code, box in enumerate(find_objects(labels), start=1):
        if box is None or code not in BONES:
            continue
        box = grown(box, 1, labels.shape)
        inside = labels[box] == code
        depth = distance_transform_edt(inside).astype(np.float32) * spacing - 0.5 * spacing + inset
        shell = np.exp(-((np.maximum(depth, 0) / thickness) ** 2))
        core = spongiosa * random.uniform(0.85, 1.15) + (random.uniform(-60, 500) if odd and random.random() < 0.3 else 0)
        values = core + grain[box] + (cortex - core) * shell
        ct[box][inside] = values[inside]
    return ct
