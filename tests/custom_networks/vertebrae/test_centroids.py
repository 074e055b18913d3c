"""Centroids for VerSe and 3D Slicer."""

import numpy as np

from custom_networks.vertebrae.centroids import slicer_markups, verse_centroids

ROWS = [
    {"label": 20, "name": "L1", "centroid_mm": [-10.0, 20.0, 300.0]},
    {"label": 21, "name": "L2", "centroid_mm": None},
    {"label": 22, "name": "L3", "centroid_mm": [-11.0, 25.0, 230.0]},
]
PIR = np.array([[0, 0, 3.0, -100], [-1.0, 0, 0, 50], [0, -2.0, 0, 400], [0, 0, 0, 1]])  # voxels of VerSe's sagittal scans


def test_verse_has_directions_and_voxels():
    direction, first, second = verse_centroids(ROWS, PIR)
    assert direction == {"direction": ["P", "I", "R"]}
    assert first == {"label": 20, "X": 30.0, "Y": 50.0, "Z": 30.0} and second["label"] == 22
    place = np.array([second[axis] for axis in "XYZ"])
    np.testing.assert_allclose(PIR[:3, :3] @ place + PIR[:3, 3], [-11.0, 25.0, 230.0], atol=0.02)


def test_slicer_has_names_in_lps():
    (markup,) = slicer_markups(ROWS)["markups"]
    assert markup["type"] == "Fiducial" and markup["coordinateSystem"] == "LPS"
    assert [(point["label"], point["position"]) for point in markup["controlPoints"]] == [
        ("L1", [10.0, -20.0, 300.0]),
        ("L3", [11.0, -25.0, 230.0]),
    ]


def test_no_vertebra_no_point():
    assert verse_centroids([], np.eye(4)) == [{"direction": ["R", "A", "S"]}]
    assert slicer_markups([])["markups"][0]["controlPoints"] == []
