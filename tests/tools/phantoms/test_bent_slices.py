import json

import nibabel
import numpy as np
import pytest
from phantom_shapes import BOXES, write_map

from custom_networks.errors import UserError
from tools.phantoms.bent_slices import NOT_DRAWN, bend_slice, write_bent_slices
from tools.phantoms.muscle_shapes import load_people

OURS = {1: 2, 3: 1, 5: 5, 7: 7}  # MuscleMap's right muscles to our values
LEFT = {1: 4, 2: 3, 5: 6, 7: 8}
SPACING = np.array([1.5, 1.0])


def make_slice(wider: float = 1.0, without: tuple[int, ...] = ()) -> tuple[np.ndarray, np.ndarray]:
    """Return an image and label map of boxes, so many times wider than those of the maps; a muscle is its value times 100."""
    label = np.zeros((200, 160), np.uint8)
    for value, ((x0, x1), (y0, y1)) in BOXES.items():
        columns = [round(100 + x * wider / SPACING[0]) for x in (x0, x1)]
        for sign, ours in ((1, OURS[value]), (-1, LEFT[OURS[value]])):
            first, last = sorted(100 + sign * (column - 100) for column in columns)
            label[first:last, 80 + y0 : 80 + y1] = ours
    label[np.isin(label, without)] = NOT_DRAWN
    return np.where(label == NOT_DRAWN, 0, label) * 100.0 + 50, label


@pytest.fixture
def people(tmp_path):
    write_map(tmp_path / "maps" / "a.nii.gz")
    return load_people(tmp_path / "maps")


def widths(label: np.ndarray) -> list[float]:
    return [np.ptp(np.argwhere(label == value)[:, 0]) * SPACING[0] for value in (1, 4)]


@pytest.mark.parametrize("seed", [0, 1])
def test_muscles_get_the_widths_of_the_shape_and_their_pixels_move_along(people, seed):
    image, label = make_slice(wider=1.3)
    bent, values = bend_slice(image, label, SPACING, people, np.random.default_rng(seed))
    assert widths(label) == pytest.approx([49, 49], abs=2) and widths(values) == pytest.approx([38, 38], abs=5)
    assert set(np.unique(values)) == set(range(9))
    for value in range(1, 9):
        assert np.median(bent[values == value]) == pytest.approx(value * 100 + 50, abs=2)
    assert np.argwhere(values == 2).mean(0)[0] > np.argwhere(values == 3).mean(0)[0]  # right stays right


def test_what_was_not_drawn_is_transplanted_with_the_erector_spinaes_texture(people):
    image, label = make_slice(without=(5, 6, 7, 8))
    label[(label == 0)] = NOT_DRAWN
    bent, values = bend_slice(image, label, SPACING, people, np.random.default_rng(0))
    for value, donor in ((5, 1), (6, 4), (7, 1), (8, 4)):
        assert 0.7 < np.median(bent[values == value]) / np.median(bent[values == donor]) < 1.3
    assert (values == NOT_DRAWN).mean() > 0.5 and bent[:20, :20] == pytest.approx(50)


def test_a_muscle_is_not_transplanted_where_all_were_drawn(people):
    image, label = make_slice(without=(7, 8))
    label[label == NOT_DRAWN] = 0
    assert not np.isin(bend_slice(image, label, SPACING, people, np.random.default_rng(0))[1], (7, 8)).any()


def write_slices(folder, count: int = 2, without: tuple[int, ...] = (), depth: int = 1, scale: float = 1.0):
    folder.mkdir()
    entries = []
    for index in range(count):
        image, label = make_slice(1 + index / 10)
        label[np.isin(label, without)] = 0
        entries.append({"image": f"{index}_image.nii.gz", "label": f"{index}_label.nii.gz"})
        for key, array in (("image", (image * scale).astype(np.float32)), ("label", label)):
            nibabel.save(
                nibabel.Nifti1Image(np.repeat(array[..., None], depth, 2), np.diag([*SPACING, 4, 1])), folder / entries[-1][key]
            )
    content = {"name": "", "labels": {"1": "right erector spinae"}, "training": entries[:1], "validation": [], "test": entries[1:]}
    (folder / "dataset.json").write_text(json.dumps(content))
    return folder


def test_the_command_bends_every_slice_in_turn_and_equal_seeds_give_equal_slices(tools, people, tmp_path):
    data = write_slices(tmp_path / "data")
    shapes = ("--shapes", tmp_path / "maps")
    for name, cases in (("a", 7), ("b", 8)):
        code, printed = tools(
            "phantom", "spinal_muscles", tmp_path / name, "--cases", cases, "--seed", 7, *shapes, "--textures", data
        )
        assert code == 0, printed
    content = json.loads((tmp_path / "b" / "dataset.json").read_text())
    assert content["name"] == "slices of data with shapes of maps, seed 7" and content["labels"] == {"1": "right erector spinae"}
    assert len(content["training"]) == 8 and not content["validation"] and not content["test"]
    arrays = [
        [np.asarray(nibabel.load(tmp_path / name / f"bent_{index:03d}_image.nii.gz").dataobj) for index in range(7)]
        for name in ("a", "b")
    ]
    assert all(np.array_equal(*pair) for pair in zip(*arrays, strict=True))
    assert not all(np.array_equal(arrays[0][0], array) for array in arrays[0][2::2])  # one source, several shapes


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"without": (1,)}, "not all of the muscles 1 to 4"),
        ({"depth": 2}, "no single axial slice"),
        ({"count": 0}, "no slices"),
    ],
)
def test_what_cannot_be_bent_is_told(tools, people, tmp_path, options, told):
    data = write_slices(tmp_path / "data", **options)
    command = ("phantom", "spinal_muscles", tmp_path / "made", "--textures", data)
    code, printed = tools(*command, "--shapes", tmp_path / "maps")
    assert code == 2 and told in printed and not (tmp_path / "made").exists()
    code, printed = tools(*command)
    assert code == 2 and "needs --shapes" in printed
    code, printed = tools("phantom", "spinal_cord", tmp_path / "made", "--textures", data)
    assert code == 2 and "--textures is of muscles alone" in printed


@pytest.mark.parametrize("largest", [1.0, 85000.0])
def test_values_of_an_image_stay_what_they_are(people, tmp_path, largest):
    data = write_slices(tmp_path / "data", scale=largest / 850)
    write_bent_slices(tmp_path / "made", 1, 0, shapes=tmp_path / "maps", textures=data)
    image = np.asarray(nibabel.load(tmp_path / "made" / "bent_000_image.nii.gz").dataobj)
    assert image.max() == pytest.approx(largest, rel=0.01) and image.min() == pytest.approx(largest / 17, rel=0.01)
    assert len(np.unique(image)) > 2


def test_a_set_is_not_replaced_by_its_own_slices(people, tmp_path):
    data = write_slices(tmp_path / "data")
    before = (data / "dataset.json").read_text()
    with pytest.raises(UserError, match="holds what the data set is made of"):
        write_bent_slices(data, 1, 0, True, shapes=tmp_path / "maps", textures=data)
    assert (data / "dataset.json").read_text() == before


def test_nothing_is_written_where_a_slice_fails(people, tmp_path):
    data = write_slices(tmp_path / "data")

    def fail():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_bent_slices(tmp_path / "made", 2, 0, shapes=tmp_path / "maps", textures=data, on_case=fail)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("change", [{"image": ["0_image.nii.gz", "0_image.nii.gz"]}, {"label": 3}])
def test_slices_of_channels_or_with_a_class_are_told(people, tmp_path, change):
    data = write_slices(tmp_path / "data")
    content = json.loads((data / "dataset.json").read_text())
    content["training"][0] |= change
    (data / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match="no single image with a label map"):
        write_bent_slices(tmp_path / "made", 1, 0, shapes=tmp_path / "maps", textures=data)


def test_labels_that_a_list_does_not_name_are_those_of_the_eight_muscles(people, tmp_path):
    data = write_slices(tmp_path / "data")
    content = json.loads((data / "dataset.json").read_text())
    del content["labels"]
    (data / "dataset.json").write_text(json.dumps(content))
    made = json.loads(write_bent_slices(tmp_path / "made", 1, 0, shapes=tmp_path / "maps", textures=data).read_text())
    assert made["labels"]["5"] == "right psoas major"
