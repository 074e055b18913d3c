"""The command line as a user calls it; exit codes and messages."""

import csv
import json

import nibabel
import numpy as np
import pytest
from conftest import GRAY_MATTER, REPOSITORY, save_nifti

from tools.bundles import Bundle
from tools.phantoms.write import write_cord_phantoms
from tools.sharing.packing import pack

BUNDLES = sorted(path.parents[1].name for path in (REPOSITORY / "bundles").glob("*/configs/metadata.json"))


def test_list_names_every_bundle(tools):
    code, printed = tools("list", "--json")
    names = [row["name"] for row in json.loads(printed[printed.index("[\n") :])]
    assert code == 0 and names == BUNDLES


def test_unknown_bundle_is_wrong_use(tools, tmp_path):
    code, printed = tools("pack", "liver", "-o", tmp_path)
    assert code == 2 and "liver: no such bundle" in printed and "Traceback" not in printed


def test_unknown_option_is_wrong_use(tools):
    assert tools("list", "--nonsense")[0] == 2


def test_phantoms_of_equal_seeds_are_equal(tools, tmp_path):
    for name in ("a", "b"):
        assert tools("phantom", "spinal_cord", tmp_path / name, "--cases", 2, "--seed", 5)[0] == 0
    for path in (tmp_path / "a").glob("*.nii.gz"):
        first, second = (nibabel.load(folder / path.name) for folder in (tmp_path / "a", tmp_path / "b"))
        assert np.array_equal(first.get_fdata(), second.get_fdata())


@pytest.mark.parametrize(
    ("bundle", "kind"), [("muscles", "regions"), ("chest", None), ("lesions", "healthy"), ("vertebrae", "cervical")]
)
def test_every_generator_is_reached_from_the_command_line(tools, tmp_path, bundle, kind):
    assert tools("phantom", bundle, tmp_path, "--cases", 1, *(["--kind", kind] if kind else []))[0] == 0
    assert json.loads((tmp_path / "dataset.json").read_text())["labels"]


def test_data_sets_are_not_overwritten(tools, tmp_path):
    assert tools("phantom", "spinal_cord", tmp_path, "--cases", 1)[0] == 0
    code, printed = tools("phantom", "spinal_cord", tmp_path, "--cases", 1)
    assert code == 2 and "holds a data set already" in printed


def test_segment_goes_on_past_bad_cases(tools, tmp_path):
    write_cord_phantoms(tmp_path / "data", 1, seed=3)
    good = tmp_path / "data" / "phantom_000_image.nii.gz"
    (tmp_path / "broken.nii.gz").write_bytes(b"not an image")
    (tmp_path / "empty.nii.gz").write_bytes(b"")
    array = np.random.rand(8, 8, 2).astype(np.float32)
    save_nifti(tmp_path / "four.nii.gz", np.random.rand(8, 8, 2, 3).astype(np.float32))
    array[2, 2, 0] = np.nan
    save_nifti(tmp_path / "nan.nii.gz", array)
    bad = [tmp_path / f"{name}.nii.gz" for name in ("broken", "empty", "four", "nan", "missing")]
    code, printed = tools("segment", "spinal_cord", *bad, good, "-o", tmp_path / "out")
    flat = " ".join(printed.split())
    assert code == 1 and "1 of 6 cases done" in flat and "Traceback" not in flat
    for text in (
        "broken.nii.gz: cannot be read as an image",
        "empty.nii.gz: the file is empty",
        "four.nii.gz: an image of 4 axes (8x8x2x3)",
        "nan.nii.gz: 1 values are NaN",
        "missing.nii.gz: no such file",
    ):
        assert text in flat
    out = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert out == [
        "measures.csv", "phantom_000_image_overlay.png", "phantom_000_image_seg.nii.gz", "phantom_000_image_seg.record.json",
        "report.html", "report_files",
    ]  # fmt: skip
    mask = nibabel.load(tmp_path / "out" / "phantom_000_image_seg.nii.gz")
    with (tmp_path / "out" / "measures.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    volume = next(float(row["value"]) for row in rows if row["measure"] == "volume")
    assert volume == pytest.approx(np.count_nonzero(mask.dataobj) * np.prod(mask.header.get_zooms()), rel=1e-4)
    before = (tmp_path / "out" / "phantom_000_image_seg.nii.gz").stat().st_mtime_ns
    assert tools("segment", "spinal_cord", good, "-o", tmp_path / "out")[0] == 0
    assert (tmp_path / "out" / "phantom_000_image_seg.nii.gz").stat().st_mtime_ns == before


def test_equal_trees_give_equal_zips(tmp_path):
    first, second = (pack(Bundle(GRAY_MATTER), tmp_path / name) for name in "ab")
    assert first.read_bytes() == second.read_bytes()
    assert first.name == f"{GRAY_MATTER.name}_v{Bundle(GRAY_MATTER).version}.zip"


@pytest.mark.slow
@pytest.mark.parametrize("bundle", BUNDLES)
def test_every_bundle_keeps_the_contract(tools, bundle):
    code, printed = tools("verify", bundle)
    assert code == 0, printed


@pytest.mark.slow
def test_verify_finds_altered_weights_in_a_zip(tools, tmp_path):
    import zipfile

    path = pack(Bundle(GRAY_MATTER), tmp_path)
    altered = tmp_path / "altered.zip"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(altered, "w") as target:
        for name in source.namelist():
            target.writestr(name, b"other" if name.endswith("model.pt") else source.read(name))
    code, printed = tools("verify", altered)
    assert code == 1 and "models/model.pt" in printed and "manifest" in printed
