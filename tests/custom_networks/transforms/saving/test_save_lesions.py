import json

import nibabel
import numpy as np
import torch
from monai.data import MetaTensor
from pytest import approx

from custom_networks import FindLesionsd, SaveLesionsd

AFFINE = np.diag([2.0, 1.0, 1.5, 1.0])  # voxels of 3 mm3


def probability(tmp_path) -> MetaTensor:
    array = np.zeros((1, 12, 12, 12), np.float32)
    array[0, 1:3, 1:3, 1:3] = 0.9  # 24 mm3
    array[0, 2, 2, 2] = 0.6
    array[0, 8:11, 8:11, 8:13] = 0.7  # 108 mm3
    array[0, 6, 1, 9] = 0.4  # below the threshold
    meta = {"original_affine": AFFINE, "filename_or_obj": str(tmp_path / "p_FLAIR.nii.gz")}
    return MetaTensor(torch.from_numpy(array), affine=torch.from_numpy(AFFINE), meta=meta)


def test_mask_rows_and_files(tmp_path):
    data = FindLesionsd("pred", probability_key="probability")({"pred": probability(tmp_path)})
    assert float(data["pred"].sum()) == 8 + 36 and data["pred"].unique().tolist() == [0, 1]
    SaveLesionsd("pred", tmp_path, "probability")(data)
    content = json.loads((tmp_path / "p_FLAIR_seg.json").read_text())
    assert content["case"] == "p_FLAIR" and content["count"] == 2 and content["volume_mm3"] == 132
    assert content["by_size_mm3"]["10-100"] == {"count": 1, "volume_mm3": 24.0}
    assert content["by_size_mm3"]["100+"] == {"count": 1, "volume_mm3": 108.0}
    first, second = content["lesions"]
    assert first["volume_mm3"] == 108 and first["mean_probability"] == approx(0.7)
    assert second["centroid_mm"] == [3.0, 1.5, 2.25]
    assert second["mean_probability"] == approx((7 * 0.9 + 0.6) / 8, abs=1e-3) and second["largest_probability"] == 0.9
    saved = nibabel.load(tmp_path / "p_FLAIR_prob.nii.gz")
    assert saved.get_fdata().max() == approx(0.9) and np.allclose(saved.affine, AFFINE)


def test_lesions_below_3_mm3_are_dropped(tmp_path):
    small = probability(tmp_path)
    small.meta["original_affine"] = np.diag([0.5, 0.5, 1.0, 1.0])  # the smaller one has 2 mm3 now
    mask = FindLesionsd("pred")({"pred": small})["pred"]
    assert float(mask.sum()) == 36 and len(json.loads(mask.meta["lesions"])) == 1


def test_lesions_that_are_nowhere_certain_are_dropped(tmp_path):
    mask = FindLesionsd("pred", peak=0.8)({"pred": probability(tmp_path)})["pred"]
    (row,) = json.loads(mask.meta["lesions"])
    assert row["number"] == 1 and row["volume_mm3"] == 24
    assert float(mask.sum()) == 8 and mask[0, 2, 2, 2] == 1  # whole, with its voxel of 0.6; the one of 0.7 throughout is gone


def test_no_lesion_is_a_result_too(tmp_path):
    empty = probability(tmp_path) * 0
    data = FindLesionsd("pred", probability_key="p")({"pred": empty})
    SaveLesionsd("pred", tmp_path)(data)
    content = json.loads((tmp_path / "p_FLAIR_seg.json").read_text())
    assert content["count"] == 0 and content["volume_mm3"] == 0 and content["lesions"] == []
    assert not (tmp_path / "p_FLAIR_prob.nii.gz").exists()
