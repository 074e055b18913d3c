"""Motions and grids by which heads with skull are scored."""

import numpy as np
import pytest

from custom_networks.errors import UserError
from tools.scoring.raw_heads import _resampled, _transform, score_raw_heads

TRANSFORM = """#Insight Transform File V1.0
#Transform 0
Transform: MatrixOffsetTransformBase_double_3_3
Parameters: 0 -1 0 1 0 0 0 0 1 1 2 3
FixedParameters: 10 20 30
"""


def test_an_itk_transform_is_read_in_the_axes_of_nifti(tmp_path):
    """A quarter turn about (10, 20, 30) of ITK's axes, whose x and y run against those of NIfTI."""
    (tmp_path / "t.txt").write_text(TRANSFORM)
    motion = _transform(tmp_path / "t.txt")
    np.testing.assert_allclose(motion @ [-10, -20, 30, 1], [-11, -22, 33, 1])
    np.testing.assert_allclose(motion @ [-11, -20, 30, 1], [-11, -23, 33, 1])


def test_an_image_is_taken_from_where_the_motion_leads():
    values = np.zeros((6, 6, 6), np.float32)
    values[4, 1, 2] = 1
    motion = np.eye(4)
    motion[0, 3] = 4  # mm
    moved = _resampled((values, np.diag([2.0, 1, 1, 1])), motion, (np.zeros((8, 6, 6)), np.eye(4)), order=1)
    assert moved[:, 1, 2].tolist() == [0, 0, 0, 0.5, 1, 0.5, 0, 0] and moved.sum() == 2


def test_a_folder_without_studies_is_told(tmp_path):
    with pytest.raises(UserError, match="holds no patient"):
        score_raw_heads(None, tmp_path, tmp_path)
