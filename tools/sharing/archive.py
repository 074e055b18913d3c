"""Read zips of bundles that strangers share, without trusting them."""

import hashlib
import re
import stat
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

from custom_networks.errors import ZIP_ERRORS, UserError, some

from .configs import read_json
from .plain import plain

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"  # of the manifest, which lists all other members
MOST_MEMBERS = 2000
MOST_BYTES = 512 * 2**20  # of all members together
MOST_RATIO = 200  # unpacked over packed, of members beyond a megabyte
LARGEST_DIRECTORY = 2**20  # bytes of a zip's list of members
END, LOCATOR = 22, 20  # bytes of the record that ends a zip, and of the one before it where the zip is a large one
LONGEST_NAME = 200
TOP = re.compile(r"[A-Za-z][\w-]*(\.[\w-]+)*", re.ASCII)
PART = re.compile(r"[\w-]+([. -]*[\w-]+)*", re.ASCII)  # begins and ends with a letter, digit, _ or -
ALLOWED = re.compile(
    r"LICENSE|manifest\.json|manifest\.sig|configs/[\w.-]+\.(json|conf)|docs/[\w./ -]+\.(md|txt|png|jpg|csv|json)"
    r"|models/[\w.-]+\.pt|scripts/([\w-]+/)*[\w-]+\.pyi?",
    re.ASCII,
)
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # file names that Windows keeps for itself


def belongs(name: str) -> bool:
    """Tell whether a file may be a member of a zip, by its name below the top folder."""
    return ALLOWED.fullmatch(name) is not None and len(name) <= LONGEST_NAME


def read_archive(path: Path) -> tuple[str, dict[str, bytes]]:
    """Read every member of a packed bundle into memory, or refuse the zip.

    Nothing is written and no code of the zip runs. Refused are names that are absolute, climb, clash, use other characters than
    ASCII, are written in more than one way or are not on the allow-list; links; members that share bytes; more than
    `MOST_MEMBERS` members or `MOST_BYTES` bytes, counted as they come and not as the zip claims; compression beyond `MOST_RATIO`;
    members that the manifest does not list, or with another SHA-256.

    Returns:
        the name of the top folder, and name below it to content.

    Raises:
        UserError: names the zip and the reason.
    """
    _check_directory(path)
    try:
        archive = zipfile.ZipFile(path)
    except ZIP_ERRORS as error:
        raise UserError(f"{path}: not a zip file ({plain(error, 80)}).", "Give a zip made by `axial pack`.") from error
    with archive:
        infos = archive.infolist()
        _check_names(path, infos)
        _check_places(path, infos)
        top = infos[0].filename.split("/")[0]
        contents, total = {}, 0
        for info in infos:
            content = _read(path, archive, info, MOST_BYTES - total)
            total += len(content)
            contents[info.filename.removeprefix(f"{top}/")] = content
    _check_manifest(path, contents)
    return top, contents


def _check_directory(path: Path) -> None:
    """Refuse a list of members that would itself fill the memory, before it is read."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise UserError(f"{path}: not a file.", "Give a zip made by `axial pack`.")
        if size > MOST_BYTES:
            _refuse(path, f"it is larger than {MOST_BYTES} bytes")
        with path.open("rb") as stream:
            stream.seek(max(0, size - END - LOCATOR))
            end = stream.read()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).", "Give a zip made by `axial pack`.") from error
    record = end[-END:]
    if not record.startswith(b"PK\x05\x06"):  # the record of the end, without a comment
        raise UserError(f"{path}: not a zip file, or bytes follow its list of members.", "Give a zip made by `axial pack`.")
    if int.from_bytes(record[12:16], "little") > LARGEST_DIRECTORY or end[:-END].startswith(b"PK\x06\x07"):
        _refuse(path, f"its list of members is larger than {LARGEST_DIRECTORY} bytes")


def _check_names(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    if not infos:
        _refuse(path, "it is empty")
    if len(infos) > MOST_MEMBERS:
        _refuse(path, f"{len(infos)} members, more than {MOST_MEMBERS}")
    top = infos[0].filename.split("/")[0]
    seen: dict[str, str] = {}
    for info in infos:
        name = info.filename
        shown = f"member {plain(info.orig_filename, LONGEST_NAME)!r}"
        parts = name.split("/")
        if info.orig_filename != name or "\\" in name or ":" in name or name.startswith("/") or ".." in parts:
            _refuse(path, f"{shown} leads out of its folder")
        if not name.isascii() or not name.isprintable():
            _refuse(path, f"{shown} has characters beyond ASCII")
        if len(name) > LONGEST_NAME or not all(PART.fullmatch(part) or TOP.fullmatch(part) for part in parts):
            _refuse(path, f"{shown} does not belong into a bundle, or could be written otherwise")
        if any(DEVICES.fullmatch(part) for part in parts):
            _refuse(path, f"{shown} is a device on Windows")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG) or info.external_attr & 0x410:  # a folder or a junction
            _refuse(path, f"{shown} is a link or no plain file")
        if info.flag_bits & 1:
            _refuse(path, f"{shown} is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            _refuse(path, f"{shown} is packed by an unusual method")
        key = name.casefold()
        if key in seen:
            _refuse(path, f"members {seen[key]!r} and {name!r} have one name")
        seen[key] = name
        if parts[0] != top or not TOP.fullmatch(top) or not belongs("/".join(parts[1:])):
            _refuse(path, f"{shown} does not belong into a bundle")
    folders = {"/".join(key.split("/")[:end]): name for key, name in seen.items() for end in range(1, key.count("/") + 1)}
    for key in folders.keys() & seen.keys():
        _refuse(path, f"members {seen[key]!r} and {folders[key]!r} have one name")


def _check_places(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    """Refuse members that share bytes: a small zip of them unpacks to any size."""
    ordered = sorted(infos, key=lambda info: info.header_offset)
    for first, second in pairwise(ordered):
        if first.header_offset + 30 + len(first.filename) + first.compress_size > second.header_offset:
            _refuse(path, f"members {first.filename!r} and {second.filename!r} overlap")


def _read(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, room: int) -> bytes:
    limit = min(room, max(2**20, MOST_RATIO * info.compress_size))
    try:
        with archive.open(info) as stream:
            content = stream.read(limit + 1)
    except ZIP_ERRORS as error:
        raise UserError(
            f"{path}: refused, member {info.filename!r} is damaged ({plain(error, 80)}).", "Ask for the zip again."
        ) from error
    if len(content) > limit:
        _refuse(path, f"member {info.filename!r} unpacks to too much")
    return content


def _check_manifest(path: Path, contents: dict[str, bytes]) -> None:
    if MANIFEST not in contents:
        raise UserError(f"{path}: refused, it has no manifest.", "Give a zip made by `axial pack`.")
    try:
        manifest = read_json(contents[MANIFEST])
    except ValueError as error:
        _refuse(path, f"its manifest cannot be read: {plain(error, 80)}")
    expected = manifest.get("sha256") if isinstance(manifest, dict) and len(manifest) == 1 else None
    if not isinstance(expected, dict) or not all(isinstance(digest, str) for digest in expected.values()):
        _refuse(path, "its manifest is no list of SHA-256")
    found = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items() if name not in (MANIFEST, SIGNATURE)}
    if found != expected:
        wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        _refuse(path, f"not as its manifest lists: {some([plain(name, 80) for name in wrong], 5)}")


def _refuse(path: Path, reason: str) -> NoReturn:
    raise UserError(f"{path}: refused, {reason}.", "Do not use this zip; ask its author.")
