"""scikit-learn's handwritten digits as pictures."""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from ..layout.making import making


def prepare_digits(folder: Path, seed: int = 0, overwrite: bool = False) -> Path:
    """Write the 1797 digits as PNG files of 8x8 pixels; a fifth tests, a twentieth of the rest validates.

    Args:
        folder: the data set.
        seed: of the split, which keeps the classes' shares.
        overwrite: whether a data set in the folder may be replaced.

    Returns:
        the data list.
    """
    digits = load_digits()
    names = [f"images/digit_{index:04d}.png" for index in range(len(digits.images))]
    entries = [{"image": name, "label": int(label)} for name, label in zip(names, digits.target, strict=True)]
    rest, test = train_test_split(entries, test_size=0.2, random_state=seed, stratify=digits.target)
    training, validation = train_test_split(rest, test_size=0.05, random_state=seed, stratify=[entry["label"] for entry in rest])
    labels = {str(digit): str(digit) for digit in range(10)}
    with making(folder, overwrite) as made:
        (made.folder / "images").mkdir()
        for name, image in zip(names, digits.images, strict=True):
            Image.fromarray(np.round(image * (255 / 16)).astype(np.uint8)).save(made.folder / name)
        made.write_list("scikit-learn digits", labels, {"training": training, "validation": validation, "test": test})
    return folder / "dataset.json"
