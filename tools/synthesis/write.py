"""Write synthetic vertebra CT as a data set."""

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from custom_networks.cases.tree import visible
from custom_networks.data.data_list import load_data_list
from custom_networks.errors import UserError

from ..datasets.vertebra_samples import LABELS
from ..layout.making import making
from ..layout.nifti import save_pair
from .vertebra_ct import COARSE, Source, load_label_map, load_scan, synthesise

VALIDATION_SHARE = 20  # every twentieth case validates


def find_sources(paths: Iterable[Path], meshes: Path | None, seed: int) -> list[Source]:
    """Load what synthetic CT is made from.

    Args:
        paths: label maps (NIfTI), folders of label maps, or data sets whose training section has images and labels.
        meshes: folder of `pelvis.PARTS`, or None to leave the pelvis out.
        seed: of the pelvis' size and tilt.
    """
    random = np.random.default_rng(seed)
    sources = []
    for path in paths:
        if (path / "dataset.json").is_file():
            sources += [load_scan(Path(e["image"]), Path(e["label"])) for e in load_data_list(path, "training")]
        else:
            files = [path] if path.is_file() else visible(path.glob("*.nii*"))
            sources += [load_label_map(file, random, meshes) for file in files]
    if not sources:
        raise UserError(f"{', '.join(map(str, paths))}: no label map.", "Give label maps, folders of them, or data sets.")
    return sources


def write_synthetic(
    folder: Path,
    sources: list[Source],
    copies: int,
    seed: int,
    jobs: int = 1,
    overwrite: bool = False,
    quiet: bool = False,
    on_case: Callable[[], None] = lambda: None,
) -> Path:
    """Write CT and label maps made from label maps or scans, and the data list. Every twentieth case validates.

    Args:
        folder: the data set to make.
        sources: see `find_sources`.
        copies: cases of every source.
        seed: equal seeds give equal cases.
        jobs: processes that share the cases.
        overwrite: whether a data set that exists is replaced.
        quiet: see `scan`.
        on_case: called after every case.

    Returns:
        the ``dataset.json``.
    """
    cases = [(source, copy, (seed, index, copy), quiet) for index, source in enumerate(sources) for copy in range(copies)]
    sections: dict[str, list[dict]] = {"training": [], "validation": [], "test": []}
    with making(folder, overwrite) as made, ProcessPoolExecutor(jobs) as pool:
        for index, entry in enumerate(pool.map(partial(_write_case, made.folder), *zip(*cases, strict=True))):
            sections["validation" if index % VALIDATION_SHARE == VALIDATION_SHARE - 1 else "training"].append(entry)
            on_case()
        sections["test"] = sections["validation"]
        made.write_list(f"synthetic CT of vertebrae, seed {seed}", LABELS, sections)
    return folder / "dataset.json"


def _write_case(folder: Path, source: Source, copy: int, seed: tuple[int, ...], quiet: bool) -> dict[str, str]:
    ct, labels = synthesise(source, np.random.default_rng(seed), quiet)
    return save_pair(folder, f"{source.name}_{copy:03d}", ct, labels, np.diag([COARSE, COARSE, COARSE, 1.0]))
