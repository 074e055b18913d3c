"""Zips of bundles as strangers might make them."""

import hashlib
import io
import json
import re
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch
from typer.testing import CliRunner

from tools.cli.app import app

TOP = "some_bundle"
RUN = "touch RAN"  # what an attack would leave


def weights(value: object = None) -> bytes:
    stream = io.BytesIO()
    torch.save({"a": torch.zeros(2)} if value is None else value, stream)
    return stream.getvalue()


METADATA = {
    "version": "0.1.0",
    "network_data_format": {
        "inputs": {"image": {"num_channels": 1, "spatial_shape": [32, "2**p*n"], "dtype": "float32"}},
        "outputs": {"pred": {"num_channels": 2, "dtype": "float32"}},
    },
}
CONFIG = {"network_def": {"_target_": "UNet", "spatial_dims": 2}, "n": "$1 + 2"}
GOOD = {
    "LICENSE": b"text",
    "configs/metadata.json": json.dumps(METADATA).encode(),
    "configs/inference.json": json.dumps(CONFIG).encode(),
    "models/model.pt": weights(),
}


def manifest(contents: dict[str, bytes]) -> bytes:
    return json.dumps({"sha256": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}}).encode()


def write_zip(path: Path, contents: dict[str, bytes] | None = None, extra=(), listed: bytes | None = None, top: str = TOP) -> Path:
    """Write a zip with a right manifest.

    Args:
        path: the zip.
        contents: name to bytes; None is a small bundle with nothing against it.
        extra: more members, as (ZipInfo or whole name, bytes), that the manifest does not list.
        listed: another manifest; empty leaves it out.
        top: the folder of all members.
    """
    contents = GOOD if contents is None else contents
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(f"{top}/{name}", content)
        for name, content in extra:
            archive.writestr(name, content)
        if listed != b"":
            archive.writestr(f"{top}/manifest.json", manifest(contents) if listed is None else listed)
    return path


Maker = Callable[[Path], Path]


def files(changed: dict[str, bytes]) -> Maker:
    """Make a zip of the good files with some changed or added, which the manifest lists too."""
    return lambda path: write_zip(path, GOOD | changed)


def config(entries: object, name: str = "configs/inference.json") -> Maker:
    """Make a zip whose config has more entries; other than a dictionary replaces it."""
    content = (
        entries if isinstance(entries, bytes) else json.dumps(CONFIG | entries if isinstance(entries, dict) else entries).encode()
    )
    return files({name: content})


def target(name: object, /, **arguments) -> Maker:
    return config({"x": {"_target_": name} | arguments})


def expression(text: str, **entries) -> Maker:
    return config({"x": f"${text}"} | entries)


def metadata(**entries) -> Maker:
    return files({"configs/metadata.json": json.dumps(METADATA | entries).encode()})


def shape(value: object) -> Maker:
    image = {"num_channels": 1, "spatial_shape": value, "dtype": "float32"}
    return metadata(network_data_format=METADATA["network_data_format"] | {"inputs": {"image": image}})


def logging(text: str) -> Maker:
    sections = "[loggers]\nkeys=root\n[handlers]\nkeys=a\n[formatters]\nkeys=\n[logger_root]\nhandlers=a\n"
    return files({"configs/logging.conf": (sections + text).encode()})


def member(name: str | zipfile.ZipInfo, content: bytes = b"x") -> Maker:
    """Make a zip with one more member, whose whole name is given."""
    return lambda path: write_zip(path, extra=[(name, content)])


def listed_member(name: str, content: bytes = b"x") -> Maker:
    """Make a zip with one more member below the top folder, which the manifest lists too."""
    return files({name: content})


def listed(content: object) -> Maker:
    """Make a zip with another manifest."""
    return lambda path: write_zip(path, listed=content if isinstance(content, bytes) else json.dumps(content).encode())


def in_top(top: str) -> Maker:
    return lambda path: write_zip(path, top=top)


def link(name: str, kind: int = stat.S_IFLNK) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(f"{TOP}/{name}")
    info.external_attr = (kind | 0o777) << 16
    return info


def patched(old: bytes, new: bytes, times: int = -1) -> Maker:
    """Make a good zip and replace bytes of it."""

    def make(path: Path) -> Path:
        content = write_zip(path).read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new, times))
        return path

    return make


def overlapping(path: Path) -> Path:
    """Let two members of the list share the bytes of one."""
    content = bytearray(write_zip(path, GOOD | {"docs/a.md": bytes(9000), "docs/b.md": bytes(9000)}).read_bytes())
    first, second = (content.rfind(f"{TOP}/docs/{letter}.md".encode()) - 46 for letter in "ab")  # their entries of the list
    content[second + 42 : second + 46] = content[first + 42 : first + 46]
    path.write_bytes(content)
    return path


def lying_size(path: Path) -> Path:
    """State a small size of a large member in the list."""
    content = bytearray(write_zip(path, GOOD | {"docs/bomb.txt": bytes(8 * 2**20)}).read_bytes())
    place = content.rfind(b"docs/bomb.txt") - len(TOP) - 1 - 46
    assert content[place : place + 4] == b"PK\x01\x02"
    content[place + 24 : place + 28] = (100).to_bytes(4, "little")
    path.write_bytes(content)
    return path


def large_zip_record(path: Path) -> Path:
    """Put the locator of a large zip before the end, whose list may have any size."""
    content = write_zip(path).read_bytes()
    path.write_bytes(content[:-22] + b"PK\x06\x07" + bytes(16) + content[-22:])
    return path


def huge_directory(path: Path) -> Path:
    """State a list of members of 3 GB."""
    content = bytearray(write_zip(path).read_bytes())
    place = content.rfind(b"PK\x05\x06")
    content[place + 12 : place + 16] = (3 * 2**30).to_bytes(4, "little")
    path.write_bytes(content)
    return path


def assert_refused(make: Maker, reason: str, folder: Path) -> None:
    """Hold that `verify` and `unpack` refuse a zip with a reason, in words a terminal can show, and that nothing of it ran.

    Args:
        make: makes the zip.
        reason: regular expression of the reason.
        folder: an empty one, in which the commands run.
    """
    path = make(folder / "a.zip")
    before = sorted(folder.iterdir())
    for command in (["verify", path.name], ["unpack", path.name, "-o", "out"]):
        result = CliRunner().invoke(app, command, input="y\n")
        said = f"{result.output}{result.exception}" if command[0] == "unpack" else result.output
        assert result.exit_code == 1, said
        assert type(result.exception).__name__ in ("SystemExit", "UserError"), repr(result.exception)
        assert re.search(reason, " ".join(said.split())), said
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\x9b]", said.replace("\r", "")), repr(said)
        assert "Unpack" not in result.output
    assert sorted(folder.iterdir()) == before  # no RAN, no folder
