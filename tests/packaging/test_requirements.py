"""What an installation asks for is what was tested."""

import json
import re
import tomllib

import pytest
from conftest import REPOSITORY
from packaging.requirements import Requirement

from tools import __version__

BUNDLES = sorted(path for path in (REPOSITORY / "bundles").iterdir() if path.is_dir())
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def pins(name: str) -> dict[str, str]:
    lines = (REPOSITORY / name).read_text().splitlines()
    found = [line.split("==") for line in lines if "==" in line and not line.startswith("#")]
    return {package: version for package, version in found}


def ranges(texts: list[str]) -> dict:
    return {found.name: found.specifier for found in map(Requirement, texts)}


def test_dependencies_are_the_pinned_ones_and_begin_there():
    wanted, pinned = ranges(PROJECT["dependencies"]), pins("requirements.txt")
    assert wanted.keys() == pinned.keys()
    for name, version in pinned.items():
        assert wanted[name].contains(version), f"{name}: {version} is pinned, pyproject.toml wants {wanted[name]}"
        assert not wanted[name].contains("0.0.1") and not wanted[name].contains("999"), f"{name}: {wanted[name]} is open"


@pytest.mark.parametrize("extra", ["onnx", "cluster", "dev"])
def test_extras_are_the_pinned_ones(extra):
    pinned = pins("requirements-dev.txt")
    for name, specifier in ranges(PROJECT["optional-dependencies"][extra]).items():
        assert name == PROJECT["name"] or specifier.contains(pinned[name]), name


def test_extras_are_not_hard_requirements():
    extras = PROJECT["optional-dependencies"]
    assert {"label", "dicomweb", "onnx", "cluster", "dev"} <= extras.keys()
    hard = ranges(PROJECT["dependencies"])
    for name in ("onnxruntime", "distributed", "dicomweb-client", "pytest", "fastapi"):
        assert name not in hard


def test_the_version_is_that_of_the_changelog_with_its_day():
    heading = next(line for line in (REPOSITORY / "CHANGELOG.md").read_text().splitlines() if line.startswith("## "))
    assert re.fullmatch(rf"## {re.escape(__version__)} \(\d{{4}}-\d\d-\d\d\)", heading), heading


@pytest.mark.parametrize("folder", BUNDLES, ids=lambda folder: folder.name)
def test_every_bundle_has_the_version_of_the_collection(folder):
    """Each zip carries the components, so what is released together has one version; the changelog's first entry is of it."""
    metadata = json.loads((folder / "configs" / "metadata.json").read_text(encoding="utf-8"))
    assert metadata["version"] == __version__
    assert next(iter(metadata["changelog"])) == __version__ and all(metadata["changelog"].values())


def test_zips_that_the_documents_name_are_what_pack_writes():
    expected = {f"{folder.name}_v{__version__}.zip" for folder in BUNDLES}
    for path in [
        REPOSITORY / "README.md",
        REPOSITORY / "CONTRIBUTING.md",
        *REPOSITORY.glob("docs/*.md"),
        *REPOSITORY.glob("bundles/*/docs/*.md"),
    ]:
        named = set(re.findall(r"[a-z0-9_]+_v[0-9.]+[0-9]\.zip", path.read_text(encoding="utf-8")))
        assert named - {"kidney_ct_v0.1.0.zip"} <= expected, path  # the guide's own bundle begins with 0.1.0


def test_the_package_never_calls_itself_by_the_folders_name():
    """Installed, it is called ``axial``."""
    for path in (REPOSITORY / "tools").rglob("*.py"):
        assert not re.search(r"[\"']tools[.\"']|^\s*(from|import) tools\b", path.read_text(), re.MULTILINE), path


def test_components_know_nothing_of_tools_and_bundles():
    """Zips hold them alone, so no import points upward."""
    for path in (REPOSITORY / "custom_networks").rglob("*.py*"):
        if path.suffix in (".py", ".pyi"):
            found = re.search(r"^\s*(from|import) (tools|axial|bundles|scripts|custom_networks)\b", path.read_text(), re.MULTILINE)
            assert found is None, f"{path}: {found}"
