"""Errors that end a program."""

import subprocess
import sys

import pytest
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
    """A file where a folder belongs was told as a fault of the program."""
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


def test_a_file_that_no_reader_reads_is_told_in_a_line(tmp_path):
    """MONAI's own message holds the tracebacks of eight readers."""
    from monai.transforms import LoadImage

    path = tmp_path / "empty picture.png"
    path.touch()
    with pytest.raises(RuntimeError) as raised:
        LoadImage(reader="PILReader")(path)
    assert explain(raised.value) == f"{path}: cannot be read as an image. The file is damaged or of another kind."
