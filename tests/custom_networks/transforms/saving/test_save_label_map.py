import xml.etree.ElementTree as ET

import nibabel
import numpy as np
import torch
from monai.data import MetaTensor

from custom_networks import SaveLabelMapd


def saved(folder, **options) -> nibabel.Nifti1Image:
    meta = {"filename_or_obj": "a.mha", "spatial_shape": np.array([3, 4, 5]), "original_affine": np.diag([2.0, 2, 3, 1])}
    SaveLabelMapd("pred", folder, **options)({"pred": MetaTensor(torch.ones(1, 3, 4, 5), meta=meta)})
    return nibabel.load(folder / "a_seg.nii.gz")


def test_names_stand_in_the_header_as_a_caret_label_table(tmp_path):
    image = saved(tmp_path, names=["right lung", "heart & vessels"])
    assert np.array_equal(image.dataobj, np.ones((3, 4, 5)))
    (extension,) = image.header.extensions
    table = ET.fromstring(extension.get_content().strip(b"\0") if isinstance(extension.get_content(), bytes) else extension.text)
    assert {label.get("Key"): label.text for label in table.iter("Label")} == {"1": "right lung", "2": "heart & vessels"}
    assert all(0 <= float(label.get(part)) <= 1 for label in table.iter("Label") for part in ("Red", "Green", "Blue", "Alpha"))


def test_no_names_no_extension(tmp_path):
    assert len(saved(tmp_path).header.extensions) == 0
