"""Places for results that cannot be used."""

import json

import pytest

from tools.cli import app as cli


@pytest.mark.parametrize(
    "command", ["crossvalidate digits DATA -o FILE --folds 2", "reproduce digits -o FILE", "ensemble chest DATA -o FILE"]
)
def test_an_output_that_is_a_file_is_said(tmp_path, monkeypatch, capfd, command):
    """It was called a fault of the program."""
    (tmp_path / "file").touch()
    entries = [{"image": f"{name}.png", "label": 1} for name in "abcd"]
    (tmp_path / "dataset.json").write_text(json.dumps({"training": entries, "validation": [], "test": []}))
    words = command.replace("DATA", str(tmp_path)).replace("FILE", str(tmp_path / "file")).split()
    monkeypatch.setattr("sys.argv", ["axial", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    printed = " ".join("".join(capfd.readouterr()).split())
    assert end.value.code == 2 and "cannot be used" in printed and "fault of the program" not in printed, printed
