import json

import numpy as np
import pytest
from conftest import DIGITS
from rich.console import Console

from custom_networks import UserError
from tools.benchmarks.run import bench
from tools.benchmarks.stages import Result, Stages
from tools.bundles import Bundle
from tools.scoring.dice import label_dice

STAGES = Stages(load=1.0, preprocess=2.0, network=4.0, postprocess=2.0, save=1.0)


def result(float32, dice) -> Result:
    return Result("a", "4x4", STAGES, STAGES, float32, dice, 100.0)


@pytest.mark.parametrize(
    ("float32", "dice", "gate"), [(5.0, 0.9995, "passed"), (3.0, 1.0, "failed"), (5.0, 0.9985, "failed"), (None, None, "")]
)
def test_bfloat16_must_be_faster_and_the_same(float32, dice, gate):
    assert result(float32, dice).gate == gate


def test_label_maps_are_compared_label_by_label():
    first, second = np.array([0, 1, 1, 2, 2]), np.array([0, 1, 0, 2, 3])
    assert label_dice(first, second, np.union1d(first, second)) == pytest.approx([2 / 3, 2 / 3, 0])
    assert STAGES.total == 10


def test_tables_of_the_smallest_bundle(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n")
    bench([Bundle(DIGITS)], Console(quiet=True), tmp_path / "out", readme)
    (measured,) = json.loads((tmp_path / "out" / "benchmark.json").read_text())["bundles"]
    assert measured["bundle"] == DIGITS.name and all(seconds > 0 for seconds in measured["steady"].values())
    assert measured["peak"] > 100
    text = readme.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text and f"| {DIGITS.name} |" in text
    readme.write_text("no marks")
    with pytest.raises(UserError, match="no lines"):
        bench([], Console(quiet=True), None, readme)
