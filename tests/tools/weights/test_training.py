"""What goes on to ``monai.bundle run``."""

import pytest
from fire.parser import DefaultParseValue

from tests.conftest import DIGITS
from tools.bundles import Bundle
from tools.weights import training


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("false", False),
        ("true", True),
        ("FALSE", False),
        ("no", False),
        (" false", False),
        ("[1, true, {a: off}]", [1, True, {"a": False}]),
        ("[no, x]", [False, "x"]),
        ("False", False),
        ("1e-3", 0.001),
        ("'false'", "false"),
        ('["no"]', ["no"]),
        ("none", "none"),
        ("@device", "@device"),
        ("a-no", "a-no"),
        ("$not true", "$not true"),
    ],
)
def test_words_of_json_and_yaml_are_values(tmp_path, monkeypatch, text, value):
    """``--set amp=false`` went on as the text ``false``, on which every training ended."""
    commands = []
    monkeypatch.setattr(training, "run_logged", lambda command, *others: commands.append(command) or 0)
    training.run_config(Bundle(DIGITS), "training", ["configs/train.json"], {"seed": text}, tmp_path / "log.txt")
    option, found = commands[0][-2:]
    assert option == "--seed" and DefaultParseValue(found) == value


def test_null_reaches_a_config_which_monai_leaves_out(tmp_path):
    (tmp_path / "config.json").write_text('{"a": 5, "run": ["$print(repr(@a))"]}')
    assert training.run_config(Bundle(DIGITS), "run", [str(tmp_path / "config.json")], {"a": "null"}, tmp_path / "log.txt")
    assert (tmp_path / "log.txt").read_text().splitlines()[-1] == "None"
