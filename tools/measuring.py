"""Volumes and areas of label maps."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path

import nibabel
import numpy as np

from custom_networks.data.axial import slice_axis, slices_last

COLUMNS = ("case", "structure", "measure", "slice", "value", "unit")


def measure_label_map(path: Path, case: str, classes: dict[str, str]) -> list[dict]:
    """Measure every class of a label map: its volume, and its area on each axial slice.

    Args:
        path: label map.
        case: name of the case.
        classes: label value to name; background is passed over.

    Returns:
        rows of `COLUMNS`; ``slice`` counts from 0 along the array axis that runs most along the body.
    """
    image = nibabel.load(path)
    array = slices_last(np.asarray(image.dataobj), image.affine)
    axes = image.affine[:3, :3]
    in_plane = np.delete(axes, slice_axis(image.affine), axis=1).T
    pixel = float(np.linalg.norm(np.cross(*in_plane)))
    voxel = abs(float(np.linalg.det(axes)))
    rows = []
    for value, name in classes.items():
        if int(value) == 0:
            continue
        counts = np.count_nonzero(array == int(value), axis=(0, 1))
        found = [(z, int(count)) for z, count in enumerate(counts) if count]
        mean = np.mean([count for _, count in found]) * pixel if found else 0.0
        row = {"case": case, "structure": name}
        rows.append(row | {"measure": "volume", "slice": "", "value": f"{counts.sum() * voxel:.3f}", "unit": "mm3"})
        rows.append(row | {"measure": "mean area", "slice": "", "value": f"{mean:.3f}", "unit": "mm2"})
        rows += [row | {"measure": "area", "slice": z, "value": f"{count * pixel:.3f}", "unit": "mm2"} for z, count in found]
    return rows


def read_vertebrae(path: Path) -> list[dict]:
    """Return rows of `COLUMNS` from the JSON that `SaveVertebraed` writes: volume, centroid, completeness of every vertebra."""
    content = json.loads(path.read_text())
    rows = []
    for vertebra in content["vertebrae"]:
        row = {"case": content["case"], "structure": vertebra["name"], "slice": ""}
        rows.append(row | {"measure": "volume", "value": f"{vertebra['volume_mm3']:.1f}", "unit": "mm3"})
        rows.append(row | {"measure": "completeness", "value": f"{vertebra['completeness']:.3f}", "unit": ""})
        for axis, value in zip(("right", "front", "up"), vertebra["centroid_mm"] or (), strict=False):
            rows.append(row | {"measure": f"centroid {axis}", "value": f"{value:.2f}", "unit": "mm"})
    return rows


def write_measures(path: Path, rows: Iterable[dict]) -> None:
    """Write rows of `COLUMNS` as CSV, at once or not at all."""
    temporary = path.with_suffix(".partial")
    with temporary.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    temporary.replace(path)
