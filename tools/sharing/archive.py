"""Read zips of bundles that strangers share, without trusting them."""

import hashlib
import json
import re
import stat
import unicodedata
import zipfile
from pathlib import Path, PurePosixPath

from custom_networks.errors import ZIP_ERRORS, UserError

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"  # of the manifest, which lists all other members
MOST_MEMBERS = 2000
MOST_BYTES = 512 * 2**20  # of all members together
MOST_RATIO = 200  # unpacked over packed, of members beyond a megabyte
ALLOWED = re.compile(
    r"LICENSE|manifest\.json|manifest\.sig|configs/[\w.-]+\.(json|conf)|docs/[\w./-]+\.(md|txt|png|jpg|csv|json)|models/[\w.-]+\.pt"
    r"|scripts/([\w-]+/)*[\w-]+\.pyi?",
    re.ASCII,
)


def read_archive(path: Path) -> tuple[str, dict[str, bytes]]:
    """Read every member of a packed bundle into memory, or refuse the zip.

    Nothing is written and no code of the zip runs. Refused are names that are absolute, climb, clash, use other characters than
    ASCII or are not on the allow-list; links; more than `MOST_MEMBERS` members or `MOST_BYTES` bytes, counted as they come and
    not as the zip claims; compression beyond `MOST_RATIO`; members that the manifest does not list, or with another SHA-256.

    Returns:
        the name of the top folder, and name below it to content.

    Raises:
        UserError: names the zip and the reason.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not a zip file ({error}).", "Give a zip made by `axial pack`.") from error
    with archive:
        infos = archive.infolist()
        _check_names(path, infos)
        top = infos[0].filename.split("/")[0]
        contents, total = {}, 0
        for info in infos:
            content = _read(path, archive, info, MOST_BYTES - total)
            total += len(content)
            contents[info.filename.removeprefix(f"{top}/")] = content
    _check_manifest(path, contents)
    return top, contents


def _check_names(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    if not infos:
        _refuse(path, "it is empty")
    if len(infos) > MOST_MEMBERS:
        _refuse(path, f"{len(infos)} members, more than {MOST_MEMBERS}")
    seen: dict[str, str] = {}
    for info in infos:
        name = info.filename
        parts = PurePosixPath(name).parts
        if info.orig_filename != name or "\\" in name or ":" in name or name.startswith("/") or ".." in parts:
            _refuse(path, f"member {info.orig_filename!r} leads out of its folder")
        if not name.isascii() or any(unicodedata.category(character).startswith("C") for character in name):
            _refuse(path, f"member {name!r} has characters beyond ASCII")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            _refuse(path, f"member {name!r} is a link or no plain file")
        if info.flag_bits & 1:
            _refuse(path, f"member {name!r} is encrypted")
        key = name.casefold()
        if key in seen:
            _refuse(path, f"members {seen[key]!r} and {name!r} have one name")
        seen[key] = name
        if parts[0] != infos[0].filename.split("/")[0] or not ALLOWED.fullmatch("/".join(parts[1:])):
            _refuse(path, f"member {name!r} does not belong into a bundle")


def _read(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, room: int) -> bytes:
    limit = min(room, max(2**20, MOST_RATIO * info.compress_size))
    try:
        with archive.open(info) as stream:
            content = stream.read(limit + 1)
    except ZIP_ERRORS as error:
        raise UserError(f"{path}: refused, member {info.filename!r} is damaged ({error}).", "Ask for the zip again.") from error
    if len(content) > limit:
        _refuse(path, f"member {info.filename!r} unpacks to too much")
    return content


def _check_manifest(path: Path, contents: dict[str, bytes]) -> None:
    try:
        expected = json.loads(contents[MANIFEST])["sha256"]
    except (KeyError, ValueError, TypeError) as error:
        raise UserError(f"{path}: refused, it has no manifest.", "Give a zip made by `axial pack`.") from error
    found = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items() if name not in (MANIFEST, SIGNATURE)}
    if found != expected:
        wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        _refuse(path, f"not as its manifest lists: {', '.join(wrong[:5])}")


def _refuse(path: Path, reason: str) -> None:
    raise UserError(f"{path}: refused, {reason}.", "Do not use this zip; ask its author.")
