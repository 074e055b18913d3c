"""What the command writes of a case, Python returns: for every kind of result."""

import csv
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image
from small_data import CHEST, CORD, CROPS, DIGITS, LESIONS, MUSCLES, SPINE, write_small_data

import axial
from tools.phantoms.chest import make_chest_phantom
from tools.phantoms.lumbar import make_lumbar_phantom
from tools.phantoms.spinal_cord import make_cord_phantom
from tools.phantoms.write import write_spine_phantoms

BUNDLES = (CORD, MUSCLES, CHEST, LESIONS, SPINE, DIGITS)
OF_THE_RUN = {"run", "written", "seconds", "result_sha256"}  # what no two records have in common; packed files differ in their time


def write_cord(folder: Path) -> list[Path]:
    phantom = make_cord_phantom(np.random.default_rng(1), slices=2, field=(40.0, 40.0))
    nibabel.save(nibabel.Nifti1Image(phantom.image, phantom.affine), folder / "cord.nii.gz")
    return [folder / "cord.nii.gz"]


def write_muscles(folder: Path) -> list[Path]:
    """A water and a fat image, which are measured together."""
    paths = [folder / "back_water.nii.gz", folder / "back_fat.nii.gz"]
    phantom = make_lumbar_phantom(np.random.default_rng(0))
    image = nibabel.Nifti1Image(phantom.image, phantom.affine).slicer[:, :, :2]
    for path in paths:
        nibabel.save(image, path)
    return paths


def write_chest(folder: Path) -> list[Path]:
    phantom = make_chest_phantom(np.random.default_rng(0), kind="bright")
    nibabel.save(nibabel.Nifti1Image(phantom.image, phantom.affine), folder / "film.nii.gz")
    return [folder / "film.nii.gz"]


def write_heads(folder: Path) -> list[Path]:
    write_small_data(LESIONS, folder)
    study = folder / "study"
    study.mkdir()
    for path in folder.glob("phantom_000_*"):
        if "_label." not in path.name:
            path.rename(study / path.name)
    return [study]


def write_spine(folder: Path) -> list[Path]:
    write_spine_phantoms(folder, 1, seed=11, kind="cervical")
    (path,) = folder.glob("*_image.nii.gz")
    nibabel.save(nibabel.load(path).slicer[CROPS[SPINE]], path)
    return [path]


def write_digit(folder: Path) -> list[Path]:
    Image.fromarray(np.eye(8, dtype=np.uint8) * 200).save(folder / "line.png")
    return [folder / "line.png"]


INPUTS = {
    CORD: write_cord, MUSCLES: write_muscles, CHEST: write_chest, LESIONS: write_heads, SPINE: write_spine, DIGITS: write_digit,
}  # fmt: skip


def comparable(row: dict) -> tuple:
    return tuple(row[name] for name in ("case", "structure", "measure", "slice", "unit"))


@pytest.mark.parametrize("bundle", BUNDLES)
def test_python_returns_what_the_command_writes(tools, tmp_path, bundle):
    inputs, out = INPUTS[bundle](tmp_path), tmp_path / "out"
    maps = bundle not in (SPINE, DIGITS)  # which have none
    code, printed = tools("segment", bundle, *inputs, "-o", out, "--device", "cpu", "--json", *(["--maps"] if maps else []))
    assert code == 0, printed
    summary = json.loads(printed[printed.index("{\n") : printed.rindex("}") + 1])["cases"]
    results = axial.load(bundle, device="cpu").segment(inputs)
    with (out / "measures.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for case, result in zip(summary, results, strict=True):
        assert (result.name, result.error, list(result.warnings)) == (case["case"], None, case["warnings"])
        assert result.quality == case["quality"]

        expected = [row for row in rows if row["case"] == result.name]
        found = result.measures.astype({"slice": "object"}).fillna({"slice": ""}).astype({"slice": str}).to_dict("records")
        assert expected and [comparable(row) for row in found] == [comparable(row) for row in expected]
        assert [row["value"] for row in found] == [float(row["value"]) for row in expected]

        written = Path(case["result"])
        stem = written.with_name(written.name.removesuffix(".gz").rpartition(".")[0])
        record = json.loads(Path(f"{stem}.record.json").read_text())
        assert result.record.keys() == record.keys()
        assert {key: value for key, value in result.record.items() if key not in OF_THE_RUN} == {
            key: value for key, value in record.items() if key not in OF_THE_RUN
        }
        described = Path(f"{stem}.json")
        assert result.details == (json.loads(described.read_text()) if described.exists() else {})
        assert bool(result.details) == (bundle in (LESIONS, SPINE, DIGITS))

        if bundle == DIGITS:
            assert np.allclose(result.probability, json.loads(written.read_text())["probabilities"], atol=1e-6)
            continue
        mask = nibabel.load(written)
        assert np.array_equal(mask.dataobj, result.mask.dataobj) and np.allclose(mask.affine, result.mask.affine)
        assert (result.entropy is not None) == maps
        for name in ("probability", "entropy") if maps else ():
            image, mine = nibabel.load(out / f"{result.name}_{name}.nii.gz"), getattr(result, name)
            assert np.allclose(image.get_fdata().reshape(mine.shape), mine.get_fdata(), atol=1e-5)
            assert np.allclose(image.affine, mine.affine, atol=1e-4)


def test_a_measure_of_several_cases_that_fails_leaves_their_own(tmp_path, monkeypatch):
    model = axial.load(DIGITS, device="cpu")

    def fail(cases):
        raise ValueError("no pair")

    monkeypatch.setattr(model._segmenter.kind, "measure_together", fail)
    result = model.segment(write_digit(tmp_path)[0])
    assert len(result.measures) == 1 and result.warnings == ("cannot be measured together: ValueError: no pair",)
