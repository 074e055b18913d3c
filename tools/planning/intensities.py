"""What images show, and how their intensities are brought to one scale."""

from collections.abc import Sequence

import numpy as np

from .reasons import Reason
from .survey import Fingerprint

AIR = -900.0  # HU
CLIP = (0.5, 99.5)  # percentiles of the classes' intensities
CROPPED = 0.75  # share of an image below which what surrounds its content counts as removed
MR_NAMES = ("MR", "T1", "T2", "FLAIR", "ADC", "DWI")


def find_modality(found: Fingerprint, asked: str | None, channel_names: Sequence[str], pictures: bool) -> tuple[str | None, Reason]:
    """Return the modality, None where nothing tells it: as asked for, as DICOM or the data set says, CT by its air."""
    known = {name.upper() for name in channel_names}
    if asked is not None:
        modality, why = asked.upper(), "as you said"
    elif len(found.modalities) == 1 and all(case.modality for case in found.cases):
        (modality,), why = found.modalities, "the DICOM files say so"
    elif known == {"CT"}:
        modality, why = "CT", "dataset.json says so"
    elif known and all(name.startswith(MR_NAMES) for name in known):
        modality, why = "MR", "dataset.json says so"
    elif not known and not pictures and all(min(case.lowest) <= AIR for case in found.cases):
        modality, why = "CT", f"every image has values of air, {AIR:g} HU or less; --modality says otherwise"
    else:
        modality, why = None, "nothing in the data tells it; --modality CT, MR, ... does"
    return modality, Reason("modality", modality or "not known", f"{why}.")


def plan_intensities(found: Fingerprint, modality: str | None) -> tuple[tuple[float, float, float, float] | None, bool, Reason]:
    """Return clipping range, mean and standard deviation of CT, None of others; and whether normalisation leaves zeros out.

    nnU-Net clips CT to percentiles of the classes' voxels and takes mean and standard deviation of them; all else is normalised
    image by image, without zeros where cropping to what is not 0 takes a quarter of the image away.
    """
    values = np.concatenate([case.samples for case in found.cases], axis=1).ravel()
    low, high = (float(value) for value in np.percentile(values, CLIP))
    mean, deviation = float(values.mean()), float(values.std())
    if modality == "CT" and high > low:
        decision = f"clipped to {low:.0f} ... {high:.0f}, minus {mean:.1f}, over {deviation:.1f}"
        why = f"CT has one scale: percentiles {CLIP[0]:g} and {CLIP[1]:g}, mean and standard deviation of the classes' voxels."
        return (low, high, mean, deviation), False, Reason("intensities", decision, why)
    nonzero = float(np.median([case.nonzero for case in found.cases])) < CROPPED
    decision = f"minus mean, over standard deviation{' of what is not 0' if nonzero else ''}, each image and channel"
    why = "Each image has a scale of its own."
    if nonzero:
        why += " They are 0 around what they show; with that margin the mean would say how large it is."
    return None, nonzero, Reason("intensities", decision, why)
