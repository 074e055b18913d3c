import numpy as np
from conftest import save_nifti
from PIL import Image

from custom_networks import label_counts


def test_pixels_of_all_label_maps_are_counted(tmp_path):
    Image.fromarray(np.array([[0, 1, 1], [2, 2, 2]], np.uint8)).save(tmp_path / "a.png")
    save_nifti(tmp_path / "b.nii.gz", np.array([[[0], [1]]], np.uint8))
    entries = [{"label": str(tmp_path / name)} for name in ("a.png", "b.nii.gz")]
    assert label_counts(entries, 4) == [2, 3, 3, 0]
