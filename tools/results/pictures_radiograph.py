"""A radiograph with the outlines of its organs."""

from pathlib import Path

import nibabel
import numpy as np
from matplotlib.figure import Figure

from custom_networks.results.palette import label_colour
from custom_networks.results.write_result import write_result
from custom_networks.transforms.loading.load_radiograph import LoadRadiographd
from custom_networks.transforms.preprocessing.orient_radiograph import upright_codes


def draw_radiograph(image_path: str, mask_path: Path, target: Path, title: str) -> None:
    """Draw a radiograph upright, patient's right on the left, beside itself with outlines.

    Args:
        image_path: the radiograph; any kind that the bundle reads.
        mask_path: its label map.
        target: PNG to write.
        title: of the picture.
    """
    pictures = load_radiograph(image_path, mask_path)[:2]
    rows, columns = pictures[0].shape[:2]
    figure = Figure(figsize=(10, 0.4 + 5 * rows / columns), layout="constrained")
    low, high = np.percentile(pictures[0], (0.5, 99.5))
    for axis in figure.subplots(1, 2):
        shown = pictures[0] if pictures[0].ndim == 2 else pictures[0] / 255  # colours have 8 bits
        axis.imshow(shown, cmap="gray", vmin=low, vmax=max(high, low + 1e-6))
        axis.set_axis_off()
    for value in np.unique(pictures[1][pictures[1] > 0]):
        axis.contour(pictures[1] == value, levels=[0.5], colors=[label_colour(value)], linewidths=[1.3])
    figure.suptitle(title if pictures[1].any() else f"{title}: nothing found", fontsize=10)
    write_result(target, lambda path: figure.savefig(path, dpi=110, format="png"))


def load_radiograph(image_path: str, mask_path: Path) -> tuple[np.ndarray, np.ndarray, tuple[float, float]]:
    """Return a radiograph and its label map ``(rows, columns)`` as readers hang them, and the spacing of both axes in mm.

    A picture in colour is ``(rows, columns, 3)``.
    """
    mask = np.asarray(nibabel.load(mask_path).dataobj)
    image = LoadRadiographd("image", quiet=True, channels=None)({"image": image_path})["image"]
    affine, coloured = np.asarray(image.affine), image.meta["original_channel_dim"] == -1
    planes = ((np.asarray(image), image.ndim - coloured == 2), (mask, mask.ndim == 2))
    arrays = [np.expand_dims(array, 2) if flat else array for array, flat in planes]
    wanted = nibabel.orientations.axcodes2ornt(upright_codes(affine, arrays[0].shape))
    change = nibabel.orientations.ornt_transform(nibabel.io_orientation(affine), wanted)
    picture, labels = (np.swapaxes(nibabel.orientations.apply_orientation(array, change)[:, :, 0], 0, 1) for array in arrays)
    sizes = dict(zip(change[:, 0].astype(int).tolist(), nibabel.affines.voxel_sizes(affine).tolist(), strict=True))
    return picture, labels, (sizes[1], sizes[0])
