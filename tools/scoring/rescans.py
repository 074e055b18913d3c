"""Repeatability of measures over scans that were taken twice."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from custom_networks.errors import UserError

from ..bundles import Bundle
from .folds import subject_name
from .repeatability import Repeatability, repeatability


def score_rescans(
    bundle: Bundle,
    source: Path,
    weights: Path | None = None,
    subject: str | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> list[Repeatability]:
    """Segment ``CASE_image`` and ``CASE_rescan`` and compare what is measured.

    Args:
        bundle: that segments.
        source: folder of NIfTI files.
        weights: folder of weights of folds, ``<subject>.pt``, so that nobody is measured by weights that saw him; None takes the
            bundle's own.
        subject: what in a case's name is its subject, see `folds.subject_of`.
        tell: called with a line for every case.

    Raises:
        UserError: when there is no rescan, or no weights of a subject.
    """
    from ..api import load

    rescans = sorted(source.glob("*_rescan.nii.gz"))
    if not rescans:
        raise UserError(f"{source}: holds no *_rescan.nii.gz.", "Call second scans as the first, with _rescan for _image.")
    rows = []
    for rescan in rescans:
        name = rescan.name.removesuffix("_rescan.nii.gz")
        file = None if weights is None else weights / f"{subject_name(name, subject or '.*')}.pt"
        tell(f"{name}: both scans")
        model = load(bundle, weights=file)
        rows.append([_rows(model.segment(path).measures) for path in (source / f"{name}_image.nii.gz", rescan)])
    return repeatability(*([row for found in scans for row in found] for scans in zip(*rows, strict=True)))


def _rows(measures: pd.DataFrame) -> list[dict]:
    """Return the rows as ``measures.csv`` has them, without those of slices."""
    return measures[measures["slice"].isna()].assign(slice="").to_dict("records")
