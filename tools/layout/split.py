"""What keeps training and test apart."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from PIL import Image

from custom_networks.errors import UserError
from custom_networks.readers.bounded import CHUNK, STREAM_ERRORS

from .contents import checksum, content_size, open_content

SECTIONS = ("training", "validation", "test")


def check_split(folder: Path, sections: Mapping[str, Sequence[dict]]) -> None:
    """Refuse a split that would test, or choose the best model, on what is trained on.

    Args:
        folder: what paths of entries are relative to.
        sections: name to entries.

    Raises:
        UserError: when an image stands in two sections: the same file, or a copy of it under another name.
    """
    seen: dict[Path, str] = {}
    for section, path in _images(folder, sections):
        other = seen.setdefault(path, section)
        if other != section:
            raise UserError(f"{path}: would be in {other} and in {section}.", "A case belongs to one of them.")
    if len({*seen.values()}) < 2:  # the sizes of packed files are costly to tell
        return
    sizes: dict[int, set[str]] = defaultdict(set)
    for path, section in seen.items():
        sizes[content_size(path)].add(section)
    copies: dict[tuple[int, int], Path] = {}
    for path, section in seen.items():
        if not path.is_file() or len(sizes[content_size(path)]) < 2:
            continue
        other = copies.setdefault((content_size(path), checksum(path)), path)
        if seen[other] != section and _digest(path) == _digest(other) and not _is_blank(path):
            raise UserError(
                f"{path}: would be in {section}, and {other}, the same image, in {seen[other]}.", "Remove one of the copies."
            )


def describe_split(data_list: Path) -> str:
    """Return how many entries of a ``dataset.json`` train, validate and test, and what follows where a section has none."""
    content = json.loads(data_list.read_text(encoding="utf-8"))
    counts = {section: len(content.get(section, [])) for section in SECTIONS}
    text = ", ".join(f"{count} {section}" for section, count in counts.items())
    if counts["training"] and not counts["validation"]:
        text += " (without validation training keeps its last weights)"
    return text


def _images(folder: Path, sections: Mapping[str, Sequence[dict]]) -> Iterator[tuple[str, Path]]:
    for section, entries in sections.items():
        for entry in entries:
            images = entry["image"]
            for image in images if isinstance(images, list) else [images]:
                if image is not None:  # a channel may be missing
                    yield section, (folder / image).resolve()


def _is_blank(path: Path) -> bool:
    """Tell whether an image has one value everywhere, so that equal files say nothing."""
    try:
        image = nibabel.load(path).dataobj if path.name.endswith((".nii", ".nii.gz")) else Image.open(path)
        values = np.asarray(image)
    except (OSError, ValueError, ImageFileError):
        return False
    return bool((values == values.flat[0]).all())


def _digest(path: Path) -> bytes:
    """Return the SHA-256 of a file's content as it is unpacked, of a damaged file that of its bytes."""
    digest = hashlib.sha256()
    try:
        with open_content(path) as stream:
            while block := stream.read(CHUNK):
                digest.update(block)
        return digest.digest()
    except STREAM_ERRORS:
        return hashlib.sha256(path.read_bytes()).digest()
