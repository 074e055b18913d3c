"""Errors that end a program."""

import subprocess
import sys

import pytest
from conftest import REPOSITORY

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
