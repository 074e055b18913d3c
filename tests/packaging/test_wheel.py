"""The wheel, installed where the repository is not."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import REPOSITORY
from own_data import write_pairs
from PIL import Image

from tools import __version__

pytestmark = pytest.mark.slow
SOURCES = ("tools", "custom_networks", "bundles", "pyproject.toml", "setup.py", "README.md", "LICENSE")
LEFT_OUT = ("__pycache__", "runs", "eval", "*.pyc")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Build the wheel from a copy of the sources, without fetching anything."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        source, target = REPOSITORY / name, folder / "source" / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(*LEFT_OUT))
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copy(source, target)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, folder / "source"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def axial(wheel, tmp_path_factory):
    """Install the wheel into a folder of its own; return a function that runs its ``axial`` from an empty folder."""
    site, elsewhere = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("elsewhere")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel]
    subprocess.run(command, check=True)
    environment = os.environ | {"PYTHONPATH": str(site), "COLUMNS": "200"}

    def run(*arguments, program=(site / "bin" / "axial",)) -> str:
        done = subprocess.run([*program, *map(str, arguments)], cwd=elsewhere, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    run.folder = elsewhere
    return run


def test_it_holds_every_file_of_the_packages_and_no_other(wheel):
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = set()
    for name, package in (("tools", "axial"), ("custom_networks", "custom_networks"), ("bundles", "axial/_bundles")):
        for path in (REPOSITORY / name).rglob("*"):
            below = path.relative_to(REPOSITORY / name)
            if path.is_file() and not {"__pycache__", "runs", "eval"} & set(below.parts):
                expected.add(f"{package}/{below.as_posix()}")
    assert found == expected
    assert sum(name.endswith("models/model.pt") for name in found) == 6


def test_commands(axial):
    assert axial("--version").strip() == f"axial {__version__}"
    assert "Usage: axial" in axial("-h")
    assert len(json.loads(axial("list", "--json"))) == 6
    assert axial("--version", program=(sys.executable, "-m", "axial")).strip() == f"axial {__version__}"


def test_a_picture_is_classified_and_the_bundle_packed(axial):
    Image.linear_gradient("L").resize((8, 8)).save(axial.folder / "digit.png")
    assert "1 of 1 cases done" in axial("segment", "digits", "digit.png", "-o", "out")
    assert (axial.folder / "out" / "measures.csv").is_file()
    axial("pack", "digits", "-o", "dist")
    with zipfile.ZipFile(next((axial.folder / "dist").glob("*.zip"))) as archive:
        names = [name.partition("/")[2] for name in archive.namelist()]
    assert {"scripts/custom_networks/__init__.pyi", "scripts/custom_networks/networks/le_net.py", "models/model.pt"} <= set(names)


def test_one_identity_a_class(axial):
    code = (
        "import axial.bundles as b, custom_networks as c\n"
        "with b.importable(b.get_bundle('digits').folder):\n"
        "    import scripts.custom_networks as s\n"
        "    print(s is c, s.LeNet is c.LeNet, b.__file__.startswith(c.__file__.partition('custom_networks')[0]))"
    )
    assert axial("-c", code, program=(sys.executable,)).split() == ["True", "True", "True"]


def test_a_bundle_of_ones_own_lies_anywhere(axial):
    """Copied out of the installation, its folder still finds the installed components."""
    code = "import axial.bundles as b, shutil; shutil.copytree(b.get_bundle('digits').folder, 'mine')"
    axial("-c", code, program=(sys.executable,))
    command = ["-m", "monai.bundle", "run", "--config_file", "mine/configs/inference.json", "--bundle_root", "mine"]
    axial(*command, "--input", "digit.png", "--output_dir", "own", program=(sys.executable,))
    assert (axial.folder / "own" / "digit_pred.json").is_file()


def test_a_bundle_is_planned_for_images_of_ones_own(axial):
    write_pairs(axial.folder / "scans", 3)
    assert "1 training, 1 validation, 1 test" in axial("new", "two_balls", "--data", "scans")
    content = json.loads((axial.folder / "two_balls" / "configs" / "train.json").read_text())
    assert content["names"] == ["class 1", "class 2"]
    assert (axial.folder / "two_balls" / "scripts" / "__init__.py").is_file()
