"""Count the pixels of the classes of a data set."""

import numpy as np
from monai.transforms import LoadImage


def label_counts(entries: list[dict], num_classes: int) -> list[int]:
    """Return how many pixels of all label maps have the values 0 to ``num_classes - 1``.

    Args:
        entries: of a data list, as `load_data_list` returns them.
        num_classes: classes, background included.
    """
    load = LoadImage(image_only=True)
    counts = np.zeros(num_classes, np.int64)
    for entry in entries:
        values = np.asarray(load(entry["label"])).astype(np.int64).ravel()
        counts += np.bincount(values, minlength=num_classes)[:num_classes]
    return counts.tolist()
