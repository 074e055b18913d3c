"""One name, one class; and no more imported than is used."""

import importlib
import subprocess
import sys

import pytest
from conftest import REPOSITORY

import custom_networks
from tools.bundles import all_bundles, importable

HEAVY = ("torch", "monai", "numpy", "scipy", "ignite", "nibabel", "skimage", "pydicom", "matplotlib")


def python(code: str, cwd=REPOSITORY) -> str:
    """Return what a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_export_exists_and_comes_from_this_package():
    assert len(custom_networks.__all__) > 70
    assert all(getattr(custom_networks, name) is not None for name in custom_networks.__all__)
    assert custom_networks.LeNet.__module__ == "custom_networks.networks.le_net"


@pytest.mark.parametrize("name", ["UserError", "explain", "case_name", "VERTEBRA_NAMES"])
def test_a_light_export_imports_nothing_heavy(name):
    code = f"import sys; from custom_networks import {name}; print([m for m in {HEAVY} if m in sys.modules])"
    assert python(code) == "[]"


def test_scripts_in_the_checkout_are_the_same_classes():
    for bundle in all_bundles():
        with importable(bundle.folder):
            import scripts.custom_networks
            import scripts.custom_networks.errors as errors
            from scripts.custom_networks import LeNet, UserError
            from scripts.custom_networks.networks.le_net import LeNet as InItsModule

            assert scripts.custom_networks is custom_networks
            assert errors is sys.modules["custom_networks.errors"] and errors.__spec__.name == "custom_networks.errors"
            assert LeNet is custom_networks.LeNet is InItsModule and UserError is custom_networks.UserError
        assert not [name for name in sys.modules if name.split(".")[0] == "scripts"]


def test_a_name_that_is_not_there_is_no_module_either():
    with importable(all_bundles()[0].folder), pytest.raises(ModuleNotFoundError, match=r"scripts\.custom_networks\.nothing"):
        importlib.import_module("scripts.custom_networks.nothing")


def test_from_the_folder_of_a_bundle(tmp_path):
    folder = all_bundles()[0].folder
    code = "import sys, scripts.custom_networks as mine, custom_networks as own; print(mine is own, 'torch' in sys.modules)"
    assert python(code, folder) == "True False"
    assert python(f"import sys; sys.path.insert(0, {str(folder)!r}); {code}", tmp_path) == "True False"


def write_components(folder, answer):
    """What ``scripts/__init__.py`` needs of a package of components, with an ANSWER to tell it by."""
    (folder / "__init__.py").write_text(f"ANSWER = {answer}\n")
    (folder / "errors.py").write_text(f"ANSWER = {answer}\n\n\ndef hide_tracebacks(): ...\n")
    (folder / "switches.py").write_text("def refuse_words(arguments): ...\n")


def test_two_copies_in_one_process_stay_apart(tmp_path):
    """A zip brings its own components; the checkout's, used before and after it, stay what they were."""
    for name, answer in (("one", 1), ("two", 2)):
        package = tmp_path / name / "scripts" / "custom_networks"
        package.mkdir(parents=True)
        write_components(package, answer)
        (package.parent / "__init__.py").write_bytes((all_bundles()[0].folder / "scripts" / "__init__.py").read_bytes())
    for folder, answer in ((tmp_path / "one", 1), (all_bundles()[0].folder, None), (tmp_path / "two", 2)):
        with importable(folder):
            import scripts.custom_networks
            import scripts.custom_networks.errors as errors

            assert getattr(scripts.custom_networks, "ANSWER", None) == answer == getattr(errors, "ANSWER", None)
            assert (scripts.custom_networks is custom_networks) == (answer is None)


def test_two_checkouts_in_one_process_stay_apart(tmp_path):
    """A bundle of another checkout uses that checkout's components, under a name of their own."""
    (tmp_path / "custom_networks").mkdir()
    write_components(tmp_path / "custom_networks", 3)
    scripts = tmp_path / "bundles" / "mine" / "scripts"
    scripts.mkdir(parents=True)
    (scripts / "__init__.py").write_bytes((all_bundles()[0].folder / "scripts" / "__init__.py").read_bytes())
    with importable(scripts.parent):
        import scripts.custom_networks

        assert scripts.custom_networks.ANSWER == 3
    assert not hasattr(custom_networks, "ANSWER")


def test_axial_is_tools_in_the_checkout():
    code = "import axial.bundles, tools.bundles; print(axial is tools, axial.bundles.Bundle is tools.bundles.Bundle)"
    assert python(code) == "True True"


def test_every_bundle_has_the_same_bridge():
    assert len({(bundle.folder / "scripts" / "__init__.py").read_text() for bundle in all_bundles()}) == 1
