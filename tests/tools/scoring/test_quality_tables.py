"""The shipped quality.json are those of the tables in the repository, and the guide says what `calibrate` prints of them."""

import json

import pytest
from conftest import CHEST, GRAY_MATTER, LESIONS, MUSCLES, REPOSITORY, VERTEBRAE

from tools.scoring.calibrate import calibrate, check, usual_vectors
from tools.scoring.judging import TRAINING, read_results

TABLES = REPOSITORY / "bench" / "quality"
GUIDE = (REPOSITORY / "docs" / "quality.md").read_text(encoding="utf-8")
FITTED = {"chest": CHEST, "cord": GRAY_MATTER, "muscles": MUSCLES, "vertebrae": VERTEBRAE}
CHECKED = {"chest_check": CHEST, "vertebrae_check": VERTEBRAE}


@pytest.mark.parametrize("name", FITTED)
def test_the_shipped_quality_is_that_of_its_table(name):
    shipped = json.loads((FITTED[name] / "configs" / "quality.json").read_text(encoding="utf-8"))
    rows = read_results(TABLES / f"{name}.csv")
    known = [row for row in rows if row.kind == TRAINING]
    found = calibrate([row for row in rows if row.kind != TRAINING], usual_vectors(known), shipped["least"])
    assert found.content.keys() == shipped.keys() - {"names", "doubts_only"} and shipped["about"].startswith(found.content["about"])
    assert shipped.get("doubts_only", False) == (name == "muscles")
    assert [found.content["bias"], found.content["doubtful_below"]] == pytest.approx(
        [shipped["bias"], shipped["doubtful_below"]], abs=0.01
    )
    assert found.content["weights"] == pytest.approx(shipped["weights"], abs=0.01)
    counts = f"{found.subjects} | {found.cases} | {found.bad}"
    assert f"| {counts} | {found.area:.3f} | {100 * found.caught:.0f} % | {found.brier:.3f} |" in GUIDE


@pytest.mark.parametrize("bundle", [CHEST, GRAY_MATTER, MUSCLES, LESIONS], ids=lambda path: path.name)
def test_a_quality_is_told_of_the_classes_it_was_fitted_for(bundle):
    configs = [json.loads((bundle / "configs" / f"{name}.json").read_text(encoding="utf-8")) for name in ("quality", "inference")]
    assert configs[0]["names"] == configs[1]["names"]


@pytest.mark.parametrize("name", CHECKED)
def test_the_check_is_what_the_guide_says(name):
    content = json.loads((CHECKED[name] / "configs" / "quality.json").read_text(encoding="utf-8"))
    found = check(read_results(TABLES / f"{name}.csv"), content)
    doubtful = f"{100 * found.doubtful_bad:.0f} % | {100 * found.doubtful_good:.0f} %"
    counts = f"{found.subjects} | {found.good + found.bad} | {found.bad}"
    assert f"| {counts} | {found.area:.3f} | {100 * found.caught:.0f} % | {doubtful} |" in GUIDE
