"""Nuclei under a fluorescence microscope, one picture that the PyPI package stardist carries, cut into tiles."""

from pathlib import Path

import numpy as np
from PIL import Image

from ..layout.data_list import make_empty_folder, write_data_list
from .wheel import wheel_members

REQUIREMENT = "stardist==0.9.2"
IMAGE, MASK = "stardist/data/images/img2d.tif", "stardist/data/images/mask2d.tif"
FILES = {
    IMAGE: "f9ccc1571b92c861ff87e28463068b43f61bd47357ed0503f711e5cd1eb97750",
    MASK: "59ad5e820b7982ca9d13e946fa6e7f64e2714899e00a2ae6c69aa79aad53d46f",
}
LABELS = {"0": "background", "1": "nucleus"}
TILE = 128
SECTIONS = {"training": (0, 1), "validation": (2,), "test": (3,)}  # columns of tiles


def prepare_nuclei(source: str, folder: Path, overwrite: bool = False) -> Path:
    """Cut a picture of 512x512 pixels and its outlined nuclei into 16 tiles: of four columns two train, one validates, one tests.

    The picture is of the 2018 Data Science Bowl (Caicedo et al., Nature Methods 16, 2019; BBBC038, CC0); the package is
    BSD-3-Clause.

    Args:
        source: the package's wheel, a folder where it was unpacked, or ``"-"`` to fetch it.
        folder: the data set to make.
        overwrite: whether a data set in the folder may be replaced.

    Returns:
        the data list.
    """
    make_empty_folder(folder, overwrite)
    files = wheel_members(REQUIREMENT, FILES, source, folder / "source")
    image, mask = (np.asarray(Image.open(files[name])) for name in (IMAGE, MASK))
    for part in ("images", "labels"):
        (folder / part).mkdir(exist_ok=True)
    sections = {}
    for section, columns in SECTIONS.items():
        sections[section] = [
            _write_tile(folder, image, mask, row, column) for column in columns for row in range(image.shape[0] // TILE)
        ]
    return write_data_list(folder, "nuclei of one picture", LABELS, sections)


def _write_tile(folder: Path, image: np.ndarray, mask: np.ndarray, row: int, column: int) -> dict[str, str]:
    name = f"tile_{row}_{column}.png"
    window = (slice(row * TILE, (row + 1) * TILE), slice(column * TILE, (column + 1) * TILE))
    Image.fromarray(image[window].astype(np.uint8)).save(folder / "images" / name)
    Image.fromarray((mask[window] > 0).astype(np.uint8)).save(folder / "labels" / name)
    return {"image": f"images/{name}", "label": f"labels/{name}"}
