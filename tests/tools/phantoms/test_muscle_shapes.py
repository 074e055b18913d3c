import json

import nibabel
import numpy as np
import pytest
from phantom_shapes import BOXES, write_map

from custom_networks.errors import UserError
from tools.phantoms.lumbar import EIGHT, make_lumbar_phantom
from tools.phantoms.muscle_shapes import GRID, NAMES, load_people


@pytest.fixture
def maps(tmp_path):
    write_map(tmp_path / "a.nii.gz")
    write_map(tmp_path / "b.nii.gz", left_posterior=True)
    return tmp_path


def test_distances_are_in_mm_negative_inside_and_do_not_depend_on_the_files_axes(maps):
    first, second = load_people(maps)
    assert first.distances.shape[:2] == (2, len(NAMES)) and np.abs(first.distances - second.distances).max() <= 2.5
    areas = (first.distances[0] < 0).sum((1, 2)) * GRID**2
    for value, ((x0, x1), (y0, y1)) in BOXES.items():
        assert areas[value - 1] == pytest.approx((x1 - x0) * (y1 - y0), rel=0.1)
    assert first.distances[0].min((1, 2))[0] == pytest.approx(-10, abs=1.5)  # in the middle of a muscle 20 mm wide
    assert first.shares == pytest.approx([20 / 58, 20 / 58], abs=0.02)


@pytest.mark.parametrize("seed", [0, 3])
def test_muscles_are_drawn_on_their_sides_with_about_their_areas(maps, seed):
    phantom = make_lumbar_phantom(np.random.default_rng(seed), "eight", 1, load_people(maps))
    pixel = abs(np.linalg.det(phantom.affine[:2, :2]))
    middle = np.argwhere(np.isin(phantom.label[..., 0], [2, 3])).mean(0)[0]
    boxes = {1: BOXES[3], 2: BOXES[1], 5: BOXES[5], 7: BOXES[7]}  # our values
    for value, ((x0, x1), (y0, y1)) in boxes.items():
        other = next(int(v) for v, name in EIGHT.items() if name == EIGHT[str(value)].replace("right", "left"))
        right, left = (np.argwhere(phantom.label[..., 0] == v) for v in (value, other))
        assert right.mean(0)[0] > middle > left.mean(0)[0]
        for side in (right, left):
            assert 0.4 * (x1 - x0) * (y1 - y0) < len(side) * pixel < 1.8 * (x1 - x0) * (y1 - y0)


def test_a_muscle_that_one_person_lacks_is_drawn_where_the_first_has_it(tmp_path):
    write_map(tmp_path / "a.nii.gz", without=(7, 8))
    phantom = make_lumbar_phantom(np.random.default_rng(0), "eight", 1, load_people(tmp_path))
    assert set(np.unique(phantom.label)) == {0, 1, 2, 3, 4, 5, 6}


def test_equal_seeds_give_equal_phantoms_of_four_muscles(maps):
    people = load_people(maps)
    first, same, other = (make_lumbar_phantom(np.random.default_rng(seed), "muscles", 1, people) for seed in (5, 5, 6))
    assert np.array_equal(first.image, same.image) and np.array_equal(first.label, same.label)
    assert set(np.unique(first.label)) == {0, 1, 2, 3, 4}
    assert first.label.shape != other.label.shape or not np.array_equal(first.label, other.label)


def test_what_is_no_label_map_of_muscles_is_told(tmp_path):
    with pytest.raises(UserError, match="no label maps"):
        load_people(tmp_path)
    path = write_map(tmp_path / "a.nii.gz", without=(1,))
    with pytest.raises(UserError, match=r"a\.nii\.gz: no slice shows multifidus"):
        load_people(tmp_path)
    for labels in (np.full((9, 9, 2), 9, np.uint8), np.ones((9, 9), np.uint8), np.full((9, 9, 2), 0.5, np.float32)):
        nibabel.save(nibabel.Nifti1Image(labels, np.eye(4)), path)
        with pytest.raises(UserError, match=r"a\.nii\.gz: not the muscles 1 to 8"):
            load_people(tmp_path)


def test_the_command_draws_the_shapes_of_a_folder_and_refuses_them_of_other_bundles(tools, maps, tmp_path):
    code, printed = tools("phantom", "spinal_muscles", tmp_path / "made", "--cases", 1, "--kind", "eight", "--shapes", maps)
    assert code == 0, printed
    content = json.loads((tmp_path / "made" / "dataset.json").read_text())
    assert content["labels"]["8"] == "left quadratus lumborum" and f"shapes of {maps.name}" in content["name"]
    code, printed = tools("phantom", "spinal_cord", tmp_path / "other", "--cases", 1, "--shapes", maps)
    assert code == 2 and "--shapes is of muscles alone" in printed and not (tmp_path / "other").exists()


def test_the_folder_one_is_in_has_its_name_in_the_title(tools, maps, tmp_path, monkeypatch):
    monkeypatch.chdir(maps)
    code, printed = tools("phantom", "spinal_muscles", tmp_path / "made", "--cases", 1, "--shapes", ".")
    assert code == 0, printed
    assert json.loads((tmp_path / "made" / "dataset.json").read_text())["name"].endswith(f"shapes of {maps.name}, seed 0")
