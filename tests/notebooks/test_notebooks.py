"""The notebooks run from the first cell to the last, and come out with what they promise."""

import os

import nbformat
import pytest
from conftest import REPOSITORY
from nbclient import NotebookClient

FAST = {
    "digits": {"AXIAL_EPOCHS": "6"},
    "chest": {"AXIAL_EPOCHS": "2", "AXIAL_CASES": "9", "AXIAL_SIZE": "48"},
}


def run(name: str, tmp_path, **settings: str) -> str:
    """Run a notebook in a kernel of its own; return what it printed."""
    notebook = nbformat.read(REPOSITORY / "notebooks" / f"{name}.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "clear the outputs before a commit"
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "MPLBACKEND": "Agg", "TMPDIR": str(tmp_path)} | settings
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env=environment)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "".join(output.get("text", "") for output in outputs)


def test_digits_by_hand_and_by_the_bundle(tmp_path):
    printed = run("digits", tmp_path, **FAST["digits"])
    assert "27.0 tensor([[4.5000, 4.5000]" in printed and "81194 parameters" in printed
    accuracy = float(printed.partition("360 test digits: ")[2].split()[0])
    bundle = float(printed.partition("the bundle on the first 50: ")[2].split()[0])
    assert accuracy > 0.85 and bundle > 0.95


@pytest.mark.slow
def test_chest_with_its_three_networks(tmp_path):
    printed = run("chest", tmp_path, **FAST["chest"])
    assert "63,686, 973,574, 3,873,094 parameters" in printed
    for name in ("small", "large", "U-Net"):
        mean = float(printed.partition(f"{name}: mean ")[2].partition(";")[0])
        assert 0 < mean < 1
