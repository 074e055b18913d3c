"""Odd files through the command: masks and measures agree in mm, refusals name the file, the others are done."""

import csv
import gzip
import shutil
import zipfile

import nibabel
import numpy as np
import odd_files
import pytest
import torch
from dicom_files import write_radiograph, write_slice
from odd_files import AFFINE, PACKINGS, PLACE, SIZE, nifti, pixdim, without_codes
from tiny_bundle import make_tiny_bundle

from tools.phantoms.chest import make_chest_phantom

RIGHT = {
    "plain": nifti(name="plain.nii"),
    "micrometres": nifti(name="micrometres.nii", affine=np.diag([1e3, 1e3, 1e3, 1]) @ AFFINE, xyzt_units=3),
    "pixdim": nifti(name="pixdim.nii", pixdim=pixdim(1, 8, 5, 30)),
    "qform": nifti(name="qform.nii", qform_code=1, srow_x=0, srow_y=0, srow_z=0),
    "two": nifti(name="two.nii", v2=True),
    "packed": odd_files.meta_image("packed.mha", data=PACKINGS["zlib"], CompressedData=True),
    "lps": odd_files.nrrd_file(
        "lps.nrrd", **{"space": "LPS", "space directions": np.diag([0.8, 0.5, 3]), "space origin": [-10, 20, 30]}
    ),
    "a": odd_files.series(then=odd_files.zipped),
    "bare": nifti(name="bare.nii", **without_codes()),
}
REFUSED = {
    "complex.nii": (nifti(name="complex.nii", array=odd_files.VOLUME.astype(np.complex64)), "complex voxels"),
    "zeros.nii": (nifti(name="zeros.nii", srow_x=0, srow_y=0, srow_z=0), "the affine is singular"),
    "elsewhere.mhd": (odd_files.meta_image("elsewhere.mhd", ElementDataFile="/etc/hostname"), "another folder"),
    "cut.nii.gz": (nifti(lambda raw: gzip.compress(bytes(raw))[:-90], "cut.nii.gz"), "cannot be read as an image"),
    "huge.nii": (nifti(name="huge.nii", dim=[3, 32767, 32767, 32767, 1, 1, 1, 1]), "GiB of voxels"),
    "beyond.nii": (
        nifti(name="beyond.nii", array=odd_files.VOLUME * np.float32(3e35)),
        "values up to 3e+38, which no scanner gives",
    ),
    "s2.dcm": (odd_files.series(2, PhotometricInterpretation="PALETTE COLOR"), "a colour image (PALETTE COLOR)"),
}


@pytest.fixture
def spots(tmp_path):
    """A bundle that marks what is brighter than 500, without code of its own."""
    folder = make_tiny_bundle(tmp_path / "spots_segmentation", threshold=500)
    (folder / "scripts" / "spots.py").unlink()
    return folder


def rows_of(folder) -> list[dict]:
    with (folder / "measures.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_masks_and_measures_agree_in_mm(tools, spots, tmp_path):
    inputs = [make(tmp_path) for make in RIGHT.values()]
    (tmp_path / "series").rename(tmp_path / "unused")
    inputs += [make(tmp_path) for make, _ in REFUSED.values()]
    code, printed = tools("segment", spots, *inputs, "-o", tmp_path / "out")
    flat = " ".join(printed.split())
    assert code == 1, printed
    assert f"{len(RIGHT)} of {len(inputs)} cases done" in flat and "Traceback" not in flat
    for file, (_, words) in REFUSED.items():
        assert f"{file}: " in flat and words in flat
    volumes = {row["case"]: float(row["value"]) for row in rows_of(tmp_path / "out") if row["measure"] == "volume"}
    assert volumes.keys() == RIGHT.keys()
    for case, volume in volumes.items():
        mask = nibabel.load(tmp_path / "out" / f"{case}_seg.nii.gz")
        assert volume == pytest.approx(SIZE, rel=1e-3), case
        if case != "bare":
            place = mask.affine @ [*np.argwhere(np.asarray(mask.dataobj)).mean(0), 1]
            np.testing.assert_allclose(place[:3], PLACE, atol=0.01, err_msg=case)
        assert (tmp_path / "out" / f"{case}_overlay.png").exists()


def test_an_image_larger_than_is_read(tools, spots, tmp_path, monkeypatch):
    monkeypatch.setenv("AXIAL_MAX_BYTES", str(2**32))  # so that it is as before when this test ends
    path = nifti(name="plain.nii")(tmp_path)
    code, printed = tools("segment", spots, path, "-o", tmp_path / "out", "--max-bytes", 1000)
    assert code == 1 and "plain.nii: 3.94 KiB of voxels, more than the 1000 bytes that are read" in " ".join(printed.split())
    assert tools("segment", spots, path, "-o", tmp_path / "out", "--max-bytes", 5000)[0] == 0


def test_a_zip_that_is_a_bomb(tools, spots, tmp_path):
    slice_ = write_slice(tmp_path / "s.dcm", (0, 0, 0), np.ones((6, 9)), PixelData=bytes(60 * 2**20))
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for index in range(5):
            archive.write(slice_, f"{index}.dcm")
    code, printed = tools("segment", spots, tmp_path / "bomb.zip", "-o", tmp_path / "out")
    assert code == 1 and "which images never do" in " ".join(printed.split())


def test_another_modality_and_a_film_without_orientation(tools, tmp_path):
    film = make_chest_phantom(np.random.default_rng(3)).image[..., 0].astype(np.int16)
    mri = write_radiograph(tmp_path / "mri.dcm", film.T.astype(np.uint16), Modality="MR")
    lps = np.diag([-0.4, -0.4, 1, 1])
    coded = nifti(name="coded.nii", array=film[..., None], affine=lps)(tmp_path)
    bare = nifti(name="bare.nii", array=film[..., None], affine=lps, **without_codes())(tmp_path)
    code, printed = tools("segment", "chest", mri, coded, bare, "-o", tmp_path / "out")
    assert code == 1 and "mri.dcm: its modality is MR, this bundle is for DX or CR" in " ".join(printed.split())
    masks = [nibabel.load(tmp_path / "out" / f"{name}_seg.nii.gz") for name in ("coded", "bare")]
    assert np.array_equal(masks[0].dataobj, masks[1].dataobj) and len(np.unique(masks[0].dataobj)) == 6
    assert masks[1].header["sform_code"] == masks[1].header["qform_code"] == 0
    areas = [
        {row["structure"]: row["value"] for row in rows_of(tmp_path / "out") if row["case"] == name} for name in ("coded", "bare")
    ]
    assert areas[0] == areas[1]
    assert tools("segment", "chest", mri, "-o", tmp_path / "out", "--any-modality")[0] == 0


def test_names_that_a_spreadsheet_would_evaluate(tools, spots, tmp_path):
    out, labels = tmp_path / "out", tmp_path / "labels"
    scans = [nifti(name=f"{name}.nii")(tmp_path) for name in ("=HYPERLINK(A1)", "-cmd", "@SUM(1)", "plain")]
    for scan in scans:  # one run each, so that rows are read and written again
        assert tools("segment", spots, scan, "-o", out)[0] == 0
    text = (out / "measures.csv").read_text(encoding="utf-8")
    assert {line[:4] for line in text.splitlines()[1:]} == {"'=HY", "'-cm", "'@SU", "plai"}
    labels.mkdir()
    for mask in out.glob("*_seg.nii.gz"):
        (labels / mask.name.replace("_seg", "_label")).write_bytes(mask.read_bytes())
    assert tools("score", out, labels, "--bundle", spots, "-o", tmp_path / "scores")[0] == 0
    scored = (tmp_path / "scores" / "scores.csv").read_text(encoding="utf-8")
    assert {line[:4] for line in scored.splitlines()[1:]} == {"'=HY", "'-cm", "'@SU", "plai"}
    rescans = tmp_path / "rescans"
    shutil.copytree(out, rescans)
    assert tools("score", out, rescans, "--bundle", spots, "--repeat")[0] == 0


def test_weights_that_hold_nan_are_refused_by_segment_and_pack(tools, spots, tmp_path):
    torch.save({"weight": torch.tensor([float("nan")])}, tmp_path / "nan.pt")
    path = nifti(name="plain.nii")(tmp_path)
    code, printed = tools("segment", spots, path, "-o", tmp_path / "out", "--weights", tmp_path / "nan.pt")
    assert code == 2 and "nan.pt: weight holds NaN" in " ".join(printed.split())
    code, printed = tools("pack", spots, "--weights", tmp_path / "nan.pt", "--name", "mine", "-o", tmp_path / "dist")
    assert code == 2 and "nan.pt: weight holds NaN" in " ".join(printed.split())
