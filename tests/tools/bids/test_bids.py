"""A BIDS data set in, BIDS derivatives out."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
from conftest import save_nifti
from tiny_bundle import make_tiny_bundle

from custom_networks import UserError
from tools.bids.dataset import find_images
from tools.bids.names import parse_name, segmentation_name
from tools.bundles import get_bundle

VALIDATOR = shutil.which("bids-validator-deno") or shutil.which("bids-validator-deno", path=str(Path(sys.executable).parent))


def image(root: Path, name: str, value: float = 1.0) -> Path:
    """Write a small image at its place in a data set, with the sidecar that BIDS wants."""
    parts = dict(part.split("-") for part in name.split("_")[:-1])
    folder = root / f"sub-{parts['sub']}" / (f"ses-{parts['ses']}" if "ses" in parts else "") / "anat"
    folder.mkdir(parents=True, exist_ok=True)
    array = np.zeros((6, 7, 4), np.float32)
    array[1:3, 2, 3] = value
    (folder / f"{name}.json").write_text("{}")
    return save_nifti(folder / f"{name}.nii.gz", array)


def described(root: Path, **facts) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    content = {"Name": "phantoms", "BIDSVersion": "1.10.0", "Authors": ["A", "B"], "License": "CC0"} | facts
    (root / "dataset_description.json").write_text(json.dumps(content))
    return root


@pytest.fixture
def data(tmp_path):
    root = described(tmp_path / "raw")
    for name in (
        "sub-01_T2starw", "sub-01_T1w", "sub-02_ses-A_acq-ax_run-1_T2starw", "sub-02_ses-A_acq-ax_run-2_T2starw",
        "sub-02_ses-B_T2starw", "sub-03_mt-on_MTS", "sub-03_mt-off_MTS", "sub-03_T2starw", "sub-04_echo-1_part-mag_MEGRE",
        "sub-04_echo-1_part-phase_MEGRE", "sub-05_chunk-1_T2starw",
    ):  # fmt: skip
        image(root, name)
    image(root / "derivatives" / "other", "sub-01_space-orig_desc-other_T2starw")
    return root


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_tiny_bundle(tmp_path_factory.mktemp("tiny") / "spots_segmentation")


@pytest.fixture
def segment(tools):
    return lambda *arguments: tools("segment", *arguments, "--trust", "--bids")


def segmentations(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.glob("sub-*/**/*.nii.gz")}


def judged(folder: Path) -> list[tuple[str, str]]:
    """Return the errors that the validator of the BIDS standard finds."""
    if VALIDATOR is None:
        return []
    found = subprocess.run([VALIDATOR, "--format", "json", str(folder)], capture_output=True, text=True)
    issues = json.loads(found.stdout)["issues"]["issues"]
    return [(issue["code"], issue["location"]) for issue in issues if issue["severity"] == "error"]


def test_a_data_set(data, tiny, segment, tmp_path):
    out = tmp_path / "out"
    code, printed = segment(tiny, data, "-o", out)
    assert code == 0 and "9 of 9 cases done" in printed, printed
    spot = "_space-orig_desc-spots_dseg.nii.gz"
    assert segmentations(out) == {
        f"sub-01/anat/sub-01{spot}",
        f"sub-02/ses-A/anat/sub-02_ses-A_acq-ax_run-1{spot}",
        f"sub-02/ses-A/anat/sub-02_ses-A_acq-ax_run-2{spot}",
        f"sub-02/ses-B/anat/sub-02_ses-B{spot}",
        "sub-03/anat/sub-03_space-orig_desc-spotsMTSMton_dseg.nii.gz",
        "sub-03/anat/sub-03_space-orig_desc-spotsMTSMtoff_dseg.nii.gz",
        "sub-03/anat/sub-03_space-orig_desc-spotsT2starw_dseg.nii.gz",
        f"sub-04/anat/sub-04_echo-1_part-mag{spot}",
        "sub-05/anat/sub-05_space-orig_chunk-1_desc-spots_dseg.nii.gz",
    }
    assert judged(out) == []
    mask = nibabel.load(out / f"sub-01/anat/sub-01{spot}")
    assert np.asarray(mask.dataobj).sum() == 2 and mask.get_data_dtype() == np.uint8
    sidecar = json.loads((out / "sub-01/anat/sub-01_space-orig_desc-spots_dseg.json").read_text())
    assert sidecar["Sources"] == ["bids:raw:sub-01/anat/sub-01_T2starw.nii.gz"] == [sidecar["SpatialReference"]]
    assert sidecar["Axial"]["bundle"] == "spots_segmentation" and len(sidecar["Axial"]["weights_sha256"]) == 64
    description = json.loads((out / "dataset_description.json").read_text())
    assert description["DatasetType"] == "derivative" and description["DatasetLinks"] == {"raw": "../raw"}
    assert [made["Name"] for made in description["GeneratedBy"]] == ["axial"]
    with (out / "desc-spots_dseg.tsv").open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert rows == [
        {"index": "0", "name": "background", "color": "#000000"},
        {"index": "1", "name": "spot", "color": "#ffd400"},
    ]
    columns = json.loads((out / "desc-spots_dseg.json").read_text())
    assert list(columns) == list(rows[0]) and not columns.keys() & sidecar.keys()  # masks inherit it
    assert (out / "spots_segmentation" / "measures.csv").exists() and (out / "spots_segmentation" / "report.html").exists()
    code, printed = segment(tiny, data, "-o", out)  # again: nothing is computed, nothing doubled
    assert code == 0 and judged(out) == []
    assert json.loads((out / "dataset_description.json").read_text()) == description


def test_people_and_derivatives_inside_the_data_set(data, tiny, segment):
    out = data / "derivatives" / "axial"
    assert segment(tiny, data / "sub-02", "-o", out)[0] == 0
    assert len(segmentations(out)) == 3 and judged(out) == []
    assert segment(tiny, data / "sub-02" / "ses-B", "-o", out)[0] == 0
    assert json.loads((out / "dataset_description.json").read_text())["DatasetLinks"] == {"raw": "../.."}


def test_the_data_set_itself_is_left_alone(data, tiny, segment, tmp_path):
    before = sorted(data.rglob("*"))
    code, printed = segment(tiny, data, "-o", data)
    assert code == 2 and "another data set is there" in printed and "derivatives/axial" in printed
    described(tmp_path / "other", DatasetType="derivative", GeneratedBy=[{"Name": "fMRIPrep"}])
    code, printed = segment(tiny, data, "-o", tmp_path / "other")
    assert code == 2 and "another data set is there" in printed
    assert sorted(data.rglob("*")) == before


def test_two_bundles_share_a_folder(data, tiny, segment, tmp_path):
    other = make_tiny_bundle(tmp_path / "tiny" / "other_spots_segmentation")
    for bundle in (tiny, other, other):
        assert segment(bundle, data / "sub-01", "-o", tmp_path / "out")[0] == 0
    description = json.loads((tmp_path / "out" / "dataset_description.json").read_text())
    assert [made["Description"].split()[0] for made in description["GeneratedBy"]] == [
        "spots_segmentation",
        "other_spots_segmentation",
    ]
    assert len(segmentations(tmp_path / "out")) == 2 and judged(tmp_path / "out") == []


def test_one_bad_image_leaves_the_others(data, tiny, segment, tmp_path):
    (data / "sub-01" / "anat" / "sub-01_T2starw.nii.gz").write_bytes(b"no image")
    lost = data / "sub-02" / "ses-B" / "anat" / "sub-02_ses-B_T2starw.nii.gz"
    lost.unlink()
    lost.symlink_to(tmp_path / "annex" / "missing")
    code, printed = segment(tiny, data, "-o", tmp_path / "out")
    assert code == 1 and "its content is not there" in printed and "failed: sub-01_T2starw, sub-02_ses-B_T2starw" in printed
    assert len(segmentations(tmp_path / "out")) == 7 and judged(tmp_path / "out") == []


def test_other_suffixes(data, tiny, segment, tmp_path):
    assert segment(tiny, data, "-o", tmp_path / "out", "--bids-suffix", "T1w")[0] == 0
    assert segmentations(tmp_path / "out") == {"sub-01/anat/sub-01_space-orig_desc-spots_dseg.nii.gz"}
    code, printed = segment(tiny, data, "-o", tmp_path / "none", "--bids-suffix", "PDw")
    assert code == 2 and "no PDw image" in printed and "T2starw (6)" in printed and "--bids-suffix" in printed


def test_suffixes_of_no_data_set_are_without_effect(data, tiny, tools, tmp_path):
    code, printed = tools("segment", tiny, data, "-o", tmp_path / "none", "--bids-suffix", "T1w")
    assert code == 2 and "--bids-suffix: without effect" in printed and not (tmp_path / "none").exists()


def test_what_is_no_data_set(tiny, segment, tmp_path):
    image(tmp_path / "x", "sub-01_T2starw").rename(tmp_path / "scan.nii.gz")
    code, printed = segment(tiny, tmp_path / "scan.nii.gz", "-o", tmp_path / "out")
    assert code == 2 and "not a BIDS data set" in printed and not (tmp_path / "out").exists()
    for arguments in ((tiny, tmp_path, tmp_path), (tiny, tmp_path, "--dry-run"), (tiny, tmp_path, "--series", "1")):
        assert segment(*arguments, "-o", tmp_path / "out")[0] == 2
    code, printed = segment("chest", tmp_path / "x", "-o", tmp_path / "out")
    assert code == 2 and "reads nothing that BIDS has" in printed


def test_flair_and_t1_of_one_session(tmp_path):
    root = described(tmp_path / "raw")
    for name in (
        "sub-01_ses-1_FLAIR", "sub-01_ses-1_T1w", "sub-01_ses-2_acq-3D_FLAIR", "sub-01_ses-2_acq-3D_T1w", "sub-01_ses-2_T1w",
        "sub-01_ses-2_ce-gadolinium_T1w", "sub-02_FLAIR", "sub-03_T1w", "sub-04_run-2_FLAIR", "sub-04_acq-mprage_T1w",
        "sub-05_FLAIR", "sub-05_ce-gadolinium_T1w",
    ):  # fmt: skip
        image(root, name)
    found = find_images(root, None, ("FLAIR", "T1"))
    pairs = {
        str(study.name): [None if other is None else other.name.removesuffix(".nii.gz") for other in study.others]
        for study in found
    }
    assert pairs == {
        "sub-01_ses-1_FLAIR": ["sub-01_ses-1_T1w"],
        "sub-01_ses-2_acq-3D_FLAIR": ["sub-01_ses-2_acq-3D_T1w"],
        "sub-02_FLAIR": [None],
        "sub-04_run-2_FLAIR": ["sub-04_acq-mprage_T1w"],
        "sub-05_FLAIR": [None],
    }
    first = found[0].case
    assert [path.rpartition("/")[2] for path in first["image"]] == ["sub-01_ses-1_FLAIR.nii.gz", "sub-01_ses-1_T1w.nii.gz"]
    with pytest.raises(UserError, match=r"no FLAIR image.*there are T1w \(1\)"):
        find_images(root / "sub-03", None, ("FLAIR", "T1"))


def test_every_bundle_says_what_it_reads():
    assert "T2starw" in get_bundle("spinal_cord").metadata["bids_suffixes"]
    assert get_bundle("vertebrae").metadata["bids_suffixes"] == ["ct", "CT"]
    assert get_bundle("chest").metadata["bids_suffixes"] == []


@pytest.mark.parametrize(
    ("file", "entities", "suffix"),
    [
        ("sub-01_T1w.nii.gz", {"sub": "01"}, "T1w"),
        ("sub-verse004_ct.nii.gz", {"sub": "verse004"}, "ct"),
        ("sub-01_ses-2026_acq-ax_run-01_T2starw.nii", {"sub": "01", "ses": "2026", "acq": "ax", "run": "01"}, "T2starw"),
        ("sub-01_T1w.json", None, None),
        ("T1w.nii.gz", None, None),
        ("acq-1_T1w.nii.gz", None, None),
        ("sub-01_sub-02_T1w.nii.gz", None, None),
        ("sub-01_T1w_seg-final.nii.gz", None, None),
        ("sub-01 (copy)_T1w.nii.gz", None, None),
    ],
)
def test_names(file, entities, suffix):
    found = parse_name(file)
    assert (found is None) if entities is None else (found.entities == entities and found.suffix == suffix)


def test_names_of_segmentations():
    name = parse_name("sub-1_ses-2_acq-a_run-3_space-MNI152_desc-preproc_T2w.nii.gz")
    assert str(segmentation_name(name, "spinalCord", False)) == "sub-1_ses-2_acq-a_run-3_space-MNI152_desc-spinalCord_dseg"
    assert str(segmentation_name(name, "spinalCord", True)).endswith("_desc-spinalCordT2wDescpreproc_dseg")
