import subprocess
import sys

import pytest
from conftest import DIGITS

from custom_networks.errors import UserError
from custom_networks.switches import refuse_words

MONAI = "/somewhere/monai/bundle/__main__.py"


@pytest.mark.parametrize("words", [["--keep_sacrum", "false"], ["--inferer#flip=false"], ["--overwrite", "no"]], ids=" ".join)
def test_a_word_that_would_count_as_true_is_refused(words):
    with pytest.raises(UserError, match=r"Write --[a-z#_]+ False"):
        refuse_words([MONAI, "run", "inference", *words])


@pytest.mark.parametrize(
    "words", [[MONAI, "run", "--overwrite", "False"], [MONAI, "run", "--overwrite", "true"], ["axial", "segment", "--x", "false"]]
)
def test_what_means_what_it_says_passes(words):
    refuse_words(words)


def test_a_switch_that_is_read_as_text_ends_the_typed_command(tmp_path):
    command = [sys.executable, "-m", "monai.bundle", "run", "inference", "--config_file", "configs/inference.json"]
    done = subprocess.run([*command, "--input", str(tmp_path), "--overwrite", "false"], cwd=DIGITS, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "error: --overwrite false: is read as a text, which counts as true. Write --overwrite False."
    )
