"""Fat fraction of segmented structures where the scans of a Dixon pair, water and fat, are both given."""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import nibabel
import numpy as np

from custom_networks.errors import UserError
from custom_networks.geometry.axial import slice_axis

from .kinds.kind import CaseFiles
from .levels import read_levels
from .measures import COLUMNS
from .pictures import load_image, load_mask

logger = logging.getLogger("axial")
WORD = re.compile(r"(?<![a-z])(water|fat)(?![a-z])", re.IGNORECASE)
SPACING_TOLERANCE = 1e-3  # mm


def dixon_pairs(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs of cases, water and fat, whose names differ in that word alone."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        words = WORD.findall(name)
        if len(words) == 1:
            found.setdefault(WORD.sub("", name).lower(), {})[words[0].lower()] = name
    return [(pair["water"], pair["fat"]) for pair in found.values() if len(pair) == 2]


def fat_fractions(cases: Sequence[CaseFiles]) -> Iterator[dict]:
    """Yield the rows of every pair of a water and a fat image among cases; a pair of different grids is named in the log."""
    by_name = {case.name: case for case in cases}
    for water, fat in dixon_pairs(by_name):
        case = by_name[water]
        try:
            yield from measure_fat(case.source, by_name[fat].source, case.result, water, case.classes)
        except UserError as error:
            logger.warning("%s: no fat fraction: %s", water, error)


def measure_fat(water: str, fat: str, mask: Path, case: str, classes: dict[str, str]) -> list[dict]:
    """Measure the mean of fat / (water + fat) over the pixels of every class, on each axial slice and in all.

    Pixels of the two scans are paired by their place in the array, since scanners write Dixon images in pairs.

    Args:
        water: the water image.
        fat: the fat image.
        mask: label map of the water image.
        case: name of the case.
        classes: label value to name; background is passed over.

    Returns:
        rows of `measures.COLUMNS`, in percent, also of levels that are named beside the water image (`levels.read_levels`); slices
        count as in `measures.measure_label_map`.

    Raises:
        UserError: when the two images differ in shape or spacing.
    """
    (water_image, spacing), (fat_image, fat_spacing) = load_image(water), load_image(fat)
    if water_image.shape != fat_image.shape or not np.allclose(spacing, fat_spacing, atol=SPACING_TOLERANCE):
        raise UserError(f"{fat}: another grid than {water}, so there is no fat fraction.", "Give water and fat of one scan.")
    labels, _ = load_mask(mask)
    affine = nibabel.load(mask).affine
    downwards = nibabel.aff2axcodes(affine)[slice_axis(affine)] == "I"
    total = water_image.astype(np.float64) + fat_image
    fraction = 100 * np.divide(fat_image, total, out=np.full(total.shape, np.nan), where=total > 0)
    numbers = np.arange(labels.shape[2])[:: -1 if downwards else 1]  # of each slice, as measures count them
    levels = read_levels(water)
    chosen = {level.name: (numbers >= level.first) & (numbers <= level.last) for level in levels}
    rows = []
    for value, name in classes.items():
        inside = (labels == int(value)) & np.isfinite(fraction)
        if int(value) == 0 or not inside.any():
            continue
        row = dict.fromkeys(COLUMNS, "") | {"case": case, "structure": name, "measure": "fat fraction", "unit": "%"}
        rows.append(row | {"value": f"{fraction[inside].mean():.2f}"})
        for z in np.flatnonzero(inside.any(axis=(0, 1))).tolist():
            rows.append(row | {"slice": int(numbers[z]), "value": f"{fraction[..., z][inside[..., z]].mean():.2f}"})
        for level in levels:
            within = inside & chosen[level.name]
            if within.any():
                rows.append(row | {"measure": f"fat fraction at {level.name}", "value": f"{fraction[within].mean():.2f}"})
    return rows
