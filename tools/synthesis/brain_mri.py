"""Skull-stripped FLAIR and T1 of any contrast from label maps of FreeSurfer."""

import numpy as np
from scipy import ndimage

from custom_networks.data.head_labels import TISSUES, brain_of

# Ranges of the means over that of white matter, and the reference for all of them: what SynthSeg draws freely is kept to what
# FLAIR and T1 look like (Billot et al., Medical Image Analysis 86:102789, 2023).
MEANS = {
    "FLAIR": ((1.0, 1.0), (1.02, 1.4), (0.95, 1.25), (0.85, 1.15), (0.1, 0.5), (0.3, 1.2)),
    "T1": ((1.0, 1.0), (0.6, 0.9), (0.7, 0.95), (0.85, 1.0), (0.15, 0.45), (0.3, 1.5)),
}


def tissue_map(labels: np.ndarray) -> np.ndarray:
    """Return numbers of `TISSUES`, from 1, of a label map; the fluid around the brain is cut off, 0 is what lies outside."""
    lookup = np.zeros(int(labels.max()) + 1, np.uint8)
    for number, codes in enumerate(TISSUES.values(), 1):
        for code in codes:
            if code < len(lookup):
                lookup[code] = number
    tissues = lookup[labels]
    return np.where(brain_of(labels), tissues, 0).astype(np.uint8)


def render_brain(tissues: np.ndarray, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw FLAIR and T1 of a brain without lesions.

    Args:
        tissues: numbers of `tissue_map`, ``(X, Y, Z)``, about 1 mm.
        random: source of contrast, texture and noise.

    Returns:
        images of the tissues' shape, 0 outside the brain, white matter near 500.
    """
    images = {}
    for name, ranges in MEANS.items():
        means = np.array([0.3, *(random.uniform(*limits) for limits in ranges)])
        image = means.astype(np.float32)[tissues]
        for scale, size in ((2.0, 0.03), (8.0, 0.03)):
            field = ndimage.gaussian_filter(random.standard_normal(tissues.shape).astype(np.float32), scale)
            image *= 1 + size * field / field.std()
        image = ndimage.gaussian_filter(image, random.uniform(0.45, 0.9))
        image += random.normal(0, random.uniform(0.01, 0.05), image.shape).astype(np.float32)
        images[name] = np.where(tissues > 0, np.clip(500 * image, 1, None), 0).astype(np.int16)
    return images
