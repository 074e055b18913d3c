"""What `segment` says of a result beyond the mask: its quality, and maps of probability and entropy."""

import copy
import csv
import json

import nibabel
import numpy as np
import pytest
from conftest import save_nifti
from tiny_bundle import INFERENCE, make_tiny_bundle

QUALITY = {
    "_target_": "scripts.custom_networks.AssessQuality",
    "path": "$@bundle_root + '/configs/quality.json'",
    "network": "@network",
    "inferer": "@inferer",
    "names": "@names",
    "threshold": "@threshold",
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """A bundle that calls bright voxels spots, and trusts what it is sure of."""
    postprocessing = copy.deepcopy(INFERENCE["postprocessing"])
    postprocessing["transforms"].insert(0, {"_target_": "Activationsd", "keys": "pred", "sigmoid": True})
    folder = make_tiny_bundle(
        tmp_path_factory.mktemp("tiny") / "spots_segmentation",
        postprocessing=postprocessing,
        threshold=0.6,
        quality=QUALITY,
        handlers=[*INFERENCE["handlers"], "@quality"],
    )
    content = {"bias": -5, "weights": {"sureness": 3}, "usual": {"sureness": 3}, "doubtful_below": 0.5}
    (folder / "configs" / "quality.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def images(tmp_path):
    (tmp_path / "in").mkdir()
    for name, value in (("sure", 9.0), ("unsure", 0.6)):
        image = np.full((6, 6, 4), -100, np.float32)
        image[1:3, 2:4, 1:3] = value
        save_nifti(tmp_path / "in" / f"{name}.nii.gz", image)
    return tmp_path / "in"


def cases(printed: str) -> list[dict]:
    return json.loads(printed[printed.index("{\n") : printed.rindex("}") + 1])["cases"]


def summarised(printed: str) -> dict[str, float]:
    return {case["case"]: case["quality"] for case in cases(printed)}


def test_quality_stands_in_record_table_summary_page_and_warnings(tools, judged, images, tmp_path):
    code, printed = tools("segment", judged, images, "-o", tmp_path / "out", "--trust", "--json")
    qualities = summarised(printed)
    assert code == 0 and qualities["sure"] > 0.95 and qualities["unsure"] < 0.5
    with (tmp_path / "out" / "measures.csv").open(newline="") as stream:
        rows = {row["case"]: float(row["value"]) for row in csv.DictReader(stream) if row["measure"] == "quality"}
    assert rows == qualities
    record = json.loads((tmp_path / "out" / "unsure_seg.record.json").read_text())
    assert record["quality"]["value"] == qualities["unsure"] and record["quality"]["reason"] == "the network is unsure"
    (line,) = record["warnings"]
    assert (
        line == f"quality {qualities['unsure']:.2f}: the network is unsure. Look at this result."
        and f"warning: unsure: {line}" in printed
    )
    reasons = {case["case"]: (case["quality_reason"], case["doubtful"]) for case in cases(printed)}
    assert reasons == {"sure": ("the network is sure of the whole mask", False), "unsure": ("the network is unsure", True)}
    # a result that is there already keeps its quality
    again = tools("segment", judged, images, "-o", tmp_path / "out", "--trust", "--json")[1]
    assert summarised(again) == qualities


def test_maps_lie_on_the_grid_of_the_scan(tools, judged, images, tmp_path):
    assert tools("segment", judged, images / "unsure.nii.gz", "-o", tmp_path / "out", "--trust", "--maps")[0] == 0
    probability, entropy = (nibabel.load(tmp_path / "out" / f"unsure_{name}.nii.gz") for name in ("probability", "entropy"))
    scan = nibabel.load(images / "unsure.nii.gz")
    np.testing.assert_allclose(probability.affine, scan.affine)
    expected = 1 / (1 + np.exp(-np.where(scan.get_fdata() > 0, 0.6, -100 * 0.25)))  # the network is a PReLU of slope 0.25
    np.testing.assert_allclose(probability.get_fdata(), expected, atol=1e-5)
    bits = -(expected * np.log2(expected) + (1 - expected) * np.log2(1 - expected))
    np.testing.assert_allclose(entropy.get_fdata(), bits, atol=1e-5)


@pytest.mark.parametrize("bundle", ["digits", "vertebrae"])
def test_bundles_without_probabilities_of_voxels_have_no_maps(tools, images, tmp_path, bundle):
    code, printed = tools("segment", bundle, images, "-o", tmp_path / "out", "--maps")
    assert code == 2 and "has no probabilities of voxels" in " ".join(printed.split())
