"""scikit-learn's handwritten digits as pictures."""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from ..layout.data_list import make_empty_folder, write_data_list


def prepare_digits(folder: Path, seed: int = 0, overwrite: bool = False) -> Path:
    """Write the 1797 digits as PNG files of 8x8 pixels; a fifth tests, a twentieth of the rest validates.

    Args:
        folder: the data set.
        seed: of the split, which keeps the classes' shares.
        overwrite: whether a data set in the folder may be replaced.

    Returns:
        the data list.
    """
    make_empty_folder(folder, overwrite)
    digits = load_digits()
    (folder / "images").mkdir(exist_ok=True)
    entries = []
    for index, (image, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        name = f"images/digit_{index:04d}.png"
        Image.fromarray(np.round(image * (255 / 16)).astype(np.uint8)).save(folder / name)
        entries.append({"image": name, "label": int(label)})
    rest, test = train_test_split(entries, test_size=0.2, random_state=seed, stratify=digits.target)
    training, validation = train_test_split(rest, test_size=0.05, random_state=seed, stratify=[entry["label"] for entry in rest])
    labels = {str(digit): str(digit) for digit in range(10)}
    return write_data_list(folder, "scikit-learn digits", labels, {"training": training, "validation": validation, "test": test})
