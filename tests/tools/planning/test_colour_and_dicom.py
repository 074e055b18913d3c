"""`axial new` on pictures in colour, on DICOM and on labels as viewers write them; what comes out learns and segments."""

import json
import shutil

import nibabel
import numpy as np
import pytest
from conftest import save_nifti
from dicom_files import write_radiograph
from own_data import ball, write_coloured, write_dicom, write_pairs, write_pictures, write_segmentation
from PIL import Image
from typed import run

from custom_networks.errors import UserError
from tools.bundles import Bundle
from tools.planning.labels import on_grid
from tools.planning.making import make_bundle

TRAIN = "--max_epochs 1 --epoch_length 1 --val_interval 1 --bfloat16 False"


def batch_of(made) -> dict:
    with Bundle(made.folder).parser("train.json", dataset_dir=str(made.data)) as parser:
        return next(iter(parser.get_parsed_content("train#dataloader")))


def labels_of(made) -> list[np.ndarray]:
    return [np.asarray(nibabel.load(path).dataobj) for path in sorted((made.data / "labels").iterdir())]


@pytest.mark.parametrize(("mode", "ending"), [("RGB", ".png"), ("RGBA", ".png"), ("P", ".png"), ("RGB", ".jpg"), ("CMYK", ".jpg")])
def test_colours_are_three_channels(tmp_path, mode, ending):
    made = make_bundle("red_blue", write_coloured(tmp_path / "data", 3, mode, ending), tmp_path)
    config = json.loads((made.folder / "configs" / "inference.json").read_text())
    metadata = json.loads((made.folder / "configs" / "metadata.json").read_text())
    assert config["network_def"]["in_channels"] == 3 and "| channels | red, green, blue |" in made.text
    image = metadata["network_data_format"]["inputs"]["image"]
    assert image["num_channels"] == 3 and image["channel_def"]["0"] == "red, normalised"
    batch = batch_of(made)
    assert batch["image"].shape[1:] == (3, 64, 48) and batch["label"].shape[1:] == (1, 64, 48)


@pytest.mark.parametrize("mode", ["RGB", "LA", "RGBA", "P"])
def test_gray_in_every_dress_is_one_channel(tmp_path, mode):
    data = write_pictures(tmp_path / "data", 3)
    for path in (data / "images").iterdir():
        picture = Image.open(path)
        (picture if mode == "P" else picture.convert(mode)).convert(mode).save(path)
    made = make_bundle("bright_spots", data, tmp_path)
    assert json.loads((made.folder / "configs" / "train.json").read_text())["network_def"]["in_channels"] == 1


def test_gray_of_16_bits_keeps_them(tmp_path):
    data = write_pictures(tmp_path / "data", 3)
    for path in (data / "images").iterdir():
        Image.fromarray(np.asarray(Image.open(path)).astype(np.uint16) * 200).save(path)
    made = make_bundle("bright_spots", data, tmp_path)
    with Bundle(made.folder).parser("inference.json", input=str(data / "images" / "0.png")) as parser:
        image = parser.get_parsed_content("dataset")[0]["image"]
    assert made.plan.inputs == 1 and len(np.unique(image)) > 30


def test_gray_pictures_among_coloured_ones_have_three_equal_channels(tmp_path):
    data = write_coloured(tmp_path / "data")
    Image.open(data / "images" / "1.png").convert("L").save(data / "images" / "1.png")
    made = make_bundle("red_blue", data, tmp_path)
    with Bundle(made.folder).parser("inference.json", input=str(data / "images" / "1.png")) as parser:
        image = parser.get_parsed_content("dataset")[0]["image"]
    assert made.plan.inputs == 3 and np.array_equal(image[0], image[1])


def test_colours_of_labels_are_classes(tmp_path):
    data = write_pictures(tmp_path / "data", foreground=1)
    for number, path in enumerate(sorted((data / "labels").iterdir())):
        rows = np.asarray(Image.open(path)).astype(int)
        rows[:4] = 2 * (number % 2)
        colours = np.array([(0, 0, 0), (255, 0, 0), (0, 255, 0)], np.uint8)[rows]
        Image.fromarray(colours).save(path)
    made = make_bundle("spots", data, tmp_path)
    assert made.plan.names == ["colour 00ff00", "colour ff0000"] and made.plan.mirror == [1]
    assert [sorted(np.unique(label)) for label in labels_of(made)] == [[0, 2], [0, 1, 2]] * 2
    again = make_bundle("named_spots", data, tmp_path, labels={"ff0000": "spot", "00ff00": "bar"})
    assert again.plan.names == ["bar", "spot"]
    with pytest.raises(UserError, match=r"--label 0000ff=sea: no label picture has this colour. There are: 00ff00"):
        make_bundle("other_spots", data, tmp_path, labels={"0000ff": "sea"})
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)).save(path)
    with pytest.raises(UserError, match=r"3.png: \d+ colours, more than classes have"):
        make_bundle("other_spots", data, tmp_path)


@pytest.mark.parametrize("label", ["nifti", "segmentation"])
def test_series_with_turned_labels_or_segmentations_lie_on_each_other(tmp_path, label):
    made = make_bundle("two_balls", write_dicom(tmp_path / "data", 3, "MR", label), tmp_path)
    assert made.plan.modality == "MR" and "the DICOM files say so" in made.text
    if label == "segmentation":
        assert made.plan.names == ["bright", "dark"]
    for number, found in enumerate(labels_of(made)):
        assert np.array_equal(found, ball(np.random.default_rng(number))[1])
    batch = batch_of(made)
    image, drawn = np.asarray(batch["image"]), np.asarray(batch["label"])
    assert image[drawn == 1].mean() > 1 and image[drawn == 2].mean() < -1


@pytest.mark.parametrize(
    ("image", "label"), [("{}_image", "{}_label.nii.gz"), ("{}/image", "{}/label.nii.gz"), ("{}/PA0/SE0", None)]
)
def test_series_lie_where_users_put_them(tmp_path, image, label):
    flat, data = write_dicom(tmp_path / "flat", 3), tmp_path / "data"
    for number in range(3):
        for kind, target in (("images", image if label else f"images/{image}"), ("labels", label or "labels/{}.nii.gz")):
            goal = data / target.format(f"case_{number}")
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(flat / kind / f"case_{number}{'' if kind == 'images' else '.nii.gz'}", goal)
    made = make_bundle("two_balls", data, tmp_path)
    assert [path.name for path in sorted((made.data / "labels").iterdir())] == [f"case_{number}.nii.gz" for number in range(3)]


def test_a_label_of_a_slicer_that_is_cropped_keeps_place_and_names(tmp_path):
    import nrrd

    data = write_pairs(tmp_path / "data", 3)
    for number in range(3):
        _, label, affine = ball(np.random.default_rng(number))
        first, last = np.argwhere(label).min(0), np.argwhere(label).max(0) + 1
        header = {
            "space": "right-anterior-superior", "space directions": affine[:3, :3], "space origin": affine[:3, :3] @ first,
            "kinds": ["domain"] * 3, "Segment0_LabelValue": "1", "Segment0_Name": "bright", "Segment1_LabelValue": "2",
            "Segment1_Name": "dark",
        }  # fmt: skip
        nrrd.write(str(data / f"case_{number}_label.seg.nrrd"), label[tuple(map(slice, first, last))], header)
        (data / f"case_{number}_label.nii.gz").unlink()
    made = make_bundle("two_balls", data, tmp_path, label_suffix="_label.seg")
    assert made.plan.names == ["bright", "dark"]
    assert all(np.array_equal(found, ball(np.random.default_rng(number))[1]) for number, found in enumerate(labels_of(made)))


def test_radiographs_of_dicom_are_pictures(tmp_path):
    data = write_pictures(tmp_path / "data", 3)
    for path in (data / "images").iterdir():
        write_radiograph(path.with_suffix(".dcm"), np.asarray(Image.open(path)).astype(np.uint16), Modality="CR")
        path.unlink()
    made = make_bundle("bright_spots", data, tmp_path)
    assert made.plan.pictures and made.plan.modality == "DX" and made.plan.patch == [64, 48]
    assert batch_of(made)["image"].shape[1:] == (1, 64, 48)


def spoil(data, what: str) -> None:
    if what == "two series":
        shutil.copytree(data / "images" / "case_1", data / "images" / "case_0" / "again")
    elif what == "moved":
        path = data / "labels" / "case_1.nii.gz"
        label = nibabel.load(path)
        save_nifti(path, np.asarray(label.dataobj), label.affine + np.outer([1, 0, 0, 0], [0, 0, 0, 1]))
    elif what == "an image as label":
        (data / "labels" / "case_1.nii.gz").unlink()
        shutil.copy(data / "images" / "case_1" / "000.dcm", data / "labels" / "case_1.dcm")
    elif what == "names differ":
        for number, names in enumerate((("bright", "dark"), ("dark", "bright"), ("bright", "dark"))):
            (data / "labels" / f"case_{number}.nii.gz").unlink()
            classes = ball(np.random.default_rng(number))[1]
            write_segmentation(data / "labels" / f"case_{number}.dcm", data / "images" / f"case_{number}", classes, names)
    elif what == "a slice is missing":
        (data / "images" / "case_1" / "005.dcm").unlink()


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("two series", "case_0: a folder with 2 folders of DICOM files"),
        ("moved", "case_1.nii.gz: lies elsewhere than case_1"),
        ("an image as label", "case_1.dcm: MR Image Storage, no DICOM Segmentation"),
        ("names differ", "case_1: label 1 is 'dark', that of other cases 'bright'"),
        ("a slice is missing", "images/case_1: .*slice"),
    ],
)
def test_every_fault_of_dicom_names_the_file_and_leaves_nothing(tmp_path, what, message):
    data = write_dicom(tmp_path / "data", 3)
    spoil(data, what)
    with pytest.raises(UserError, match=message):
        make_bundle("two_balls", data, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_images_that_are_not_read_are_named(tmp_path):
    data = write_pictures(tmp_path / "data", 3)
    for path in (data / "images").iterdir():
        Image.open(path).save(path.with_suffix(".tif"))
        path.unlink()
    with pytest.raises(UserError, match=r"0.tif: of a kind that is not read; convert it to NIfTI or PNG"):
        make_bundle("bright_spots", data, tmp_path)


def test_voxels_in_another_order_are_turned_and_nothing_else():
    random = np.random.default_rng(0)
    label, wanted = random.integers(0, 3, (4, 5, 6)), np.diag([1.0, 2.0, 3.0, 1.0])
    turn = np.array([[0, 0, -1, 3], [1, 0, 0, 0], [0, -1, 0, 5], [0, 0, 0, 1.0]])  # of voxels (5, 6, 4) to those of the image
    stored = label[::-1, :, ::-1].transpose(1, 2, 0)
    assert np.array_equal(on_grid(stored, wanted @ turn, label.shape, wanted), label)
    assert on_grid(stored, wanted @ turn @ np.diag([1, 1, 1.1, 1]), label.shape, wanted) is None
    shift = np.eye(4)
    shift[0, 3] = 1
    assert on_grid(label, wanted @ shift, label.shape, wanted) is None  # one plane would lie outside
    assert on_grid(label[:2], wanted, label.shape, wanted) is None
    assert np.array_equal(on_grid(label[:2], wanted, label.shape, wanted, cropped=True)[:2], label[:2])


CASES = {
    "colour": (lambda folder: write_coloured(folder), "images/3.png", "--label 1=red --label 2=blue"),
    "dicom": (lambda folder: write_dicom(folder, label="segmentation"), "images/case_3", ""),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize(("write", "image", "names"), CASES.values(), ids=list(CASES))
def test_every_command_takes_it(tmp_path, monkeypatch, capfd, write, image, names):
    write(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    train, evaluate = "own/configs/train.json", "own/configs/evaluate.json"
    bundle = "python -m monai.bundle run {} --bundle_root own --dataset_dir own_data --config_file"
    for command in (
        f"axial new own --data data --memory 0.1 {names}",
        f"{bundle.format('training')} {train} --output_dir runs {TRAIN}",
        f"{bundle.format('evaluating')} \"['{train}','{evaluate}']\" --ckpt runs/model.pt --output_dir scores",
        "cp runs/model.pt own/models/model.pt",
        f"axial segment own data/{image} -o out",
        "axial score out own_data --bundle own -o scored",
        "axial verify own",
        "axial pack own -o dist",
    ):
        assert run(command) == 0, f"{command}\n{capfd.readouterr()}"
    name = image.split("/")[1].removesuffix(".png")
    assert (tmp_path / "scored" / "scores.csv").is_file() and (tmp_path / "out" / f"{name}_overlay.png").is_file()
    assert name in (tmp_path / "out" / "report.html").read_text() and (tmp_path / "dist" / "own_v0.1.0.zip").is_file()
