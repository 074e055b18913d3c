"""Name cases, and so the files of their results."""

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path

from .suffixes import ARCHIVE_SUFFIX, DICOM_SUFFIXES, IMAGE_SUFFIXES, split_suffix

MODALITIES = ("FLAIR", "T1", "T1W")  # file names that do not tell one case from another
LONGEST = 200  # bytes of a name; results add their endings, and file systems take 255


def case_name(source: str | Path | Sequence) -> str:
    """Return the name of a case: its file name without the suffix, or the name of its folder.

    The folder's name stands for files that are named by their modality alone, such as ``FLAIR.nii.gz``, and for DICOM series.
    Characters that cannot be printed become ``_``, and a name beyond `LONGEST` bytes is cut and ends with a digest of the whole.

    Args:
        source: path of a file or a folder, the list of a DICOM series' files, or that of a study's images.
    """
    return _parts(source)[-1]


def name_cases(cases: Sequence[dict]) -> list[dict]:
    """Return cases with a name each, under ``case``, no two alike.

    A name is that of `case_name`, or, where two cases would share it, their path below the folder that holds them all:
    ``p1/t2.nii.gz`` and ``p2/t2.nii.gz`` are ``p1_t2`` and ``p2_t2``. Images of one folder are told apart by their suffix.
    """
    parts = [_parts(case["image"]) for case in cases]
    names = [path[-1] for path in parts]
    for tell_apart in (_by_path, _by_suffix, _by_digest):
        shared = {name for name, count in Counter(map(_folded, names)).items() if count > 1}
        for name in sorted(shared):
            group = [index for index, other in enumerate(names) if _folded(other) == name]
            for index, new in zip(group, tell_apart([parts[i] for i in group], [cases[i] for i in group]), strict=True):
                names[index] = _safe(new)
    return [case | {"case": name} for case, name in zip(cases, names, strict=True)]


def result_name(data: Mapping, meta: Mapping) -> str | None:
    """Return the name that `name_cases` gave to the entry ``data``, else that of the file in an image's ``meta``.

    MONAI Label names no cases. None means that the image came from memory: MONAI Deploy reads it and writes the result itself.
    """
    source = meta.get("filename_or_obj")
    return data.get("case") or (case_name(source) if source else None)


def split_series(source: str | Path) -> tuple[Path, str | None]:
    """Return the path of ``path#series`` and the series, None where none is named or a file has that very name."""
    path, mark, series = str(source).rpartition("#")
    return (Path(path), series) if mark and not os.path.exists(source) else (Path(source), None)


def first_image(source: str | Path | Sequence) -> Path | str:
    """Return the path of a case's image, of the first image of a study that is there."""
    return source if isinstance(source, (str, Path)) else next(path for path in source if path is not None)


def _parts(source: str | Path | Sequence) -> list[str]:
    """Return the folders above a case, and its name at the end."""
    path, series = split_series(first_image(source))
    path = Path(os.path.abspath(path))
    if not isinstance(source, (str, Path)) and path.name.lower().endswith(DICOM_SUFFIXES):
        path = path.parent  # a list of a series' files
    name, _ = split_suffix(path.name, (*IMAGE_SUFFIXES, *DICOM_SUFFIXES, ARCHIVE_SUFFIX))
    *folders, name = [*path.parts[1:-1], name]
    if name.upper() in MODALITIES and folders:
        *folders, name = folders
    if series is not None:
        name = f"{name}_series{series}"
    return [*map(_safe, folders), _safe(name) or "unnamed"]


def _by_path(parts: list[list[str]], cases: list[dict]) -> list[str]:
    levels = zip(*(path[:-1] for path in parts), strict=False)
    common = sum(1 for _ in takewhile(lambda folders: len(set(folders)) == 1, levels))
    return ["_".join(path[common:]) for path in parts]


def _by_suffix(parts: list[list[str]], cases: list[dict]) -> list[str]:
    suffixes = [split_suffix(str(first_image(case["image"])), (*IMAGE_SUFFIXES, *DICOM_SUFFIXES))[1] for case in cases]
    names = _by_path(parts, cases)
    return [f"{name}{suffix.replace('.', '_')}" for name, suffix in zip(names, suffixes, strict=True)]


def _by_digest(parts: list[list[str]], cases: list[dict]) -> list[str]:
    sources = [os.fsencode(str(first_image(case["image"]))) for case in cases]
    names = _by_path(parts, cases)
    return [f"{name}-{hashlib.sha1(source).hexdigest()[:8]}" for name, source in zip(names, sources, strict=True)]


def _folded(name: str) -> str:
    """Return what names have in common that are one on some file system: accents taken apart or not, large and small letters."""
    return unicodedata.normalize("NFC", name).casefold()


def _safe(name: str) -> str:
    name = "".join(letter if letter.isprintable() else "_" for letter in name).replace("/", "_")
    content = name.encode()
    if len(content) <= LONGEST:
        return name
    return f"{content[: LONGEST - 9].decode(errors='ignore')}-{hashlib.sha1(content).hexdigest()[:8]}"
