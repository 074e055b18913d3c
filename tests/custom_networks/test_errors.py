"""Errors that end a program."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import REPOSITORY

from custom_networks.errors import explain, find_user_error

RAISE = {
    "itself": "raise UserError('x.nii: empty.', 'Replace it.')",
    "wrapped": """
try:
    raise UserError('x.nii: empty.', 'Replace it.')
except UserError as error:
    raise RuntimeError('applying transform') from error
""",
    "on the way": """
try:
    raise UserError('x.nii: empty.', 'Replace it.')
except UserError as error:
    1 / 0
""",
}
START = "from custom_networks.errors import UserError, hide_tracebacks\nhide_tracebacks()\nhide_tracebacks()\n"


def run(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", START + code], cwd=REPOSITORY, capture_output=True, text=True)


@pytest.mark.parametrize("code", RAISE.values(), ids=RAISE.keys())
def test_what_users_can_mend_ends_a_program_with_one_line(code):
    done = run(code)
    assert done.returncode == 1 and done.stderr == "error: x.nii: empty. Replace it.\n"


def test_other_errors_keep_their_traceback():
    assert "ZeroDivisionError: division by zero" in run("1 / 0").stderr


def test_a_place_that_the_system_refuses_is_the_user_s_to_mend(tmp_path):
    """A file where a folder belongs was told as a bug in the program."""
    file = tmp_path / "file"
    file.touch()
    for refused in (lambda: file.mkdir(), lambda: (file / "x").mkdir(), lambda: tmp_path.open()):
        with pytest.raises(OSError) as raised:
            refused()
        found = find_user_error(raised.value)
        assert (
            str(file if raised.value.filename != str(tmp_path) else tmp_path) in found.problem and "another place" in found.remedy
        )
    with pytest.raises(OSError) as raised:
        (tmp_path / "missing").open()  # by a program that should have looked
    assert find_user_error(raised.value) is None


@pytest.mark.parametrize("device", ["cuda:99", "tpu", "cuda:x"])
def test_a_device_that_is_not_there_is_told_in_one_line(device):
    """`--device` of a bundle's inference and training ended in pages of MONAI's tracebacks."""
    with pytest.raises(RuntimeError) as raised:
        try:
            torch.zeros(1).to(device)
        except (AssertionError, RuntimeError) as error:
            raise RuntimeError("Failed to evaluate ConfigExpression") from error
    assert "this machine has no such device" in find_user_error(raised.value).problem


@pytest.mark.parametrize("ending", ["", " from None"], ids=["raised beside", "from None"])
def test_a_fault_of_ours_beside_a_refusal_that_was_handled_keeps_its_traceback(tmp_path, ending):
    code = f"import os\ntry: os.mkdir({str(tmp_path)!r})\nexcept OSError: raise KeyError('ours'){ending}"
    assert "KeyError: 'ours'" in run(code).stderr and "Traceback" in run(code).stderr


def test_a_refusal_that_another_error_names_as_its_cause_is_told():
    with pytest.raises(RuntimeError) as raised:
        try:
            raise PermissionError(errno.EACCES, "Permission denied", "/there")
        except OSError as error:
            raise RuntimeError("applying transform") from error
    assert find_user_error(raised.value).problem == "/there: cannot be used (Permission denied)."


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_told_though_the_system_does_not_say_where():
    with pytest.raises(OSError) as raised, open("/dev/full", "w") as stream:
        stream.write("x")
        stream.flush()
    assert find_user_error(raised.value).problem == "No space left on device."


def test_a_file_that_no_reader_reads_is_told_in_a_line(tmp_path):
    """MONAI's own message holds the tracebacks of eight readers."""
    from monai.transforms import LoadImage

    path = tmp_path / "empty picture.png"
    path.touch()
    with pytest.raises(RuntimeError) as raised:
        LoadImage(reader="PILReader")(path)
    assert explain(raised.value) == f"{path}: cannot be read as an image. The file is damaged or of another kind."
