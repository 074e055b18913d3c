"""Read a folder to any depth, whatever lies in it."""

import logging
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

logger = logging.getLogger("axial")

PASSED_OVER = ("__MACOSX",)  # what macOS adds to zips; names that begin with a dot are passed over too


@dataclass
class Tree:
    """Folders with the files in each, both in the order of their names, and what could not be read, with the reason."""

    folders: list[tuple[Path, list[Path]]] = field(default_factory=list)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)


def read_tree(root: Path) -> Tree:
    """List a folder to any depth.

    Links are followed, each folder once. Links that lead nowhere or to a folder that was read are named in the log and passed over,
    pipes and devices are passed over.
    """
    tree = Tree()
    waiting, linked, seen = [root], [], set()
    while waiting or linked:
        folder = waiting.pop() if waiting else linked.pop()
        try:
            status = folder.stat()
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            tree.unreadable.append((folder, error.strerror or str(error)))
            continue
        if (status.st_dev, status.st_ino) in seen:
            logger.warning("%s: a link to a folder that is read already; skipped.", folder)
            continue
        seen.add((status.st_dev, status.st_ino))
        files = []
        for entry in entries:
            if is_hidden(entry.name):
                continue
            try:
                mode = entry.stat().st_mode
            except OSError as error:
                if entry.is_symlink():
                    logger.warning("%s: a link that leads nowhere; skipped.", entry.path)
                else:
                    tree.unreadable.append((Path(entry.path), error.strerror or str(error)))
                continue
            if stat.S_ISDIR(mode):
                (linked if entry.is_symlink() else waiting).append(Path(entry.path))
            elif stat.S_ISREG(mode):
                files.append(Path(entry.path))
        tree.folders.append((folder, files))
    tree.folders.sort()
    return tree


def visible(paths: Iterable[Path]) -> list[Path]:
    """Return paths in order, without those that `is_hidden` says are passed over."""
    return sorted(path for path in paths if not is_hidden(path.name))


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder of this name is passed over: hidden, or an addition of macOS."""
    return name.startswith(".") or name in PASSED_OVER
