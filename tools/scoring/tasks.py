"""Scores of one case, by what a bundle segments; the kinds of results name these functions."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from custom_networks.data.label_values import check_label_values
from custom_networks.errors import UserError
from custom_networks.geometry.axial import slices_last, spacing_slices_last
from custom_networks.metrics.finite_mean import finite_mean
from custom_networks.metrics.identification import centroids, identification_rate
from custom_networks.metrics.lesions import lesion_scores
from custom_networks.metrics.overlap import mask_scores
from custom_networks.metrics.scgm import SCGM_METRICS, scgm_metrics
from custom_networks.metrics.vertebra_scores import match_vertebrae
from custom_networks.vertebrae.names import VERTEBRAE

from ..layout.nifti import check_same_grid, load_nifti

ALL = "all"  # the structure of scores over a whole case
NAMES = {
    "dice": "Dice",
    "hd95": "HD95",
    "surface_distance": "mean surface distance",
    "volume_error": "volume error",
    "relative_volume_error": "relative volume error",
}
SCGM_NAMES = {  # of distances
    "mean_surface_distance_mm": "mean surface distance in plane",
    "hausdorff_surface_distance_mm": "Hausdorff distance in plane",
    "skeletonized_hausdorff_distance_mm": "skeletonised Hausdorff distance in plane",
    "skeletonized_median_distance_mm": "skeletonised median distance in plane",
}
LARGEST = 255
REMEDY = "Give label maps as NIfTI."


def score_structures(prediction: Path, truth: Path, classes: Mapping[str, str]) -> Iterator[dict]:
    """Yield Dice, HD95, mean surface distance and volume error of every class but background.

    A class that neither map has says nothing: its scores are NaN, which count in no mean, as in MONAI's `DiceMetric`.
    """
    mask, label, spacing, unit = _read(prediction, truth, classes)
    check_label_values(truth, label, max(map(int, classes)))
    for value, name in classes.items():
        if int(value):
            found, true = mask == int(value), label == int(value)
            scores = mask_scores(found, true, spacing)
            if not (found.any() or true.any()):
                scores = dict.fromkeys(scores, float("nan"))
            yield from _rows(name, scores, unit, len(spacing))


def score_gray_matter(prediction: Path, truth: Path, classes: Mapping[str, str]) -> Iterator[dict]:
    """Yield the scores of a structure and, of the ten measures of the spinal cord gray matter challenge, those that these lack.

    Gray matter is label 1; 2, white matter, and other values of a label are none. Distances "in plane" are `scgm_metrics`'s.
    """
    mask, label, spacing, unit = _read(prediction, truth, classes, also=2)
    name = classes["1"]
    yield from _rows(name, mask_scores(mask == 1, label == 1, spacing), unit, len(spacing))
    images = [load_nifti(path, REMEDY) for path in (prediction, truth)]
    slices = (slices_last(np.asarray(image.dataobj) == 1, images[0].affine) for image in images)
    measures = scgm_metrics(*slices, spacing_slices_last(images[0].affine))
    for key in SCGM_METRICS:
        if key not in NAMES:
            yield _row(name, SCGM_NAMES.get(key, key), measures[key], "mm" if key in SCGM_NAMES else "")


def score_vertebrae(prediction: Path, truth: Path, classes: Mapping[str, str]) -> Iterator[dict]:
    """Yield scores of a scan: means over the truth's vertebrae, a missed one with a Dice of 0, and shares with the right number."""
    mask, label, spacing, _ = _read(prediction, truth, classes)
    mask, label = (np.where(np.isin(labels, VERTEBRAE), labels, 0).astype(np.uint8) for labels in (mask, label))
    matches = match_vertebrae(mask, label, spacing)
    true = [match for match in matches if match.truth]
    numbered = [mask_scores(mask == match.truth, label == match.truth, spacing) for match in true]
    yield _row(ALL, "Dice", finite_mean([scores["dice"] for scores in numbered]))
    yield _row(ALL, "Dice of instances", finite_mean([match.dice for match in true]))
    for key, unit in (("hd95", "mm"), ("surface_distance", "mm"), ("volume_error", "mm3"), ("relative_volume_error", "")):
        yield _row(ALL, NAMES[key], finite_mean([scores[key] for scores in numbered]), unit)
    centres = centroids(label, spacing)
    asked = {match.truth: centres[match.truth] for match in true}
    yield _row(ALL, "identification rate (VerSe, 20 mm)", identification_rate(centroids(mask, spacing), asked))
    yield _row(ALL, "identification rate (IoU 0.5)", finite_mean([float(match.identified) for match in true]))
    yield _row(ALL, "vertebrae", len(true))
    yield _row(ALL, "missed", sum(match.predicted == 0 for match in true))
    yield _row(ALL, "invented", len(matches) - len(true))


def score_lesions(prediction: Path, truth: Path, classes: Mapping[str, str]) -> Iterator[dict]:
    """Yield scores of all lesion voxels together and lesion by lesion; label 2, other pathology, has no say."""
    mask, label, spacing, unit = _read(prediction, truth, classes, also=2)
    said = label != 2
    yield from _rows("lesions", mask_scores((mask == 1) & said, label == 1, spacing), unit, len(spacing))
    scores = lesion_scores(mask == 1, label, float(np.prod(spacing)))
    yield _row("lesions", "lesion F1", scores.f1)
    yield _row("lesions", "lesion sensitivity", scores.true_positive_rate)
    yield _row("lesions", "lesion precision", scores.positive_predictive_value)


def _read(
    prediction: Path, truth: Path, classes: Mapping[str, str], also: int = 0
) -> tuple[np.ndarray, np.ndarray, tuple[float, ...], str]:
    """Return both label maps, the spacing of their axes and its unit; one pixel deep is an image of two axes.

    A map that holds something, but none of the classes nor the label ``also``, is refused: a mask of 0 and 255 would score 0.
    """
    images = [load_nifti(path, REMEDY) for path in (prediction, truth)]
    check_same_grid(truth, images[1].shape, images[1].affine, prediction, images[0].shape, images[0].affine)
    mask, label = (np.asarray(image.dataobj) for image in images)
    check_label_values(prediction, mask, LARGEST)
    check_label_values(truth, label, LARGEST)
    known = {*map(int, classes), also} - {0}
    for path, array in ((prediction, mask), (truth, label)):
        values = np.unique(array[array != 0]).astype(int).tolist()
        if values and known.isdisjoint(values):
            asked = ", ".join(f"{value} {name}" for value, name in [*classes.items()][1:6]) + (", ..." if len(classes) > 6 else "")
            raise UserError(f"{path}: values {_list(values)} and none of the bundle's classes ({asked}).", "Change its values.")
    spacing = np.linalg.norm(images[0].affine[:3, :3], axis=0)[: mask.ndim]
    thick = [axis for axis in range(mask.ndim) if mask.shape[axis] > 1] if mask.ndim == 3 and 1 in mask.shape else range(mask.ndim)
    mask, label = (np.squeeze(array) if len(thick) < array.ndim else array for array in (mask, label))
    unit = "pixels" if len(thick) == 2 and images[0].header.get_xyzt_units()[0] != "mm" else "mm"
    return mask, label, tuple(float(spacing[axis]) for axis in thick), unit


def _list(values: list[int], most: int = 5) -> str:
    return ", ".join(map(str, values[:most])) + (", ..." if len(values) > most else "")


def _rows(structure: str, scores: dict[str, float], unit: str, axes: int) -> Iterator[dict]:
    units = {"hd95": unit, "surface_distance": unit, "volume_error": f"{unit}{axes}" if unit == "mm" else unit}
    for key, value in scores.items():
        yield _row(structure, NAMES[key], value, units.get(key, ""))


def _row(structure: str, metric: str, value: float, unit: str = "") -> dict:
    return {"structure": structure, "metric": metric, "value": float(value), "unit": unit}
