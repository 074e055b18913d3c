"""The mask lies where the structure is, whatever the file, its orientation and size. The network is an oracle."""

import json

import nibabel
import numpy as np
import pytest
import torch
from conftest import CHEST, infer_with, save_nifti
from dicom_files import write_radiograph
from PIL import Image

from custom_networks.transforms.preprocessing.orient_radiograph import upright_codes
from tools.bundles import Bundle, load_network
from tools.phantoms.chest import make_chest_phantom
from tools.scoring.dice import dice


class Bright(torch.nn.Module):
    """An oracle: the right lung is what is bright on the picture's left half, the left lung what is bright on the other."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        bright = 100 * (picture - (picture.amax((2, 3), True) + picture.amin((2, 3), True)) / 2)
        ramp = torch.linspace(-1, 1, picture.shape[2]).view(1, 1, -1, 1)
        return torch.cat([-bright, bright - 50 * ramp, bright + 50 * ramp, *[torch.full_like(bright, -1e4)] * 3], 1)


def asymmetric(columns: int, rows: int) -> np.ndarray:
    """Structure ``(columns, rows)``: 1 an L on the picture's left, 2 a small box low on its right."""
    label = np.zeros((columns, rows), np.uint8)
    label[columns // 10 : columns // 4, rows // 8 : rows // 2] = 1
    label[columns // 10 : columns * 4 // 10, rows * 3 // 8 : rows // 2] = 1
    label[columns * 7 // 10 : columns * 9 // 10, rows * 6 // 10 : rows * 8 // 10] = 2
    return label


@pytest.fixture
def run(tmp_path):
    def infer(path):
        return infer_with(Bright(), CHEST, path, tmp_path / "out", divisors=[1])

    return infer


def assert_same(mask: np.ndarray, label: np.ndarray) -> None:
    assert mask.shape == label.shape
    for value in (1, 2):
        assert dice(mask == value, label == value) > 0.95
        shift = np.argwhere(mask == value).mean(axis=0) - np.argwhere(label == value).mean(axis=0)
        assert np.abs(shift).max() < 0.5 * max(label.shape) / 256  # half a pixel of the network's


@pytest.mark.parametrize(("columns", "rows"), [(2000, 2500), (301, 200), (256, 256), (97, 130)])
@pytest.mark.parametrize("kind", [".png", ".jpg"])
def test_pictures_of_any_size(run, tmp_path, columns, rows, kind):
    label = asymmetric(columns, rows)
    Image.fromarray(np.where(label.T > 0, 220, 30).astype(np.uint8)).save(tmp_path / f"a{kind}", quality=95)
    mask = run(tmp_path / f"a{kind}")
    assert_same(np.asarray(mask.dataobj), label)
    picture = np.asarray(Image.open(tmp_path / "out" / "a_seg.png"))
    assert np.array_equal(picture, np.asarray(mask.dataobj).T)
    assert mask.header.get_xyzt_units()[0] == "unknown"


@pytest.mark.parametrize(
    ("photometric", "dark", "bright"), [("MONOCHROME2", 200, 3900), ("MONOCHROME1", 3900, 200)], ids=["bright", "dark"]
)
def test_dicom_of_both_polarities_with_spacing(run, tmp_path, photometric, dark, bright):
    label = asymmetric(300, 360)
    pixels = np.where(label.T > 0, bright, dark)
    tags = {"PhotometricInterpretation": photometric, "ImagerPixelSpacing": [0.2, 0.3]}
    mask = run(write_radiograph(tmp_path / "a.dcm", pixels, **tags))
    assert_same(np.asarray(mask.dataobj), label)
    np.testing.assert_allclose(np.linalg.norm(mask.affine[:3, :2], axis=0), [0.3, 0.2])
    assert mask.header.get_xyzt_units()[0] == "mm"


def test_dicom_seen_from_behind(run, tmp_path):
    label = asymmetric(300, 360)
    pixels = np.where(label.T > 0, 3900, 200)[:, ::-1]
    mask = run(write_radiograph(tmp_path / "a.dcm", pixels, PatientOrientation=["R", "F"]))
    assert_same(np.asarray(mask.dataobj), label[::-1])


FRAMES = {"LPS": "axial by convention", "LIA": "coronal", "RSP": "coronal, upside down and mirrored", "ILA": "axes swapped"}


@pytest.mark.parametrize("codes", FRAMES)
def test_nifti_in_several_orientations(run, tmp_path, codes):
    """The picture is stored with other axes; the structure's name goes by the side of the body."""
    label = asymmetric(120, 150)[..., None]
    start = "LPS" if codes == "LPS" else "LIA"
    affine = np.zeros((4, 4))
    for axis, code in enumerate(start):
        affine["RASLPI".index(code) % 3, axis] = 1.0 if code in "RAS" else -1.0
    affine[3, 3] = 1
    change = nibabel.orientations.ornt_transform(nibabel.orientations.axcodes2ornt(start), nibabel.orientations.axcodes2ornt(codes))
    stored = nibabel.Nifti1Image(label, affine).as_reoriented(change)
    array = np.asarray(stored.dataobj)
    path = save_nifti(tmp_path / "a.nii.gz", np.where(array > 0, 900, 100).astype(np.int16), stored.affine)
    mask = run(path)
    np.testing.assert_allclose(mask.affine, stored.affine)
    assert_same(np.asarray(mask.dataobj), array)


def test_upright_codes():
    assert upright_codes(np.diag([-1.0, -1, 1, 1]), (5, 6, 1)) == "LPS"
    sagittal = np.array([[0, 0, 1.0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    assert upright_codes(sagittal, (5, 6, 1)) is None


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda p: Image.fromarray(np.random.randint(0, 255, (40, 40, 3), np.uint8)).save(p / "a.png"), "a colour picture"),
        (lambda p: (p / "a.png").write_bytes(b"\x89PNG broken"), "cannot be read"),
        (lambda p: Image.fromarray(np.full((40, 40), 7, np.uint8)).save(p / "a.png"), "every pixel has the same value"),
        (lambda p: save_nifti(p / "a.nii.gz", np.random.rand(40, 40, 9).astype(np.float32)), "a volume (40x40x9)"),
    ],
    ids=["colour", "broken", "flat", "volume"],
)
def test_what_is_no_radiograph(tmp_path, write, message):
    write(tmp_path)
    path = next(tmp_path.glob("a.*"))
    with Bundle(CHEST).parser("inference.json", input=str(path), output_dir=str(tmp_path / "out")) as parser:
        parser["handlers"] = []
        (result,) = parser.get_parsed_content("evaluator").run()
    assert message in result.error and "a." in result.error
    assert not list((tmp_path / "out").glob("*seg*"))


def test_metadata_names_the_classes_of_the_config():
    config = json.loads((CHEST / "configs" / "inference.json").read_text())
    assert list(Bundle(CHEST).classes.values())[1:] == config["names"]


def test_sides_are_told_by_their_place_not_by_the_heart(tmp_path):
    """With the shipped weights: a mirrored film gets the mirrored mask with swapped sides."""
    bundle = Bundle(CHEST)
    with bundle.parser("inference.json", device="cpu") as parser:
        network = load_network(parser, bundle)
    film = make_chest_phantom(np.random.default_rng(3)).image[..., 0].astype(np.uint16)
    masks = []
    for name, array in (("plain", film), ("mirrored", film[::-1])):
        Image.fromarray(np.ascontiguousarray(array.T)).save(tmp_path / f"{name}.png")
        mask = infer_with(network, CHEST, tmp_path / f"{name}.png", tmp_path / name)
        masks.append(np.asarray(mask.dataobj).squeeze())
    swapped = np.array([0, 2, 1, 3, 5, 4])[masks[1][::-1]]
    assert all(dice(swapped == value, masks[0] == value) > 0.9 for value in (1, 2, 3))
