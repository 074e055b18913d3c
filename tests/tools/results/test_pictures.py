"""Pictures of large volumes cost little beside the networks."""

import nibabel
import numpy as np
import pytest
from conftest import save_nifti

from tools.results import pictures
from tools.results.kinds import CaseFiles
from tools.results.kinds.masks import Slices, Vertebrae

CLASSES = {"0": "background", "19": "T12", "20": "L1"}


@pytest.fixture
def case(tmp_path) -> CaseFiles:
    rng = np.random.default_rng(0)
    mask = np.zeros((40, 30, 50), np.uint8)
    mask[10:20, 5:15, 8:18], mask[12:22, 6:16, 25:39] = 20, 19
    image = (mask > 0) * 500 + rng.normal(0, 20, mask.shape)
    source = save_nifti(tmp_path / "a.nii.gz", image.astype(np.float32))
    save_nifti(tmp_path / "a_seg.nii.gz", mask)
    return CaseFiles("a", str(source), tmp_path / "a_seg.nii.gz", CLASSES)


@pytest.mark.parametrize("kind", [Slices, Vertebrae])
def test_a_case_is_read_once_for_picture_and_report(case, kind, monkeypatch, tmp_path):
    read, load = [], pictures.load_view
    monkeypatch.setattr(pictures, "load_view", lambda *paths: read.append(paths) or load(*paths))
    kind().draw(case, tmp_path / "a.png")
    view = kind().view(case)
    assert len(read) == 1 and (tmp_path / "a.png").stat().st_size > 10_000
    assert np.array_equal(view.mask, np.asarray(nibabel.load(case.result).dataobj)) and view.mask.dtype == np.uint8


def test_the_sections_of_vertebrae_go_through_the_middle_of_all(case, monkeypatch, tmp_path):
    """The axial one through the vertebra nearest to it; no step may go over the whole CT for each vertebra."""
    from matplotlib.axes import Axes

    titles, set_title = [], Axes.set_title
    monkeypatch.setattr(Axes, "set_title", lambda axes, text, **rest: titles.append(text) or set_title(axes, text, **rest))
    Vertebrae().draw(case, tmp_path / "a.png")
    # centroids (14.5, 9.5, 12.5) and (16.5, 10.5, 31.5), their median (15.5, 10, 22): both are as near, T12 comes first
    assert titles == ["sagittal, voxel 16", "coronal, voxel 10", "axial, voxel 32"]
