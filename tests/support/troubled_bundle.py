"""A bundle that brings the processes it runs in into trouble."""

from pathlib import Path

import numpy as np
from conftest import save_nifti
from tiny_bundle import INFERENCE, make_tiny_bundle

TROUBLE = '''
"""Bring a worker into trouble, once a case and kind."""

import os
import time
from pathlib import Path

import numpy as np


class Trouble:
    """By the name of the case: wait to be killed, take all memory, or say that there is none."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def __call__(self, data):
        kind = data["case"].rpartition("_")[2]
        with (self.folder / data["case"]).open("a") as begun:
            begun.write(f"{os.getpid()}\\n")
        first = len((self.folder / data["case"]).read_text().split()) == 1
        if kind == "killed" and first:
            time.sleep(60)
        if kind == "large" and first:
            kept = [np.ones(2**26) for _ in range(4)]
            time.sleep(60)
        if kind == "lacking" and first or kind == "never":
            raise MemoryError
        return data


class Done:
    """Note that a case was written."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def __call__(self, data):
        with (self.folder / "done").open("a") as done:
            done.write(data["case"] + "\\n")
        return data
'''


def make_troubled_bundle(folder: Path, notes: Path) -> Path:
    """Write the bundle; among the notes is a file a case with the processes that began it, and ``done``, the names of cases."""
    notes.mkdir()
    parts = {
        name: INFERENCE[name] | {"transforms": [*INFERENCE[name]["transforms"], {"_target_": target, "folder": str(notes)}]}
        for name, target in (("preprocessing", "scripts.trouble.Trouble"), ("postprocessing", "scripts.trouble.Done"))
    }
    make_tiny_bundle(folder, **parts)
    (folder / "scripts" / "trouble.py").write_text(TROUBLE)
    return folder


def write_scans(folder: Path, count: int, **names: str) -> Path:
    """Write small scans of different content; ``names`` are the ends of some names by their number, such as ``_3="killed"``."""
    folder.mkdir()
    for index in range(count):
        end = names.get(f"_{index}", "plain")
        image = np.random.default_rng(index).random((12, 12, 3)).astype(np.float32)
        save_nifti(folder / f"case{index:03}_{end}.nii.gz", image)
    return folder
