"""Read DICOM results back onto the grid of a mask, by positions in mm alone."""

import highdicom
import numpy as np

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def segment_on_grid(segmentation: highdicom.seg.Segmentation, affine: np.ndarray, shape) -> np.ndarray:
    """Return the segments of a DICOM Segmentation as their numbers in an array on the grid of a NIfTI mask."""
    volume = segmentation.get_volume(combine_segments=True, relabel=False)
    found = np.argwhere(volume.array)
    to_grid = np.linalg.inv(affine) @ LPS_TO_RAS @ volume.affine
    places = found @ to_grid[:3, :3].T + to_grid[:3, 3]
    np.testing.assert_allclose(places, places.round(), atol=1e-3)
    result = np.zeros(shape, np.uint8)
    result[tuple(places.round().astype(int).T)] = volume.array[tuple(found.T)]
    return result
