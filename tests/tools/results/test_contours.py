"""Masks as polygons, and polygons as structure sets in mm."""

import numpy as np
import pydicom
import pytest
from conftest import VERTEBRAE, save_nifti
from dicom_files import STUDY, write_ct, write_enhanced, write_slice
from skimage.measure import points_in_poly

from custom_networks import LoadVolumed, UserError
from tools.bundles import Bundle
from tools.results.contours import outline
from tools.results.export_rtstruct import write_rtstruct

BOX = np.s_[3:7, 2:5]
PLANES = {
    "axial": ([1, 0, 0, 0, 1, 0], (0, 0, 4)),
    "sagittal": ([0, 1, 0, 0, 0, -1], (4, 0, 0)),
    "oblique": ([0.96, 0.28, 0, -0.28, 0.96, 0], (0, 0, 4)),
}


def area(polygon: np.ndarray) -> float:
    x, y = polygon.T
    return abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def filled(polygons, shape) -> np.ndarray:
    """Return the voxels whose centres lie in an odd number of polygons."""
    centres = np.argwhere(np.ones(shape))
    inside = sum((points_in_poly(centres, polygon).astype(int) for polygon in polygons), np.zeros(len(centres), int))
    return (inside % 2 == 1).reshape(shape)


def test_a_box():
    mask = np.zeros((10, 9), bool)
    mask[BOX] = True
    (polygon,) = outline(mask)
    np.testing.assert_allclose([polygon.min(0), polygon.max(0)], [[2.5, 1.5], [6.5, 4.5]])
    assert area(polygon) == pytest.approx(4 * 3 - 4 / 8)  # its corners are cut


def disc(shape, centre, radius) -> np.ndarray:
    return sum((grid - middle) ** 2 for grid, middle in zip(np.indices(shape), centre, strict=True)) < radius**2


@pytest.mark.parametrize(
    ("mask", "pieces"),
    [
        (np.zeros((5, 5), bool), 0),
        (np.ones((5, 4), bool), 1),  # up to the edges
        (np.eye(4, dtype=bool), 4),  # corners alone
        (disc((40, 40), (20, 20), 15) & ~disc((40, 40), (20, 20), 6), 1),
        (
            disc((40, 40), (20, 20), 18)
            & ~disc((40, 40), (14, 20), 4)
            & ~disc((40, 40), (26, 20), 4)
            & ~disc((40, 40), (20, 30), 3),
            1,
        ),
        (disc((40, 40), (20, 20), 18) & ~disc((40, 40), (20, 20), 12) | disc((40, 40), (20, 20), 6), 2),  # an island in a hole
        (
            disc((50, 30), (12, 15), 8) & ~disc((50, 30), (12, 15), 3) | disc((50, 30), (37, 15), 8) & ~disc((50, 30), (37, 15), 3),
            2,
        ),
        (np.random.default_rng(3).random((24, 24)) < 0.5, None),
    ],
)
def test_polygons_hold_the_mask(mask, pieces):
    polygons = outline(mask)
    assert pieces is None or len(polygons) == pieces
    assert np.array_equal(filled(polygons, mask.shape), mask)


def spheres(affine, shape, radii) -> np.ndarray:
    grid = np.moveaxis(np.indices(shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    middle = affine[:3, :3] @ ((np.array(shape) - 1) / 2) + affine[:3, 3]
    distance = np.linalg.norm(grid - middle, axis=-1)
    return ((distance < radii[1]) & (distance >= radii[0])).astype(np.uint8) * 20


def read_mm(path, number: int = 0):
    """Return the polygons of a region, ``(points, 3)`` in mm, LPS, with their items."""
    region = pydicom.dcmread(path).ROIContourSequence[number]
    return [(np.array(item.ContourData, float).reshape(-1, 3), item) for item in region.ContourSequence]


def test_a_shell_in_mm(tmp_path):
    write_ct(tmp_path / "ct", np.zeros((40, 36, 20), np.int16), (1.0, 1.1, 2.0))
    affine = np.asarray(LoadVolumed("image")({"image": str(tmp_path / "ct")})["image"].affine)
    label = spheres(affine, (40, 36, 20), (6, 15))
    write_rtstruct(Bundle(VERTEBRAE), tmp_path / "ct", save_nifti(tmp_path / "a_seg.nii.gz", label, affine), tmp_path / "a.dcm")
    polygons = read_mm(tmp_path / "a.dcm")
    volume = sum(area(points[:, :2]) * 2.0 for points, _ in polygons)
    assert volume == pytest.approx(np.count_nonzero(label) * 1.1 * 2, rel=2e-3)
    assert volume == pytest.approx(4 / 3 * np.pi * (15**3 - 6**3), rel=0.02)
    middle = np.mean([points.mean(0) for points, _ in polygons], axis=0)
    np.testing.assert_allclose(middle, [19.5, 17.5 * 1.1, 19], atol=0.2)
    files = {pydicom.dcmread(path).SOPInstanceUID: pydicom.dcmread(path) for path in (tmp_path / "ct").iterdir()}
    for points, item in polygons:
        source = files[item.ContourImageSequence[0].ReferencedSOPInstanceUID]
        assert np.allclose(points[:, 2], source.ImagePositionPatient[2], atol=1e-3)
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    frame = dataset.ReferencedFrameOfReferenceSequence[0]
    series = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    assert {item.ReferencedSOPInstanceUID for item in series.ContourImageSequence} == set(files)
    assert series.SeriesInstanceUID == source.SeriesInstanceUID and frame.FrameOfReferenceUID == source.FrameOfReferenceUID
    assert (dataset.StudyInstanceUID, dataset.PatientID) == (source.StudyInstanceUID, source.PatientID)


def back_on_grid(path, affine, shape) -> np.ndarray:
    """Return the mask that the polygons of a structure set enclose, by their mm alone."""
    to_grid = np.linalg.inv(affine) @ np.diag([-1.0, -1, 1, 1])
    slices: dict[int, list] = {}
    for points, _ in read_mm(path):
        places = points @ to_grid[:3, :3].T + to_grid[:3, 3]
        assert np.ptp(places[:, 2]) < 1e-2
        slices.setdefault(round(places[0, 2]), []).append(places[:, :2])
    found = np.zeros(shape, bool)
    for index, polygons in slices.items():
        found[..., index] = filled(polygons, shape[:2])
    return found


@pytest.mark.parametrize("plane", [*PLANES, "enhanced"])
def test_contours_lie_where_the_mask_lies(tmp_path, plane):
    source = tmp_path / "scan.dcm"
    if plane == "enhanced":
        write_enhanced(source, np.random.default_rng(0).integers(0, 900, (12, 10, 6)), **STUDY)
    else:
        source = tmp_path / "series"
        source.mkdir()
        orientation, step = PLANES[plane]
        for index in range(6):
            position = np.array([10.0, -20, 30]) + index * np.array(step)
            pixels = np.random.default_rng(index).integers(0, 900, (10, 12))
            write_slice(source / f"{index}.dcm", position, pixels, index, ImageOrientationPatient=orientation, **STUDY)
    affine = np.asarray(LoadVolumed("image")({"image": str(source)})["image"].affine)
    label = np.zeros((12, 10, 6), np.uint8)
    label[1:8, 2:9, 1:5], label[3:5, 4:6, 2:4] = 20, 0
    write_rtstruct(Bundle(VERTEBRAE), source, save_nifti(tmp_path / "a_seg.nii.gz", label, affine), tmp_path / "a.dcm")
    assert np.array_equal(back_on_grid(tmp_path / "a.dcm", affine, label.shape), label > 0)
    if plane == "enhanced":
        frames = {item.ContourImageSequence[0].ReferencedFrameNumber for _, item in read_mm(tmp_path / "a.dcm")}
        assert len(frames) == 4 and frames <= set(range(1, 7))


def test_what_cannot_be_a_structure_set(tmp_path):
    write_ct(tmp_path / "ct", np.zeros((6, 6, 3), np.int16), FrameOfReferenceUID=None)
    affine = np.asarray(LoadVolumed("image")({"image": str(tmp_path / "ct")})["image"].affine)
    mask = save_nifti(tmp_path / "a_seg.nii.gz", np.full((6, 6, 3), 20, np.uint8), affine)
    with pytest.raises(UserError, match="no FrameOfReferenceUID"):
        write_rtstruct(Bundle(VERTEBRAE), tmp_path / "ct", mask, tmp_path / "a.dcm")
    with pytest.raises(UserError, match="no DICOM, whose images"):
        write_rtstruct(Bundle(VERTEBRAE), mask, mask, tmp_path / "a.dcm")
    assert not (tmp_path / "a.dcm").exists()
