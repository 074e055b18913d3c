"""What many tests share."""

import itertools
import os

os.environ.setdefault("TQDM_DISABLE", "1")

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from tools.bundles import Bundle

REPOSITORY = Path(__file__).resolve().parents[1]
GRAY_MATTER = REPOSITORY / "bundles" / "spinal_cord_gray_matter_segmentation"
DIGITS = REPOSITORY / "bundles" / "handwritten_digits_classification"
CHEST = REPOSITORY / "bundles" / "chest_xray_organs_segmentation"
MUSCLES = REPOSITORY / "bundles" / "spinal_muscles_mri_segmentation"
LESIONS = REPOSITORY / "bundles" / "white_matter_lesions_mri_segmentation"
VERTEBRAE = REPOSITORY / "bundles" / "vertebrae_ct_instance_segmentation"
REAL_DATA = REPOSITORY.parent / "shared" / "data"  # there on the developers' machines only
ORDERS = list(itertools.permutations(range(3)))  # of the axes, and their directions: 48 orientations in all
FLIPS = list(itertools.product((1, -1), repeat=3))


@pytest.fixture(autouse=True)
def seeded():
    """Give every test the same random numbers."""
    torch.manual_seed(0)
    np.random.seed(0)


def save_nifti(path: Path, array: np.ndarray, affine: np.ndarray | None = None) -> Path:
    """Write an array as NIfTI; 1 mm and RAS where no affine is given."""
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4) if affine is None else affine), path)
    return path


@pytest.fixture
def gray_matter_data() -> Path:
    """The real cord scans, where they are."""
    folder = REAL_DATA / "spinal_cord_gm"
    if not folder.is_dir():
        pytest.skip("the real scans are not on this machine")
    return folder


def infer_with(network: torch.nn.Module, bundle: Path, path: Path, output: Path, **inferer) -> nibabel.Nifti1Image:
    """Run the shipped inference.json with an oracle in place of the bundle's network; return the mask.

    Args:
        inferer: arguments of the bundle's inferer that differ.
    """
    with Bundle(bundle).parser("inference.json", input=str(path), output_dir=str(output)) as parser:
        parser["handlers"] = []
        parser["network"] = network
        parser["inferer"] |= inferer
        results = parser.get_parsed_content("evaluator").run()
    assert [result.error for result in results] == [None]
    return nibabel.load(next(output.glob("*_seg.nii.gz")))


def reorient(array: np.ndarray, affine: np.ndarray, order, flips) -> tuple[np.ndarray, np.ndarray]:
    """Store the same anatomy with other axes."""
    ornt = np.array([[axis, flip] for axis, flip in zip(order, flips, strict=True)], dtype=float)
    image = nibabel.Nifti1Image(array, affine).as_reoriented(ornt)
    return np.asarray(image.dataobj), image.affine


@pytest.fixture
def tools(monkeypatch, capfd):
    """Call ``python -m tools`` in this process; return exit code and what was printed."""

    from tools.cli import app as cli

    def call(*arguments) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["tools", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capfd.readouterr()
        return code, captured.out + captured.err

    return call
