"""Zips that attack: each is refused with its reason and leaves nothing behind."""

import hashlib
import io
import json
import os
import pickle
import re
import stat
import zipfile

import pytest
import torch
from conftest import DIGITS
from typer.testing import CliRunner

from custom_networks import UserError
from tools.bundles import Bundle
from tools.cli.app import app
from tools.sharing.code_review import review_config
from tools.sharing.packing import pack
from tools.sharing.unpacking import review, unpack

TOP = "some_bundle"


def state() -> bytes:
    stream = io.BytesIO()
    torch.save({"a": torch.zeros(2)}, stream)
    return stream.getvalue()


GOOD = {
    "LICENSE": b"text",
    "configs/train.json": b'{"network_def": {"_target_": "scripts.custom_networks.LeNet"}, "n": "$1 + 2"}',
    "models/model.pt": state(),
    "scripts/mine.py": b"x = 1\n",
}


def manifest(contents: dict[str, bytes]) -> bytes:
    return json.dumps({"sha256": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}}).encode()


def write(path, contents: dict[str, bytes], extra=(), with_manifest: bool = True):
    """Write a zip with a right manifest; ``extra`` are members as (ZipInfo or name, content)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(f"{TOP}/{name}", content)
        for name, content in extra:
            archive.writestr(name, content)
        if with_manifest:
            archive.writestr(f"{TOP}/manifest.json", manifest(contents))
    return path


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


class Attack:
    def __reduce__(self):
        return os.system, ("echo attacked > attacked.txt",)


def weights_with(value) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


EXTRAS = {
    "traversal": ([(f"{TOP}/../../evil.py", b"")], "leads out"),
    "absolute": ([("/etc/evil.json", b"")], "leads out"),
    "backslashes": ([(f"{TOP}\\..\\evil.py", b"")], "leads out"),
    "drive": ([("C:/evil.py", b"")], "leads out"),
    "symlink": ([(link(f"{TOP}/configs/link.json"), b"/etc/passwd")], "a link"),
    "bomb": ([(f"{TOP}/docs/bomb.txt", bytes(400 * 2**20))], "unpacks to too much"),
    "duplicate": ([(f"{TOP}/LICENSE", b"other")], "have one name"),
    "case clash": ([(f"{TOP}/license", b"other")], "have one name"),
    "full-width letters": ([(f"{TOP}/docs/\uff52eadme.md", b"")], "characters beyond ASCII"),
    "right-to-left": ([(f"{TOP}/docs/a\u202egpj.md", b"")], "characters beyond ASCII"),
    "another top folder": ([("other/LICENSE", b"")], "does not belong"),
    "TorchScript": ([(f"{TOP}/models/model.ts", b"")], "does not belong"),
    "shell script": ([(f"{TOP}/scripts/run.sh", b"")], "does not belong"),
    "hidden file": ([(f"{TOP}/scripts/.pth", b"")], "does not belong"),
    "unlisted": ([(f"{TOP}/scripts/more.py", b"")], "not as its manifest lists: scripts/more.py"),
    "too many": ([(f"{TOP}/docs/{n}.md", b"") for n in range(2001)], "more than 2000"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(("extra", "reason"), EXTRAS.values(), ids=EXTRAS.keys())
def test_members_that_do_not_belong(tmp_path, extra, reason):
    path = write(tmp_path / "a.zip", GOOD, extra)
    with pytest.raises(UserError, match=reason) as error:
        review(path)
    assert "a.zip: refused" in str(error.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zip"]


def test_a_member_that_lies_about_its_size(tmp_path):
    path = write(tmp_path / "a.zip", GOOD | {"docs/bomb.txt": bytes(300 * 2**20)})
    raw = bytearray(path.read_bytes())
    place = raw.rfind(b"docs/bomb.txt") - len(TOP) - 1 - 46  # its entry of the central directory
    assert raw[place : place + 4] == b"PK\x01\x02"
    raw[place + 24 : place + 28] = (100).to_bytes(4, "little")
    path.write_bytes(raw)
    with pytest.raises(UserError, match="refused"):
        review(path)


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        (weights_with({"a": Attack()}), "no plain file of weights"),
        (pickle.dumps(Attack()), "no plain file of weights"),
        (weights_with({"a": "text"}), "more than weights"),
        (weights_with([torch.zeros(1)]), "more than weights"),
        (b"nothing", "no plain file of weights"),
    ],
    ids=["pickled call", "plain pickle", "text", "list", "damaged"],
)
def test_weights_that_are_none(tmp_path, monkeypatch, weights, reason):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=reason):
        review(write(tmp_path / "a.zip", GOOD | {"models/model.pt": weights}))
    assert not (tmp_path / "attacked.txt").exists()


def test_altered_weights_and_a_missing_manifest(tmp_path):
    contents = GOOD | {"models/model.pt": weights_with({"a": torch.ones(2)})}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in contents.items():
            archive.writestr(f"{TOP}/{name}", content)
        archive.writestr(f"{TOP}/manifest.json", manifest(GOOD))
    with pytest.raises(UserError, match=r"not as its manifest lists: models/model.pt"):
        review(tmp_path / "a.zip")
    with pytest.raises(UserError, match="no manifest"):
        review(write(tmp_path / "b.zip", GOOD, with_manifest=False))
    (tmp_path / "c.zip").write_bytes(b"no zip")
    with pytest.raises(UserError, match="not a zip file"):
        review(tmp_path / "c.zip")


DANGERS = [
    ("$os.system('x')", "uses os.system"),
    ("$import subprocess", "imports a module"),
    ("$import os as o", "imports a module"),
    ("$from os import system", "imports a module"),
    ("$__import__('os').system('x')", "uses __import__|uses system"),
    ("$().__class__.__bases__[0].__subclasses__()", "uses __"),
    ("$getattr(torch, 'load')('x')", "uses getattr"),
    ("$torch.hub.load('x', 'y')", "uses torch.hub"),
    ("$torch.load('x')", "uses torch.load"),
    ("$open('x', 'w').write('y')", "uses open"),
    ("$eval('1')", "uses eval"),
    ("$torch.os.system('x')", "uses os|uses system"),
    ("$[", "cannot be parsed"),
    ("%other.json::x", "reads another file"),
]


@pytest.mark.parametrize(("text", "danger"), DANGERS)
def test_expressions_that_must_not_run(text, danger):
    (finding,) = review_config("a.json", json.dumps({"deep": [{"x": text}]}).encode())
    assert re.match(danger, finding.danger), finding


@pytest.mark.parametrize(
    ("target", "danger"),
    [
        ("os.system", "outside"),
        ("subprocess.run", "outside"),
        ("torch.hub.load", "loads or fetches"),
        ("monai.bundle.download", "loads or fetches"),
        ("monai.utils.misc.run_cmd", "loads or fetches"),
        ("$'os' + '.system'", "is computed"),
        ("torch._C.x", "is private"),
    ],
)
def test_targets_that_must_not_run(target, danger):
    (finding,) = review_config("a.json", json.dumps({"a": {"_target_": target, "command": "x"}}).encode())
    assert danger in finding.danger


def test_every_shipped_config_passes():
    findings = [
        finding for path in DIGITS.parent.glob("*/configs/*.json") for finding in review_config(path.name, path.read_bytes())
    ]
    assert len(findings) > 50 and [finding for finding in findings if finding.danger] == []


def test_a_danger_is_refused_unless_trusted(tmp_path):
    contents = GOOD | {"configs/evil.json": b'{"run": "$os.system(1)"}'}
    path = write(tmp_path / "a.zip", contents)
    assert [finding.danger for finding in review(path).dangers] == ["uses os.system"]
    result = CliRunner().invoke(app, ["unpack", str(path), "-o", str(tmp_path / "out")])
    assert isinstance(result.exception, UserError) and "os.system" in str(result.exception)
    assert not (tmp_path / "out").exists()
    CliRunner().invoke(app, ["unpack", str(path), "-o", str(tmp_path / "out"), "--trust"])
    assert (tmp_path / "out" / TOP / "configs" / "evil.json").exists()


def test_a_packed_bundle_comes_out_as_it_was_and_is_asked_for(tmp_path):
    path = pack(Bundle(DIGITS), tmp_path)
    found = review(path)
    assert found.dangers == [] and found.foreign == []
    no = CliRunner().invoke(app, ["unpack", str(path), "-o", str(tmp_path / "no")], input="n\n")
    assert no.exit_code == 1 and "Unpack?" in no.output and not (tmp_path / "no").exists()
    target = unpack(found, tmp_path / "yes")
    assert (target / "models" / "model.pt").read_bytes() == (DIGITS / "models" / "model.pt").read_bytes()
    assert [entry.name for entry in (tmp_path / "yes").iterdir()] == [DIGITS.name]
    with pytest.raises(UserError, match="is there already"):
        unpack(found, tmp_path / "yes")
    assert unpack(found, tmp_path / "yes", overwrite=True) == target


def test_python_of_others_is_named(tmp_path):
    assert review(write(tmp_path / "a.zip", GOOD)).foreign == ["scripts/mine.py"]
