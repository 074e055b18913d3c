import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from custom_networks.errors import UserError
from tools.datasets import nuclei


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A folder like the unpacked wheel, with pictures of its own."""
    rng = np.random.default_rng(0)
    image, mask = rng.integers(0, 200, (512, 512)).astype(np.uint16), rng.integers(0, 3, (512, 512)).astype(np.uint16)
    digests = {}
    for name, array in ((nuclei.IMAGE, image), (nuclei.MASK, mask)):
        path = tmp_path / "wheel" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(path)
        digests[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(nuclei, "FILES", digests)
    return tmp_path / "wheel", image, mask


def test_columns_of_tiles_train_validate_and_test(wheel, tmp_path):
    folder, image, mask = wheel
    content = json.loads(nuclei.prepare_nuclei(str(folder), tmp_path / "data").read_text())
    assert [len(content[section]) for section in ("training", "validation", "test")] == [8, 4, 4]
    entry = content["test"][1]
    tile, label = (np.asarray(Image.open(tmp_path / "data" / entry[key])) for key in ("image", "label"))
    assert np.array_equal(tile, image[128:256, 384:]) and np.array_equal(label, mask[128:256, 384:] > 0)


def test_other_files_are_refused(wheel, tmp_path):
    folder, *_ = wheel
    (folder / nuclei.MASK).write_bytes(b"")
    with pytest.raises(UserError, match="not the file that is expected"):
        nuclei.prepare_nuclei(str(folder), tmp_path / "data")
