"""Centroids of vertebrae in the forms that VerSe and 3D Slicer read."""

from collections.abc import Sequence

import nibabel
import numpy as np

SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/markups-schema-v1.0.3.json#"
)


def verse_centroids(rows: Sequence[dict], affine: np.ndarray) -> list[dict]:
    """Return VerSe's list: the axes' directions, then a label and its place in voxels of the file a vertebra.

    Args:
        rows: of `describe_vertebrae`; those without a centroid are left out.
        affine: of the file, voxels to mm, RAS+.

    Reference:
        github.com/anjany/verse, "Data structure".
    """
    to_voxels = np.linalg.inv(affine)
    places = [
        (row["label"], to_voxels[:3, :3] @ row["centroid_mm"] + to_voxels[:3, 3]) for row in rows if row["centroid_mm"] is not None
    ]
    points = [{"label": label} | dict(zip("XYZ", place.round(2).tolist(), strict=True)) for label, place in places]
    return [{"direction": list(nibabel.aff2axcodes(affine))}, *points]


def slicer_markups(rows: Sequence[dict]) -> dict:
    """Return a list of points, named as vertebrae, that 3D Slicer opens (``.mrk.json``); its axes are LPS."""
    points = [
        {"id": str(row["label"]), "label": row["name"], "position": [-x, -y, z], "visibility": True, "positionStatus": "defined"}
        for row in rows
        if row["centroid_mm"] is not None
        for x, y, z in [row["centroid_mm"]]
    ]
    markup = {"type": "Fiducial", "coordinateSystem": "LPS", "coordinateUnits": "mm", "controlPoints": points}
    return {"@schema": SCHEMA, "markups": [markup]}
