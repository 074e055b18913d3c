"""Data so small that a bundle trains on them in seconds, and the settings for it."""

import json
from pathlib import Path

import nibabel

from tools.datasets.digits import prepare_digits
from tools.phantoms.write import WRITERS, write_spine_phantoms

CORD, SPINE, CHEST, MUSCLES, LESIONS, DIGITS = (
    "spinal_cord_gray_matter_segmentation",
    "vertebrae_ct_instance_segmentation",
    "chest_xray_organs_segmentation",
    "spinal_muscles_mri_segmentation",
    "white_matter_lesions_mri_segmentation",
    "handwritten_digits_classification",
)
SETTINGS = {
    CORD: {"epoch_length": 2, "batch_size": 2, "patch": 48},
    SPINE: {"epoch_length": 2, "batch_size": 1, "patch": 32, "thin_size": 20},
    CHEST: {"epoch_length": 2, "size": 64, "batch_size": 2},
    MUSCLES: {"epoch_length": 2, "patch": 64, "batch_size": 2},
    # In patches of 16 the deepest convolutions see 2 voxels a side, of which oneDNN's bfloat16 gradient is now and then not finite.
    LESIONS: {"epoch_length": 2, "patch": 24, "window": 32, "batch_size": 2},
    DIGITS: {},
}
CROPS = {SPINE: (slice(16, 80), slice(0, 64), slice(10, 74)), LESIONS: (slice(20, 52), slice(20, 52), slice(16, 48))}


def write_small_data(bundle: str, folder: Path) -> dict:
    """Write three small cases of a bundle, a tenth of the digits, and return settings of a training of two epochs on them."""
    if bundle == DIGITS:
        path = prepare_digits(folder)
        content = json.loads(path.read_text())
        path.write_text(json.dumps(content | {part: content[part][::10] for part in ("training", "validation", "test")}))
    elif bundle == SPINE:
        write_spine_phantoms(folder, 3, seed=11, kind="cervical")
    else:
        WRITERS[bundle](folder, 3, 11)
    for file in folder.glob("*.nii.gz") if bundle in CROPS else ():
        nibabel.save(nibabel.load(file).slicer[CROPS[bundle]], file)
    return {"dataset_dir": str(folder), "max_epochs": 2, "val_interval": 1} | SETTINGS[bundle]
