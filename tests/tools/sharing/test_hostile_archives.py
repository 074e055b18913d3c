"""Archives that attack, one a line: each is refused with its reason by `verify` and by `unpack`, and nothing of it runs."""

import io
import os
import pickle
import stat
import zipfile

import pytest
import torch
from hostile_zips import (
    GOOD,
    RUN,
    TOP,
    assert_refused,
    files,
    huge_directory,
    in_top,
    large_zip_record,
    link,
    listed,
    listed_member,
    lying_size,
    manifest,
    member,
    overlapping,
    patched,
    weights,
    write_zip,
)  # fmt: skip

ESCAPE = "\x1b]0;owned\x07\x1b[2J"


class Attack:
    def __reduce__(self):
        return os.system, (RUN,)


def weight(content: bytes):
    return files({"models/model.pt": content})


def raw(everything: bytes):
    def make(path):
        path.write_bytes(everything)
        return path

    return make


def deep(levels: int, inner: str = "1") -> bytes:
    return f'{{"a": {"[" * levels}{inner}{"]" * levels}}}'.encode()


def append(path, content: bytes):
    path.write_bytes(path.read_bytes() + content)
    return path


def torchscript() -> bytes:
    stream = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), stream)
    return stream.getvalue()


def by_lzma(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_LZMA
    return info


def squeezed(path):
    """Weights whose records unpack to more than they are."""
    inner = path.with_suffix(".pt")
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/data.pkl", bytes(2**20))
    return write_zip(path, GOOD | {"models/model.pt": inner.read_bytes()})


TABLE = {
    # name: (how the zip is made, what its refusal says)
    # code
    "Python of its own": (listed_member("scripts/evil.py", b"open('RAN', 'w')"), "not of this repository"),
    "ours, altered": (listed_member("scripts/custom_networks/errors.py", b"open('RAN', 'w')"), "not of this repository"),
    "ours, at another place": (listed_member("scripts/__init__.py", b""), "not of this repository"),
    "compiled Python": (listed_member("scripts/__pycache__/a.cpython-311.pyc"), "does not belong"),
    "shared object": (listed_member("scripts/torch.so"), "does not belong"),
    "Python beside the folders": (listed_member("monai.py"), "does not belong"),
    "path file": (listed_member("scripts/.pth"), "does not belong"),
    "TorchScript": (listed_member("models/model.ts"), "does not belong"),
    "shell script": (listed_member("scripts/run.sh"), "does not belong"),
    # weights
    "pickled call": (weight(weights({"a": Attack()})), "no plain file of weights"),
    "plain pickle": (weight(pickle.dumps(Attack())), "no plain file of weights"),
    "pickle of the first kind": (weight(pickle.dumps(Attack(), protocol=0)), "no plain file of weights"),
    "text among weights": (weight(weights({"a": "text"})), "more than weights"),
    "list of weights": (weight(weights([torch.zeros(1)])), "more than weights"),
    "damaged weights": (weight(b"nothing"), "no plain file of weights"),
    "TorchScript as weights": (
        weight(torchscript()),
        "no plain file of weights",
    ),
    "compressed weights": (squeezed, "compressed"),
    # names
    "climbing": (member(f"{TOP}/../../evil.py"), "leads out"),
    "absolute": (member("/etc/evil.json"), "leads out"),
    "backslashes": (member(f"{TOP}\\..\\evil.py"), "leads out"),
    "drive": (member("C:/evil.py"), "leads out"),
    "two slashes": (member(f"{TOP}//configs/inference.json"), "could be written otherwise"),
    "a dot": (member(f"{TOP}/./configs/inference.json"), "could be written otherwise"),
    "two slashes and absolute": (member("//etc/passwd"), "leads out"),
    "dot behind": (member(f"{TOP}/configs/a.json."), "could be written otherwise"),
    "space behind a name": (member(f"{TOP}/configs/a.json "), "could be written otherwise"),
    "space before": (member(f"{TOP}/docs/ a.md"), "could be written otherwise"),
    "stream of Windows": (member(f"{TOP}/docs/a.md:evil.py"), "leads out"),
    "short name of Windows": (member(f"{TOP}/scripts/CUSTOM~1/a.py"), "could be written otherwise"),
    "device": (member(f"{TOP}/docs/NUL.md"), "device on Windows"),
    "device folder": (member(f"{TOP}/docs/com1/a.md"), "device on Windows"),
    "a folder": (member(f"{TOP}/docs/"), "could be written otherwise"),
    "NUL in a name": (patched(b"some_bundle/LICENSE", b"some_bundle/LIC\0NSE"), "leads out|beyond ASCII"),
    "line break": (member(f"{TOP}/docs/a\nb.md"), "beyond ASCII"),
    "escape": (member(f"{TOP}/docs/{ESCAPE}.md"), "beyond ASCII"),
    "full-width name": (member(f"{TOP}/docs/\uff52eadme.md"), "beyond ASCII"),
    "right to left": (member(f"{TOP}/docs/a\u202egpj.md"), "beyond ASCII"),
    "decomposed umlaut": (member(f"{TOP}/docs/u\u0308.md"), "beyond ASCII"),
    "longest name": (member(f"{TOP}/docs/{'a' * 300}.md"), "does not belong"),
    "one name twice": (member(f"{TOP}/LICENSE"), "have one name"),
    "one name in two cases": (member(f"{TOP}/license"), "have one name"),
    "file and folder": (
        lambda path: write_zip(path, extra=[(f"{TOP}/scripts/a.py", b"x"), (f"{TOP}/scripts/A.py/b.py", b"x")]),
        "have one name|does not belong|written otherwise",
    ),
    "another top folder": (member("other/LICENSE"), "does not belong"),
    "no top folder": (member("LICENSE"), "does not belong"),
    "top folder .git": (in_top(".git"), "written otherwise|does not belong"),
    "top folder -rf": (in_top("-rf"), "does not belong"),
    "top folder ..": (in_top(".."), "leads out"),
    "top folder ~": (in_top("~"), "written otherwise|does not belong"),
    "top folder $HOME": (in_top("$HOME"), "written otherwise|does not belong"),
    "top folder con": (in_top("con"), "device on Windows"),
    "top folder with markup": (in_top("[bold]"), "written otherwise|does not belong"),
    "another name in the local header": (patched(b"some_bundle/LICENSE", b"some_bundle/LICENCE", 1), "damaged"),
    # what the zip itself is
    "link": (member(link("configs/link.json"), b"/etc/passwd"), "a link"),
    "link among the listed": (member(link("docs/a.md"), b"../../.."), "a link"),
    "pipe": (member(link("docs/a.md", stat.S_IFIFO)), "no plain file"),
    "device file": (member(link("docs/a.md", stat.S_IFCHR)), "no plain file"),
    "bomb": (member(f"{TOP}/docs/bomb.txt", bytes(40 * 2**20)), "unpacks to too much"),
    "lying size": (lying_size, "refused"),
    "overlapping members": (overlapping, "overlap|damaged"),
    "list of 3 GB": (huge_directory, "list of members is larger"),
    "list of a large zip": (large_zip_record, "list of members is larger"),
    "bytes behind": (lambda path: append(write_zip(path), b"more"), "bytes follow"),
    "too many members": (lambda path: write_zip(path, extra=[(f"{TOP}/docs/{n}.md", b"") for n in range(2001)]), "more than 2000"),
    "encrypted": (patched(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"), "encrypted"),
    "unusual method": (member(by_lzma(f"{TOP}/docs/a.md")), "unusual method"),
    "empty": (raw(b"PK\x05\x06" + bytes(18)), "it is empty"),
    "no zip": (raw(b"no zip"), "not a zip file"),
    "nothing": (raw(b""), "not a zip file"),
    # manifests
    "no manifest": (listed(b""), "no manifest"),
    "manifest: null": (listed({"sha256": None}), "no list of SHA-256"),
    "manifest: a list": (listed({"sha256": ["LICENSE"]}), "no list of SHA-256"),
    "manifest: lists": (listed({"sha256": {"LICENSE": ["a"]}}), "no list of SHA-256"),
    "manifest: nothing": (listed({}), "no list of SHA-256"),
    "manifest: no object": (listed([1]), "no list of SHA-256"),
    "manifest: more": (listed({"sha256": {}, "x": {"_target_": "os.system"}}), "no list of SHA-256"),
    "manifest: deep": (listed(deep(100000)), "cannot be read"),
    "manifest: no JSON": (listed(b"\xff\xfe"), "cannot be read"),
    "manifest: markup": (listed({"sha256": {"[/x]": "[/y]"}}), "not as its manifest lists"),
    "manifest: a file that is missing": (listed({"sha256": {"docs/gone.md": "0" * 64}}), "not as its manifest lists"),
    "a file that is not listed": (member(f"{TOP}/scripts/more.py"), r"not as its manifest lists: scripts/more.py"),
    "a file that is altered": (
        lambda path: write_zip(path, GOOD | {"LICENSE": b"other"}, listed=manifest(GOOD)), "not as its manifest lists: LICENSE"
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("make", "reason"), TABLE.values(), ids=TABLE.keys())
def test_refused_without_running(tmp_path, monkeypatch, make, reason):
    monkeypatch.chdir(tmp_path)
    assert_refused(make, reason, tmp_path)
