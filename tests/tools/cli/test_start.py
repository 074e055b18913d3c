"""The command line starts at once, and says what was wrong in the words that were typed."""

import subprocess
import sys

import pytest
from conftest import REPOSITORY

from tools import __version__
from tools.cli.commands import COMMANDS, load

HEAVY = ("torch", "monai", "numpy", "scipy", "ignite", "nibabel", "skimage", "pydicom", "matplotlib", "sklearn", "typer.rich_utils")
START = f"""
import atexit, runpy, sys
atexit.register(lambda: print("heavy:", [name for name in {HEAVY} if name in sys.modules]))
sys.argv[1:] = sys.argv[2:]
runpy.run_module("tools", run_name="__main__", alter_sys=True)
"""


def started(*arguments: str) -> tuple[int, str]:
    """Return exit code and output of a fresh ``python -m tools``, with the heavy modules that it imported."""
    command = [sys.executable, "-c", START, "-", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ("--help", 0, "segment"),
        ("-h", 0, "segment"),
        ("", 0, "segment"),
        ("segment -h", 0, "--threshold"),
        ("prepare jsrt --help", 0, "--jsrt-split"),
        ("--version", 0, f"axial {__version__}"),
        ("list --json", 0, "handwritten_digits_classification"),
        ("segment --no-such-option", 2, "error: No such option: --no-such-option"),
        ("segment liver scan.nii.gz -o out", 2, "error: liver: no such bundle."),
        ("segment spinal_cord scan.nii.gz", 2, "error: Missing option '-o' / '--output'"),
        ("prepare", 2, "error: Missing command."),
        ("prepare liver a b", 2, "error: No such command 'liver'."),
        ("prepare jsrt a b --lowest L5", 2, "error: No such option: --lowest"),
        ("prepare folder a b --mask 3", 2, "error: --mask 3: not of the form VALUE=NAME."),
        ("prepare digits a b", 2, "error: a: digits have no source"),
        ("prepare volumes a b --relabel 5", 2, "--relabel 5: not of the form OLD=NEW. For instance --relabel 5=0."),
        ("crossvalidate digits a -o b --set max_epochs", 2, "not of the form ID=VALUE. For instance --set max_epochs=5."),
        ("ensemble chest a -o b --set =3", 2, "--set =3: not of the form ID=VALUE."),
        ("crossvalidate digits a -o b --choose =0.5,0.6", 2, "--choose =0.5,0.6: not of the form ID=VALUE,...."),
        ("reproduce digits -o b --data x", 2, "--data x: not of the form NAME=FOLDER."),
        ("mix a b -o c", 2, "a: not of the form FOLDER=WEIGHT."),
        ("pack liver -o out", 2, "error: liver: no such bundle."),
        ("bench liver", 2, "error: liver: no such bundle."),
        ("bench --data x", 2, "error: --data x: of which bundle?"),
        ("bench --page 9 --many 3", 2, "--many: without effect beside --page"),
    ],
)
def test_nothing_heavy_is_imported(arguments, code, text):
    found, printed = started(*arguments.split())
    assert found == code
    assert text in " ".join(printed.split()) and "heavy: []" in printed and "Traceback" not in printed


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_found_and_explains_itself(name):
    command, (_, line) = load(name), COMMANDS[name]
    assert command.name == name and command.help and len(line) < 90 and line.endswith(".")


@pytest.mark.parametrize(
    "arguments",
    [
        ("segment", "cord", "", "-o", "out"),
        ("segment", "cord", "a.nii", "-o", ""),
        ("pack", "cord", "--output="),
        ("score", "", "b"),
    ],
)
def test_an_empty_argument_is_not_the_folder_where_the_program_runs(tools, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    code, printed = tools(*arguments)
    assert code == 2 and "error: an empty argument where a name, file or folder belongs." in printed
    assert not any(tmp_path.iterdir())


def test_only_what_was_typed_is_imported():
    command = "import sys; sys.argv[1:] = ['pack', '-h']; import runpy, atexit; "
    command += "atexit.register(lambda: print(sorted(name for name in sys.modules if name.startswith('tools.cli.'))))\n"
    command += "runpy.run_module('tools', run_name='__main__', alter_sys=True)"
    done = subprocess.run([sys.executable, "-c", command], cwd=REPOSITORY, capture_output=True, text=True)
    assert "'tools.cli.pack'" in done.stdout and "'tools.cli.segment'" not in done.stdout


def test_usage_errors_name_the_command_as_it_was_typed():
    done = subprocess.run([sys.executable, "-m", "tools", "pack"], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 2 and "`python -m tools pack --help` shows how." in done.stderr
    done = subprocess.run([sys.executable, "-m", "tools", "phantom", "digits", "x"], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 2 and "Its data come with `python -m tools prepare`." in done.stderr


def test_help_of_a_data_set_shows_its_options_alone():
    code, printed = started("prepare", "jsrt", "--help")
    assert code == 0 and "--jsrt-split" in printed and "--lowest" not in printed and "--mask" not in printed


@pytest.mark.parametrize(
    ("words", "expected"), [("axial pre", "prepare"), ("axial pack hand", "handwritten_digits_classification")]
)
def test_completion_names_commands_and_bundles(monkeypatch, words, expected):
    monkeypatch.setenv("_PYTHON _M TOOLS_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    code, printed = started()
    assert code == 0 and printed.splitlines()[0] == expected and "heavy: []" in printed
