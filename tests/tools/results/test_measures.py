import nibabel
import numpy as np
import pytest
from conftest import save_nifti

from custom_networks import UserError
from tools.results.fat import dixon_pairs, measure_fat
from tools.results.measures import cardiothoracic_ratio, measure_label_map, measure_radiograph

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
        ("standard deviation of area", ""): pytest.approx(9 / 2**0.5 * 0.2, abs=1e-3),
        ("area", 1): pytest.approx(6 * 0.2),
        ("area", 2): pytest.approx(15 * 0.2),
    }


CHEST = {"0": "background", "1": "right lung", "2": "left lung", "3": "heart"}


def _chest() -> np.ndarray:
    """Columns to the left, rows down: thorax 20 wide, heart 8 wide."""
    label = np.zeros((30, 40), np.uint8)
    label[4:12, 5:30], label[16:24, 8:30], label[11:19, 20:28] = 1, 2, 3
    return label


def test_cardiothoracic_ratio_of_known_boxes():
    label = _chest()
    assert cardiothoracic_ratio(label == 3, label == 1, label == 2) == pytest.approx(8 / 20)
    assert cardiothoracic_ratio(label == 9, label == 1, label == 2) is None


@pytest.mark.parametrize(("unit", "name", "area"), [("mm", "mm2", 8 * 8 * 0.04), ("unknown", "pixels", 64.0)])
def test_measures_of_a_radiograph(tmp_path, unit, name, area):
    scale = 0.2 if unit == "mm" else 1.0
    image = nibabel.Nifti1Image(_chest(), np.diag([-scale, -scale, 1, 1]))
    image.header.set_xyzt_units(unit)
    nibabel.save(image, tmp_path / "a_seg.nii.gz")
    rows = {(row["structure"], row["measure"]): row for row in measure_radiograph(tmp_path / "a_seg.nii.gz", "a", CHEST)}
    assert float(rows["heart", "area"]["value"]) == pytest.approx(area, abs=0.05)
    assert rows["heart", "area"]["unit"] == name
    assert rows["heart", "cardiothoracic ratio"]["value"] == "0.400"


def test_the_ratio_is_across_the_body_whatever_the_order_of_the_axes(tmp_path):
    affine = np.diag([-1.0, -1.0, 1, 1])[:, [1, 0, 2, 3]]
    save_nifti(tmp_path / "a_seg.nii.gz", np.ascontiguousarray(_chest().T), affine)
    assert measure_radiograph(tmp_path / "a_seg.nii.gz", "a", CHEST)[-1]["value"] == "0.400"


def test_dixon_pairs_by_name():
    names = ["p1_water", "p1_fat", "p2_Water", "p3_fat", "waterfall", "FAT-p4-x", "WATER-p4-x"]
    assert dixon_pairs(names) == [("p1_water", "p1_fat"), ("WATER-p4-x", "FAT-p4-x")]


@pytest.mark.parametrize("flip", [1, -1])
def test_fat_fraction_of_known_pixels(tmp_path, flip):
    water, fat, mask = (np.zeros((4, 4, 3), np.float32) for _ in range(3))
    water[1, 1, 0], fat[1, 1, 0] = 30, 10
    water[2, 1, 0], fat[2, 1, 0] = 10, 10
    fat[1, 1, 2] = 7
    mask[1:3, 1, 0], mask[1, 1:3, 2] = 1, 1  # one pixel without any signal
    affine = np.diag([1, 1, 4.0 * flip, 1])
    paths = [str(save_nifti(tmp_path / f"{name}.nii.gz", array[..., ::flip].copy(), affine))
             for name, array in (("water", water), ("fat", fat), ("m_seg", mask.astype(np.uint8)))]  # fmt: skip
    rows = measure_fat(paths[0], paths[1], tmp_path / "m_seg.nii.gz", "p", {"0": "background", "1": "muscle"})
    found = {row["slice"]: float(row["value"]) for row in rows}
    top, bottom = (0, 2) if flip == 1 else (2, 0)
    assert found == {"": pytest.approx((25 + 50 + 100) / 3, abs=0.01), top: 37.5, bottom: 100.0}


def test_fat_of_another_grid(tmp_path):
    water = save_nifti(tmp_path / "w.nii.gz", np.ones((4, 4, 3), np.float32))
    fat = save_nifti(tmp_path / "f.nii.gz", np.ones((4, 4, 2), np.float32))
    with pytest.raises(UserError, match="another grid"):
        measure_fat(str(water), str(fat), water, "p", {"1": "muscle"})
