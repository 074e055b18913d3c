"""Kinds of results; a bundle with one of its own touches no file of ours."""

import csv
import zipfile

import nibabel
import numpy as np
import pytest
from conftest import save_nifti
from PIL import Image
from rich.console import Console
from tiny_bundle import make_tiny_bundle

from custom_networks import UserError
from tools.bundles import Bundle, all_bundles
from tools.results.kinds import KINDS, CaseFiles, kind_of
from tools.results.segmenting import segment_cases
from tools.sharing.packing import pack

QUIET = Console(quiet=True)


def test_every_bundle_names_its_kind():
    kinds = {bundle.name: type(kind_of(bundle)).__name__ for bundle in all_bundles()}
    assert kinds == {
        "chest_xray_organs_segmentation": "Radiograph",
        "handwritten_digits_classification": "Category",
        "spinal_cord_gray_matter_segmentation": "GrayMatter",
        "spinal_muscles_mri_segmentation": "Slices",
        "vertebrae_ct_instance_segmentation": "Vertebrae",
        "white_matter_lesions_mri_segmentation": "Lesions",
    }
    assert all(bundle.metadata["result_kind"] in KINDS for bundle in all_bundles())


def test_a_bundle_with_a_kind_of_its_own_is_segmented_measured_reported_and_packed(tmp_path):
    bundle = Bundle(make_tiny_bundle(tmp_path / "spots_segmentation", "scripts.spots.Spots"))
    image = np.zeros((6, 7, 8), np.float32)
    image[1:3, 2, 3] = 1
    path = save_nifti(tmp_path / "a.nii.gz", image)
    (result,) = segment_cases(bundle, [path], tmp_path / "out", False, {}, QUIET, QUIET)
    assert result.error is None
    assert np.array_equal(np.asarray(nibabel.load(tmp_path / "out" / "a_seg.nii.gz").dataobj), image)
    with (tmp_path / "out" / "measures.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["structure"], row["measure"], row["value"]) == ("spot", "spots", "2")
    assert Image.open(tmp_path / "out" / "a_overlay.png").size == (9, 7)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<td>spots</td>" in page and 'data-loads="1"' in page  # its own measure, and the view of the kind that it is like
    with zipfile.ZipFile(pack(bundle, tmp_path)) as archive:
        assert "spots_segmentation/scripts/spots.py" in archive.namelist()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("stars", "result_kind 'stars' is not known"),
        ("scripts.spots.Stars", "cannot be used .AttributeError"),
        ("scripts.stars.Stars", "cannot be used .ModuleNotFoundError"),
    ],
)
def test_a_kind_that_is_not_there(tmp_path, kind, message):
    with pytest.raises(UserError, match=message):
        kind_of(Bundle(make_tiny_bundle(tmp_path / "a", kind)))


def test_a_zip_without_the_key_is_measured_as_a_mask(tmp_path):
    bundle = Bundle(make_tiny_bundle(tmp_path / "a"))
    del bundle.metadata["result_kind"]
    assert type(kind_of(bundle)).__name__ == "Volumes"


def test_a_radiograph_without_a_heart_is_measured(tmp_path):
    save_nifti(tmp_path / "a_seg.nii.gz", np.eye(5, dtype=np.uint8)[..., None], np.diag([-1.0, -1, 1, 1]))
    case = CaseFiles("a", "a.png", tmp_path / "a_seg.nii.gz", {"0": "background", "1": "rib"})
    rows = KINDS["radiograph"]().measure(case)
    assert [(row["structure"], row["measure"]) for row in rows] == [("rib", "area")]
