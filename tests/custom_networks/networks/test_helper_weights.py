import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from custom_networks import UserError
from custom_networks.networks.helper_weights import load_helper


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """A bundle whose scripts are imported, seen from another folder."""
    (tmp_path / "bundle" / "models").mkdir(parents=True)
    torch.save({"weight": torch.full((1, 1), 7.0), "bias": torch.zeros(1)}, tmp_path / "bundle" / "models" / "help.pt")
    monkeypatch.setitem(sys.modules, "scripts", SimpleNamespace(__file__=str(tmp_path / "bundle" / "scripts" / "__init__.py")))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "bundle"


def test_a_path_is_that_of_the_folder_or_else_of_the_bundle(bundle):
    network = load_helper(torch.nn.Linear(1, 1).train(), Path("./models/help.pt"))
    assert float(network.weight) == 7 and not network.training
    Path("models").mkdir()
    torch.save({"weight": torch.full((1, 1), 3.0), "bias": torch.zeros(1)}, "models/help.pt")
    assert float(load_helper(torch.nn.Linear(1, 1), Path("models/help.pt")).weight) == 3
    assert float(load_helper(torch.nn.Linear(1, 1), bundle / "models" / "help.pt").weight) == 7


def test_missing_weights_are_one_line(bundle):
    for path in (Path("models/none.pt"), bundle / "models" / "none.pt"):
        with pytest.raises(UserError, match=r"none.pt: no such file"):
            load_helper(torch.nn.Linear(1, 1), path)
