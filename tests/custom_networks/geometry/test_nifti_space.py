"""The space of NIfTI headers that contradict themselves."""

import nibabel
import numpy as np
import pytest

from custom_networks.geometry.nifti_space import nifti_space


@pytest.mark.parametrize("values", [{"quatern_b": 5.0}, {"quatern_c": np.nan}, {"quatern_b": 0.9, "quatern_d": 0.9}])
def test_a_qform_that_cannot_be_used_is_said(values):
    header = nibabel.Nifti1Image(np.zeros((4, 4, 4), np.uint8), np.eye(4)).header
    header.set_sform(np.eye(4), 1)
    header["qform_code"] = 1
    for name, value in values.items():
        header[name] = value
    space = nifti_space(header, (4, 4, 4))
    assert space.qform_code == 0 and np.array_equal(space.affine, np.eye(4))
    assert space.remarks == ("the qform has no spacing or no rotation; the sform is taken",)
