"""The guide is walked through, command by command, as it stands in its Markdown."""

import re
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
from conftest import REPOSITORY
from typed import run

GUIDE = REPOSITORY / "docs" / "train_on_your_own_data.md"
BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(guide: Path) -> list[str]:
    """Return the commands of a page's blocks, in order."""
    return [line for block in BLOCK.findall(guide.read_text(encoding="utf-8")) for line in block.splitlines() if line.strip()]


@pytest.mark.slow
def test_every_command_of_the_guide_does_what_it_says(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)
    (tmp_path / "bundles").symlink_to(REPOSITORY / "bundles")
    for command in commands(GUIDE):
        assert run(command) == 0, f"{command}\n{capfd.readouterr()}"
    for name in (
        "kidney_ct/docs/plan.md",
        "kidney_ct/runs/model_average.pt",
        "kidney_ct/runs/curves.png",
        "kidney_ct/eval/dice.csv",
        "RESULTS/report.html",
        "RESULTS/measures.csv",
        "RESULTS/phantom_004_image_overlay.png",
        "RESULTS/phantom_004_image.seg.nrrd",
        "RESULTS/phantom_004_image_seg.record.json",
        "SCORES/scores.json",
        "DIST/kidney_ct_v0.1.0.zip",
        "FROM_ZIP/phantom_004_image_seg.nii.gz",
        "CORD_RESULTS/phantom_000_image_seg.nii.gz",
    ):
        assert (tmp_path / name).is_file(), name
    masks = [nibabel.load(tmp_path / folder / "phantom_004_image_seg.nii.gz") for folder in ("RESULTS", "FROM_ZIP")]
    assert np.array_equal(*(np.asarray(mask.dataobj) for mask in masks))
    assert len(commands(GUIDE)) == 15
