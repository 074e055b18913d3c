"""Pictures of numbered vertebrae in three planes."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from custom_networks.metrics.identification import centroids
from custom_networks.results.palette import label_colour
from custom_networks.results.write_result import write_result
from custom_networks.vertebrae.names import VERTEBRA_NAMES

from .report.view import View

WINDOW = (-250.0, 900.0)  # HU
PLANES = (("sagittal", 0, (1, 2)), ("coronal", 1, (0, 2)), ("axial", 2, (0, 1)))


def draw_vertebrae(shown: View, target: Path, title: str) -> None:
    """Draw a sagittal, a coronal and an axial section, each without and with the vertebrae and their names.

    Sections go through the middle of all vertebrae, the axial one through that nearest to the middle. Patients' right is on the
    left of the coronal and axial pictures, their front on the left of the sagittal one, as radiologists have it.

    Args:
        shown: the CT and its label map with VerSe numbers.
        target: PNG to write.
        title: of the sheet.
    """
    image, mask, spacing = shown.image, shown.mask, shown.spacing
    centres = centroids(mask, (1.0, 1.0, 1.0))  # in voxels
    middle = np.median(list(centres.values()), axis=0) if centres else np.array(image.shape) / 2
    nearest = min(centres.values(), key=lambda c: abs(c[2] - middle[2])) if centres else middle
    place = np.round([middle[0], middle[1], nearest[2]]).astype(int).clip(0, np.array(image.shape) - 1)
    figure = Figure(figsize=(14, 8.5), layout="constrained")
    axes = figure.subplots(2, 3)
    for column, (name, axis, (across, upward)) in enumerate(PLANES):
        picture, labels = (np.moveaxis(array, axis, 0)[place[axis]] for array in (image, mask))
        aspect = spacing[upward] / spacing[across]
        for row in range(2):
            view = axes[row, column]
            view.imshow(picture.T, cmap="gray", origin="lower", vmin=WINDOW[0], vmax=WINDOW[1], aspect=aspect)
            view.set_xlim(picture.shape[0] - 0.5, -0.5)  # patients' right and front to the left
            view.set_axis_off()
        axes[0, column].set_title(f"{name}, voxel {place[axis]}", fontsize=9)
        _colour(axes[1, column], labels, aspect)
        for n, centre in centres.items():
            if (labels == n).any() and (axis != 2 or abs(centre[2] - place[2]) < 1 + 15 / spacing[2]):
                x, y = (np.argwhere(labels == n).mean(0)) if axis != 2 else (centre[0], centre[1])
                axes[1, column].text(
                    x, y, VERTEBRA_NAMES.get(n, n), color="white", fontsize=8, ha="center", va="center",
                    bbox={"facecolor": "black", "alpha": 0.5, "pad": 0.8, "edgecolor": "none"},
                )  # fmt: skip
    figure.suptitle(title if centres else f"{title}: no vertebra found", fontsize=10)
    write_result(target, lambda path: figure.savefig(path, dpi=100, format="png"))


def _colour(view, labels: np.ndarray, aspect: float) -> None:
    """Lay every vertebra over the picture in a colour that differs from its neighbours'."""
    overlay = np.zeros((*labels.shape, 4))
    for n in np.unique(labels[labels > 0]):
        overlay[labels == n] = (*label_colour(n), 0.45)
    view.imshow(overlay.transpose(1, 0, 2), origin="lower", aspect=aspect)
    view.set_xlim(labels.shape[0] - 0.5, -0.5)
