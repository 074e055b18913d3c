"""Volumes and areas of label maps."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import nibabel
import numpy as np

from custom_networks.geometry.axial import slice_axis, slices_last
from custom_networks.geometry.voxels import voxel_volume
from custom_networks.results.record import quality_of, read_record
from custom_networks.results.tables import write_rows
from custom_networks.results.write_result import write_result

CHEST = ("heart", "right lung", "left lung")  # the classes of the cardiothoracic ratio
COLUMNS = ("case", "structure", "measure", "slice", "value", "unit")


def measure_label_map(path: Path, case: str, classes: dict[str, str]) -> list[dict]:
    """Measure every class of a label map: its volume, its area on each axial slice, and the areas' mean and standard deviation.

    Args:
        path: label map.
        case: name of the case.
        classes: label value to name; background is passed over.

    Returns:
        rows of `COLUMNS`; ``slice`` counts from 0 along the array axis that runs most along the body. Mean and standard
        deviation (n - 1 in the denominator) are over the slices that show the class.
    """
    image = nibabel.load(path)
    array = slices_last(np.asarray(image.dataobj), image.affine)
    axes = image.affine[:3, :3]
    in_plane = np.delete(axes, slice_axis(image.affine), axis=1).T
    pixel = float(np.linalg.norm(np.cross(*in_plane)))
    voxel = voxel_volume(image.affine)
    rows = []
    for value, name in _structures(classes):
        counts = np.count_nonzero(array == value, axis=(0, 1))
        areas = counts[counts > 0] * pixel
        row = {"case": case, "structure": name, "slice": "", "unit": "mm2"}
        rows.append(row | {"measure": "volume", "value": f"{counts.sum() * voxel:.3f}", "unit": "mm3"})
        rows.append(row | {"measure": "mean area", "value": f"{areas.mean() if len(areas) else 0:.3f}"})
        if len(areas) > 1:
            rows.append(row | {"measure": "standard deviation of area", "value": f"{areas.std(ddof=1):.3f}"})
        rows += [
            row | {"measure": "area", "slice": z, "value": f"{count * pixel:.3f}"}
            for z, count in enumerate(counts.tolist())
            if count
        ]
    return rows


def measure_radiograph(path: Path, case: str, classes: dict[str, str]) -> list[dict]:
    """Measure the area of every class of a frontal chest radiograph, and the cardiothoracic ratio.

    The ratio is the heart's transverse diameter, between its outermost points, over the greatest width of the thorax between the
    lungs' outer borders on one row. Without heart or a lung, or classes of these names, there is none. Areas count pixels where the
    file names no spacing; a spacing is that of the detector, which shows organs larger than they are.

    Args:
        path: label map.
        case: name of the case.
        classes: label value to name; background is passed over.

    Returns:
        rows of `COLUMNS`.
    """
    image = nibabel.load(path)
    array = np.asarray(image.dataobj)
    array = array[..., None] if array.ndim == 2 else array
    spacing = np.linalg.norm(image.affine[:3, :3], axis=0)
    thin = int(np.argmin(array.shape))
    pixel = float(np.prod(np.delete(spacing, thin)))
    unit = "mm2" if image.header.get_xyzt_units()[0] == "mm" else "pixels"
    rows = [
        {
            "case": case,
            "structure": name,
            "measure": "area",
            "slice": "",
            "value": f"{np.count_nonzero(array == value) * pixel:.1f}",
            "unit": unit,
        }
        for value, name in _structures(classes)
    ]
    values = {name: value for value, name in _structures(classes)}
    across = next((axis for axis, code in enumerate(nibabel.aff2axcodes(image.affine)) if code and code in "RL"), None)
    if across is None or not values.keys() >= set(CHEST):  # other organs, or no direction that is across the body
        return rows
    picture = np.moveaxis(array, (across, thin), (0, 2))[..., 0]
    ratio = cardiothoracic_ratio(*(picture == values[name] for name in CHEST))
    if ratio is not None:
        row = {"case": case, "structure": "heart", "measure": "cardiothoracic ratio"}
        rows.append(row | {"slice": "", "value": f"{ratio:.3f}", "unit": ""})
    return rows


def cardiothoracic_ratio(heart: np.ndarray, right: np.ndarray, left: np.ndarray) -> float | None:
    """Return the heart's width over the thorax's, masks ``(columns, rows)``; None where one of the three is empty."""
    if not (heart.any() and right.any() and left.any()):
        return None
    columns = np.flatnonzero(heart.any(axis=1))
    lungs = right | left
    rows = lungs.any(axis=0)
    first = lungs.argmax(axis=0)
    last = len(lungs) - 1 - lungs[::-1].argmax(axis=0)
    thorax = int((last - first + 1)[rows].max())
    return float(columns[-1] - columns[0] + 1) / thorax


def measure_vertebrae(content: Mapping) -> list[dict]:
    """Return rows of `COLUMNS` from what `SaveVertebraed` writes: volume, centroid, completeness of every vertebra."""
    rows = []
    for vertebra in content["vertebrae"]:
        row = {"case": content["case"], "structure": vertebra["name"], "slice": ""}
        rows.append(row | {"measure": "volume", "value": f"{vertebra['volume_mm3']:.1f}", "unit": "mm3"})
        rows.append(row | {"measure": "completeness", "value": f"{vertebra['completeness']:.3f}", "unit": ""})
        rows.append(row | {"measure": "probability of the number", "value": f"{vertebra['label_probability']:.3f}", "unit": ""})
        for axis, value in zip(("right", "front", "up"), vertebra["centroid_mm"] or (), strict=False):
            rows.append(row | {"measure": f"centroid {axis}", "value": f"{value:.2f}", "unit": "mm"})
    return rows


def _structures(classes: dict[str, str]) -> list[tuple[int, str]]:
    return [(int(value), name) for value, name in classes.items() if int(value) != 0]


def measure_lesions(content: Mapping) -> list[dict]:
    """Return rows of `COLUMNS` from what `SaveLesionsd` writes: number and volume in all, by size, and of every lesion."""
    row = {"case": content["case"], "structure": "lesions", "slice": ""}
    rows = [row | {"measure": "count", "value": content["count"], "unit": ""}]
    rows.append(row | {"measure": "volume", "value": f"{content['volume_mm3']:.1f}", "unit": "mm3"})
    for size, found in content["by_size_mm3"].items():
        rows.append(row | {"measure": f"count of {size} mm3", "value": found["count"], "unit": ""})
        rows.append(row | {"measure": f"volume of {size} mm3", "value": f"{found['volume_mm3']:.1f}", "unit": "mm3"})
    for lesion in content["lesions"]:
        row = row | {"structure": f"lesion {lesion['number']}"}
        rows.append(row | {"measure": "volume", "value": f"{lesion['volume_mm3']:.1f}", "unit": "mm3"})
        rows.append(row | {"measure": "mean probability", "value": f"{lesion['mean_probability']:.3f}", "unit": ""})
    return rows


def read_quality(path: Path, case: str) -> list[dict]:
    """Return the row of `COLUMNS` with a result's quality, from 0 to 1, as its record has it; none where it was not judged."""
    quality = quality_of(read_record(path))
    if quality is None or quality.value is None:
        return []
    return [{"case": case, "structure": "", "measure": "quality", "slice": "", "value": f"{quality.value:.3f}", "unit": ""}]


def write_measures(path: Path, rows: Iterable[dict]) -> None:
    """Write rows of `COLUMNS` as CSV, at once or not at all."""

    write_result(path, lambda target: write_rows(target, COLUMNS, rows))
