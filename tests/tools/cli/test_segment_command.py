"""``python -m tools segment`` as it is typed: odd names, what already exists, what is said."""

import csv
import hashlib
import json
import os
import resource

import nibabel
import numpy as np
import pytest
import torch
from conftest import DIGITS, save_nifti
from dicom_files import STUDY
from odd_files import series
from PIL import Image
from tiny_bundle import make_tiny_bundle

from custom_networks import find_cases

ODD = (
    "$__import__('os').system('touch RAN')", "$open('RAN', 'w')", "%x.json::y", "@a", "@network", "hash#3", "a b", "new\nline",
    "\x1b[31m", "[red]", "[x]", "-rf", "--overwrite", "é" * 120, "{{ 7 }}", "<b>", "a,b", "'; rm -rf x; '", '"', "~", "~root", "&",
    "caf\udce9", "a::b", "+a", "\u202e", "100%", "*", "a..", "#", "=1+1",
)  # fmt: skip


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_tiny_bundle(tmp_path_factory.mktemp("tiny") / "spots_segmentation")


@pytest.fixture
def segment(tools):
    """Call ``segment``; the tiny bundle is not one of ours, so it is trusted."""
    return lambda *arguments: tools("segment", *arguments, "--trust")


def spot(path, value: float = 1.0, size: int = 6):
    """Write a small volume with one bright voxel."""
    image = np.zeros((size, size, 4), np.float32)
    image[1, 2, 3] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    return save_nifti(path, image)


def rows_of(folder) -> list[dict]:
    with (folder / "measures.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_names_are_names_and_nothing_else(segment, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spot(tmp_path / "plain.nii.gz")
    for name in ODD:
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"{name}.nii.gz").write_bytes((tmp_path / "plain.nii.gz").read_bytes())
    code, printed = segment(tiny, "in", "-o", tmp_path / "out")
    assert code == 0 and f"{len(ODD)} of {len(ODD)} cases done" in printed and "Traceback" not in printed
    assert not list(tmp_path.rglob("RAN"))
    masks = list((tmp_path / "out").glob("*_seg.nii.gz"))
    assert len(masks) == len(ODD)
    assert all(np.asarray(nibabel.load(mask).dataobj).sum() == 1 for mask in masks)
    assert len({row["case"] for row in rows_of(tmp_path / "out")}) == len(ODD)
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("<!-- case ") == len(ODD) and "<b>" not in page.replace("<body>", "")


@pytest.mark.parametrize("name", ["$__import__('os').system('touch RAN').nii.gz", "@a.nii.gz", "%x.json::y.nii.gz"])
def test_names_typed_on_the_command_line(segment, tiny, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    spot(tmp_path / name)
    out = tmp_path / "$__import__('os').system('touch RAN')"
    weights = tmp_path / "$open('RAN', 'w').pt"
    weights.write_bytes((tiny / "models" / "model.pt").read_bytes())
    code, printed = segment(tiny, name, "-o", out.name, "--weights", weights.name, "--series", "$open('RAN','w')")
    assert code == 0, printed
    assert not (tmp_path / "RAN").exists() and len(list(out.glob("*_seg.nii.gz"))) == 1


def test_digits_of_odd_names(segment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("$open('RAN', 'w')", "hash#3", "[red]", "caf\udce9"):
        Image.fromarray(np.eye(16, dtype=np.uint8) * 255).save(tmp_path / f"{name}.png")
    assert segment("digits", ".", "-o", "out")[0] == 0
    assert len(list((tmp_path / "out").glob("*_pred.json"))) == 4 and not (tmp_path / "RAN").exists()
    assert len(list((tmp_path / "out").glob("*_pred.record.json"))) == 4


def test_output_within_the_input(segment, tiny, tmp_path):
    spot(tmp_path / "a.nii.gz")
    for _ in range(2):
        code, printed = segment(tiny, tmp_path, "-o", tmp_path, "--seg-nrrd")
        assert code == 0 and "1 of 1 cases done" in printed
    assert {row["case"] for row in rows_of(tmp_path)} == {"a"}


def test_results_beside_their_dicom_series(tools, tmp_path):
    spots = make_tiny_bundle(tmp_path / "spots_segmentation", threshold=500)
    (spots / "scripts" / "spots.py").unlink()
    scan = series(SpecificCharacterSet="ISO_IR 100", **STUDY)(tmp_path)
    (scan / "Thumbs.db").write_bytes(b"of Windows")
    for more in ((), ("--overwrite", "--dicom-seg"), ("--overwrite",)):
        code, printed = tools("segment", spots, scan, "-o", scan, "--seg-nrrd", *more)
        assert code == 0 and "1 of 1 cases done" in printed, printed
        assert printed.count("Thumbs.db beside the DICOM files; skipped") == 1


def test_maps_beside_their_images_are_no_images(tmp_path):
    for name in ("a.nii.gz", "a_probability.nii.gz", "a_entropy.nii.gz", "a_prob.nii.gz", "a_seg.nii.gz"):
        save_nifti(tmp_path / name, np.zeros((3, 3, 3), np.uint8))
    assert [case["case"] for case in find_cases(tmp_path)] == ["a"]


def test_equal_names_in_folders_and_suffixes_in_capitals(segment, tiny, tmp_path):
    for name in ("p1/t2.nii.gz", "p2/t2.nii.gz", "p3/SCAN.NII.GZ"):
        spot(tmp_path / "in" / name)
    assert segment(tiny, tmp_path / "in", "-o", tmp_path / "out")[0] == 0
    for name in ("p1_t2", "p2_t2", "SCAN"):
        for end in ("_seg.nii.gz", "_overlay.png", "_seg.record.json"):
            assert (tmp_path / "out" / f"{name}{end}").exists()
    assert segment(tiny, tmp_path / "in/p1/t2.nii.gz", tmp_path / "in/p2/t2.nii.gz", "-o", tmp_path / "two")[0] == 0
    assert {path.name for path in (tmp_path / "two").glob("*.nii.gz")} == {"p1_t2_seg.nii.gz", "p2_t2_seg.nii.gz"}


def test_a_step_that_fails_is_one_line_of_its_case(segment, tmp_path):
    tiny = make_tiny_bundle(tmp_path / "tiny", "scripts.spots.Spots")
    code = (tiny / "scripts" / "spots.py").read_text()
    code = code.replace("voxels = ", 'voxels = 1 / 0 if case.name == "b" else ')
    code = code.replace("from PIL", 'assert case.name != "c", "no paint"\n        from PIL')
    code += (
        '\n    def view(self, case):\n        if case.name == "d":\n            raise MemoryError(case.name)\n        return None\n'
    )
    (tiny / "scripts" / "spots.py").write_text(code)
    for name in "abcd":
        spot(tmp_path / "in" / f"{name}.nii.gz")
    code, printed = segment(tiny, tmp_path / "in", "-o", tmp_path / "out")
    assert code == 1 and "1 of 4 cases done" in printed and "Traceback" not in printed
    assert "b: cannot be measured: ZeroDivisionError" in printed and "c: cannot be drawn: AssertionError: no paint" in printed
    assert "d: cannot be shown in the report: MemoryError" in printed
    assert len(list((tmp_path / "out").glob("*_seg.nii.gz"))) == 4
    assert {row["case"] for row in rows_of(tmp_path / "out")} == {"a", "c", "d"}
    page = (tmp_path / "out" / "report.html").read_text()
    assert all(f"<h2>{name}</h2>" in page for name in "abcd")


def test_all_cases_bad_still_give_a_table_and_a_page(segment, tiny, tmp_path):
    (tmp_path / "a.nii.gz").write_bytes(b"no image")
    assert segment(tiny, tmp_path / "a.nii.gz", tmp_path / "gone.nii.gz", "-o", tmp_path / "out")[0] == 1
    assert rows_of(tmp_path / "out") == []
    page = (tmp_path / "out" / "report.html").read_text()
    assert "a.nii.gz: cannot be read" in page and "gone.nii.gz: no such file" in page


@pytest.mark.parametrize("output", ["file", "file/below", "/proc/here", "x" * 300])
def test_an_output_that_cannot_be_written_is_refused_at_once(segment, tiny, tmp_path, output):
    spot(tmp_path / "a.nii.gz")
    (tmp_path / "file").write_text("kept")
    code, printed = segment(tiny, tmp_path / "a.nii.gz", "-o", tmp_path / output)
    assert code == 2 and "Traceback" not in printed and "Give -o" in printed
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["muscles", "--threshold", "0.4"], "--threshold: spinal_muscles_mri_segmentation has no such option"),
        (["digits", "--batch", "4"], "--batch: handwritten_digits_classification has no such option"),
        (["digits", "--batch", "0"], "greater than or equal to 1"),
        (["chest", "--series", "3"], "--series 3: chest_xray_organs_segmentation reads no series"),
        (["digits", "--export", "rtstruct"], "--rtstruct: handwritten_digits_classification has no such export"),
        (["digits", "--export", "stl"], "--export stl: handwritten_digits_classification has no such export"),
        (["vertebrae", "--levels", "L9"], "error: levels 'L9': no range of vertebrae. Give two names"),
        (["digits", "--dicom-seg"], "--dicom-seg: handwritten_digits_classification has no such export"),
        (["digits", "--seg-nrrd"], "--seg-nrrd: handwritten_digits_classification has no such export"),
        (["digits", "--device", "$open('RAN','w')"], "not a device of this machine"),
        (["digits", "--device", "cuda:99"], "cuda:99: not a device of this machine"),
        (["digits", "--weights", "gone.pt"], "gone.pt: no such file"),
        (["digits", "--weights", str(DIGITS / "LICENSE")], "LICENSE: not a file of weights"),
        (["digits", "--weights", str(DIGITS.parent / "spinal_muscles_mri_segmentation/models/model.pt")], "not the weights of"),
    ],
)
def test_options_that_a_bundle_lacks_are_wrong_use(segment, tmp_path, options, message):
    Image.new("L", (9, 9)).save(tmp_path / "a.png")
    code, printed = segment(options[0], tmp_path / "a.png", "-o", tmp_path / "out", *options[1:])
    assert code == 2 and message in " ".join(printed.split()) and "Traceback" not in printed


def test_a_record_says_what_made_the_mask(segment, tiny, tmp_path):
    path = spot(tmp_path / "a.nii.gz")
    segment(tiny, path, "-o", tmp_path / "out", "--threshold", "0.25")
    record = json.loads((tmp_path / "out" / "a_seg.record.json").read_text())
    assert record["input_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert record["weights_sha256"] == hashlib.sha256((tiny / "models/model.pt").read_bytes()).hexdigest()
    assert record["result_sha256"] == hashlib.sha256((tmp_path / "out" / "a_seg.nii.gz").read_bytes()).hexdigest()
    version = json.loads((tiny / "configs" / "metadata.json").read_text())["version"]
    assert record["settings"] == {"threshold": 0.25} and record["bundle"] == tiny.name and record["version"] == version
    assert record["complete"] and record["case"] == "a" and record["source"] == [str(path)] and record["warnings"] == []
    assert record["software"]["torch"] == torch.__version__ and record["precision"] == "float32" and record["seconds"] >= 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert record["weights_sha256"] in page and "threshold 0.25" in page


def changed_weights(tiny, tmp_path, monkeypatch):
    torch.save({"weight": torch.tensor([0.5])}, tmp_path / "mine.pt")
    return ["--weights", tmp_path / "mine.pt"], "weights"


def changed_threshold(tiny, tmp_path, monkeypatch):
    return ["--threshold", "0.75"], "threshold 0.5 where it is 0.75 now"


def changed_input(tiny, tmp_path, monkeypatch):
    spot(tmp_path / "a.nii.gz", 2.0)
    return [], "another input"


def without_record(tiny, tmp_path, monkeypatch):
    (tmp_path / "out" / "a_seg.record.json").unlink()
    return [], "no record of what made it"


@pytest.mark.parametrize("change", [changed_weights, changed_threshold, changed_input, without_record])
def test_results_of_other_makers_are_not_mixed(segment, tiny, tmp_path, monkeypatch, change):
    path, out = spot(tmp_path / "a.nii.gz"), tmp_path / "out"
    assert segment(tiny, path, "-o", out)[0] == 0
    assert segment(tiny, path, "-o", out)[0] == 0  # nothing changed
    before = (out / "a_seg.nii.gz").read_bytes()
    measured = rows_of(out)
    options, message = change(tiny, tmp_path, monkeypatch)
    spot(tmp_path / "b.nii.gz")
    code, printed = segment(tiny, path, tmp_path / "b.nii.gz", "-o", out, *options)
    assert code == 1 and message in printed and "--overwrite" in printed and (out / "b_seg.nii.gz").exists()
    assert (out / "a_seg.nii.gz").read_bytes() == before
    assert [row for row in rows_of(out) if row["case"] == "a"] == measured
    assert segment(tiny, path, "-o", out, *options, "--overwrite")[0] == 0
    assert json.loads((out / "a_seg.record.json").read_text())["complete"]


def test_a_mask_that_was_corrected_by_hand_is_kept_and_the_page_says_so(segment, tiny, tmp_path):
    path, out = spot(tmp_path / "a.nii.gz"), tmp_path / "out"
    segment(tiny, path, "-o", out)
    mask = nibabel.load(out / "a_seg.nii.gz")
    nibabel.save(nibabel.Nifti1Image(np.ones(mask.shape, np.uint8), mask.affine), out / "a_seg.nii.gz")
    assert segment(tiny, path, "-o", out)[0] == 0
    assert "the result was changed after it was made" in (out / "report.html").read_text()
    assert next(float(row["value"]) for row in rows_of(out) if row["measure"] == "volume") == 144


def test_an_overwritten_case_that_fails_keeps_what_was_there(segment, tiny, tmp_path):
    path, out = spot(tmp_path / "a.nii.gz"), tmp_path / "out"
    segment(tiny, path, "-o", out)
    kept = {name: (out / name).read_bytes() for name in ("a_seg.nii.gz", "a_seg.record.json")}
    path.write_bytes(b"damaged")
    assert segment(tiny, path, "-o", out, "--overwrite")[0] == 1
    assert {name: (out / name).read_bytes() for name in kept} == kept


def test_later_runs_into_one_folder_add_to_the_table_and_the_page(segment, tiny, tmp_path):
    for name in "abc":
        segment(tiny, spot(tmp_path / f"{name}.nii.gz"), "-o", tmp_path / "out")
    assert {row["case"] for row in rows_of(tmp_path / "out")} == {"a", "b", "c"}
    page = (tmp_path / "out" / "report.html").read_text()
    assert all(page.count(f"<h2>{name}</h2>") == 1 for name in "abc") and "3 of 3 done" in page
    (tmp_path / "out" / "b_seg.nii.gz").unlink()
    segment(tiny, tmp_path / "a.nii.gz", "-o", tmp_path / "out")
    assert {row["case"] for row in rows_of(tmp_path / "out")} == {"a", "c"}
    assert "<h2>b</h2>" not in (tmp_path / "out" / "report.html").read_text()


def test_a_full_disk_fails_the_case_by_name_and_leaves_nothing_half(segment, tiny, tmp_path):
    noise = np.random.default_rng(0).random((40, 40, 40)).astype(np.float32)
    save_nifti(tmp_path / "in.nii.gz", noise)
    (tmp_path / "small").mkdir()
    spot(tmp_path / "small" / "a.nii.gz")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))  # no file beyond 4 kB, as if the disk were full
    try:
        code, printed = segment(tiny, tmp_path / "in.nii.gz", "-o", tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    flat = " ".join(printed.split())
    assert code == 1 and "in_seg.nii.gz: cannot be written (File too large)" in flat and "Traceback" not in flat
    assert not [path.name for path in (tmp_path / "out").iterdir() if "partial" in path.name or "_seg" in path.name]
    assert segment(tiny, tmp_path / "in.nii.gz", "-o", tmp_path / "out")[0] == 0


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(segment, tiny, tmp_path):
    segment(tiny, spot(tmp_path / "a.nii.gz"), "-o", tmp_path / "out")
    spot(tmp_path / "b.nii.gz")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    names = [tmp_path / f"{name}.nii.gz" for name in ("a", "b", "gone")]
    code, printed = segment(tiny, *names, "-o", tmp_path / "out", "--dry-run")
    assert code == 1 and "a: already exists, kept" in printed and "b: to be segmented" in printed and "gone: fails" in printed
    assert segment(tiny, names[0], "-o", tmp_path / "out", "--dry-run", "--threshold", "0.2")[1].count("where it is 0.2 now")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    printed = segment(tiny, *names, "-o", tmp_path / "out", "--dry-run", "--json")[1]
    states = [case["state"] for case in json.loads(printed[printed.index("{\n") : printed.rindex("}") + 1])["cases"]]
    assert sorted(states) == ["failed", "kept", "to be segmented"]
    assert segment(tiny, names[1], "-o", tmp_path / "new", "--dry-run")[0] == 0 and not (tmp_path / "new").exists()


def test_a_summary_for_machines(segment, tiny, tmp_path, capfd):
    (tmp_path / "bad.nii.gz").write_bytes(b"x")
    code, printed = segment(tiny, spot(tmp_path / "a.nii.gz"), tmp_path / "bad.nii.gz", "-o", tmp_path / "out", "--json")
    summary = json.loads(printed[printed.index("{\n") : printed.rindex("}") + 1])
    states = {case["case"]: case["state"] for case in summary["cases"]}
    assert code == 1 and states == {"a": "done", "bad": "failed"}
    assert summary["cases"][0]["result"] == str(tmp_path / "out" / "a_seg.nii.gz")
    code, printed = segment(tiny, tmp_path / "a.nii.gz", "-o", tmp_path / "out", "--quiet")
    assert (code, printed) == (0, "")


def test_hidden_environment_is_left_alone(segment, tiny, tmp_path):
    """Nothing of a run stays in the folder but its results."""
    segment(tiny, spot(tmp_path / "a.nii.gz"), "-o", tmp_path / "out")
    assert sorted(os.listdir(tmp_path / "out")) == [
        "a_overlay.png",
        "a_seg.nii.gz",
        "a_seg.record.json",
        "measures.csv",
        "report.html",
        "report_files",
    ]


def test_precision_is_an_option_and_what_the_device_lacks_is_said_first(tools, tmp_path):
    Image.fromarray(np.eye(64, dtype=np.uint8) * 255).save(tmp_path / "a.png")
    for word, problem in (("half", "no such precision"), ("float16", "for GPUs"), ("$exit()", "not a value")):
        code, printed = tools(
            "segment", "chest", tmp_path / "a.png", "-o", tmp_path / "out", "--device", "cpu", "--precision", word
        )
        assert code == 2 and problem in printed and not (tmp_path / "out").exists()
    code, printed = tools("segment", "digits", tmp_path / "a.png", "-o", tmp_path / "out", "--precision", "float32")
    assert code == 2 and "no such option" in printed
    options = ("-o", tmp_path / "out", "--device", "cpu", "--precision")
    assert tools("segment", "chest", tmp_path / "a.png", *options, "float32")[0] == 0
    record = tmp_path / "out" / "a_seg.record.json"
    content = json.loads(record.read_text())
    assert content["settings"] == {"precision": "float32", "window_batch": None} and content["precision"] == "float32"
    record.write_text(json.dumps(content | {"settings": {"bfloat16": False}}))  # as versions before 0.2.0 called it
    assert tools("segment", "chest", tmp_path / "a.png", *options, "float32")[0] == 0
    code, printed = tools("segment", "chest", tmp_path / "a.png", *options, "auto")
    assert code == 1 and "precision float32 where it is auto now" in printed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (None, "holds no names and values"),
        ({"network_data_format": []}, "network_data_format.inputs.image is missing or of another type"),
        ({"version": {"a": 1}}, "version is missing or of another type"),
        ({"version": "../../x"}, "version '../../x' is not one"),
        ({"channel_def": {"x": "spot"}}, "channel_def is no list of label values and names"),
        ({"result_kind": ["volumes"]}, "result_kind ['volumes'] is not known"),
    ],
)
def test_odd_metadata_of_a_foreign_bundle_is_said_in_one_line(segment, tmp_path, change, words):
    bundle = make_tiny_bundle(tmp_path / "spots_segmentation")
    path = bundle / "configs" / "metadata.json"
    metadata = json.loads(path.read_text())
    if change is not None and "channel_def" in change:
        metadata["network_data_format"]["outputs"]["pred"] |= change
    path.write_text(json.dumps([] if change is None else metadata | change))
    code, printed = segment(bundle, spot(tmp_path / "a.nii.gz"), "-o", tmp_path / "out")
    assert code == 2 and words in " ".join(printed.split()) and "fault of the program" not in printed
