"""Pictures of masks on their images."""

from pathlib import Path

import matplotlib
import nibabel
import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import EnsureChannelFirst, Orientation

from custom_networks.results.palette import label_colour
from custom_networks.results.write_result import write_result
from custom_networks.transforms.loading.load_volume import LoadVolumed

from .report.view import View

matplotlib.use("Agg")
from matplotlib.figure import Figure

FRAME = label_colour(1)
MARGIN = 12.0  # mm around the mask
MOST = 6  # slices on a sheet
WIDTH = 2.4  # inches of each


def load_view(image_path: str, mask_path: Path) -> View:
    """Return an image of any kind that MONAI reads, and its label map; their shapes may differ."""
    image, affine = load_image_in_space(image_path)
    return View(image, load_mask(mask_path)[0], affine)


def draw_overlay(view: View, target: Path, title: str, by_load: bool = False) -> None:
    """Draw slices three times: the whole field of view, enlarged without and with the outline.

    Slices are spread evenly over those with a mask, or are those with most of it. Each enlargement has its own window (2nd to
    98th percentile), so that weak contrast shows too; the outline is thin, with a dark rim that sets it off from bright tissue.
    The patient's right is on the left.

    Args:
        view: the image and its label map.
        target: PNG to write.
        title: of the sheet.
        by_load: whether the slices with the largest masks are shown, in their order along the body.
    """
    spacing = view.spacing
    image, mask = view.image[::-1], view.mask[::-1]  # the patient's right on the left, as radiologists have it
    marked = [z for z in range(mask.shape[2]) if mask[..., z].any()]
    chosen = marked or list(range(mask.shape[2]))
    if by_load:
        chosen = sorted(sorted(chosen, key=lambda z: -np.count_nonzero(mask[..., z]))[:MOST])
    chosen = [chosen[i] for i in np.unique(np.linspace(0, len(chosen) - 1, min(MOST, len(chosen))).round().astype(int))]
    box = _box(mask, spacing)
    sides = ((0, image.shape[0], 0, image.shape[1]), box, box)
    heights = [WIDTH * (y1 - y0) * spacing[1] / ((x1 - x0) * spacing[0]) for x0, x1, y0, y1 in sides]
    figure = Figure(figsize=(WIDTH * len(chosen) + 0.4, sum(heights) + 0.8), layout="constrained")
    axes = figure.subplots(3, len(chosen), squeeze=False, height_ratios=heights)
    for column, z in zip(axes.T, chosen, strict=True):
        _show(column[0], image[..., z], spacing)
        x0, x1, y0, y1 = box
        column[0].add_patch(matplotlib.patches.Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=FRAME, linewidth=1))
        column[0].text(0.02, 0.5, "R", transform=column[0].transAxes, color="white", fontsize=8, va="center")
        column[0].set_title(f"slice {z}", fontsize=8)
        for axis in column[1:]:
            _show(axis, image[x0:x1, y0:y1, z], spacing)
        _outline(column[2], mask[x0:x1, y0:y1, z])
    figure.suptitle(title if marked else f"{title}: nothing found", fontsize=10)
    write_result(target, lambda path: figure.savefig(path, dpi=110, format="png"))


def load_image(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Return an image of any kind ``(X, Y, Z)`` with x to the right, y to the front and z up, and the spacing in mm."""
    image, affine = load_image_in_space(path)
    return image, np.linalg.norm(affine[:3, :3], axis=0)


def load_mask(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return a label map as `load_image` does an image, its values as they are."""
    loaded = nibabel.load(path)
    labels = np.asarray(loaded.dataobj)
    if labels.dtype != np.uint8:  # of most label maps, and four times as small
        labels = labels.astype(np.int32)
    mask, affine = _to_ras(MetaTensor(torch.from_numpy(labels), affine=torch.from_numpy(loaded.affine)))
    return mask, np.linalg.norm(affine[:3, :3], axis=0)


def load_image_in_space(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Return an image as `load_image` does, and the affine ``(4, 4)`` from its voxels to mm."""
    return _to_ras(LoadVolumed("image", quiet=True)({"image": path})["image"])


def _to_ras(image: MetaTensor) -> tuple[np.ndarray, np.ndarray]:
    image = image[..., 0] if image.ndim == 4 else image if image.ndim == 3 else image.unsqueeze(-1)
    image = Orientation("RAS", labels=None)(EnsureChannelFirst(channel_dim="no_channel")(image))
    return image[0].numpy(), np.asarray(image.affine, dtype=float)


def _box(mask: np.ndarray, spacing: np.ndarray) -> tuple[int, int, int, int]:
    """Return the pixels x0, x1, y0, y1 around the mask, the whole slice where it is empty."""
    bounds = []
    for axis in (0, 1):
        found = np.flatnonzero(mask.any(axis=tuple(i for i in range(3) if i != axis)))
        if len(found):
            margin = round(MARGIN / spacing[axis])
            bounds += [max(0, found[0] - margin), min(mask.shape[axis], found[-1] + margin + 1)]
        else:
            bounds += [0, mask.shape[axis]]
    return tuple(int(bound) for bound in bounds)


def _show(axis, pixels: np.ndarray, spacing: np.ndarray) -> None:
    low, high = np.percentile(pixels, (2, 98))
    axis.imshow(pixels.T, cmap="gray", origin="lower", vmin=low, vmax=max(high, low + 1e-6), aspect=spacing[1] / spacing[0])
    axis.set_axis_off()


def _outline(axis, mask: np.ndarray) -> None:
    for value in np.unique(mask[mask > 0]):
        for colour, width in (("black", 2.0), (label_colour(value), 0.9)):
            axis.contour((mask == value).T.astype(float), levels=[0.5], colors=[colour], linewidths=[width])
