import nibabel
import numpy as np
import pytest

from tools.measuring import measure_label_map

CLASSES = {"0": "background", "1": "gray matter"}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_areas_and_volume_of_known_boxes_in_any_axis_order(tmp_path, order):
    label = np.zeros((8, 9, 4), np.uint8)
    label[1:4, 2:4, 1] = 1  # 6 pixels
    label[1:4, 2:7, 2] = 1  # 15 pixels
    affine = np.eye(4)
    affine[:3, :3] = np.diag([0.5, 0.4, 5.0])[:, list(order)]
    nibabel.save(nibabel.Nifti1Image(label.transpose(order), affine), tmp_path / "a_seg.nii.gz")
    rows = {
        (row["measure"], row["slice"]): float(row["value"]) for row in measure_label_map(tmp_path / "a_seg.nii.gz", "a", CLASSES)
    }
    assert rows == {
        ("volume", ""): pytest.approx(21 * 0.5 * 0.4 * 5),
        ("mean area", ""): pytest.approx(10.5 * 0.2),
        ("area", 1): pytest.approx(6 * 0.2),
        ("area", 2): pytest.approx(15 * 0.2),
    }
