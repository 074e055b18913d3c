"""Results as objects: masks, measures and probabilities in memory, no files left behind."""

import os
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd
import torch
from monai.data import MetaTensor
from nibabel.spatialimages import SpatialImage

from custom_networks.engines.case_evaluator import CaseEvaluator, CaseResult
from custom_networks.errors import UserError, explain
from custom_networks.results.record import quality_of, read_record
from custom_networks.transforms.saving.save_maps import entropy

from .finding import as_paths, check_scans
from .finishing import take_step
from .kinds import CaseFiles
from .loading import insert_at_probabilities
from .measures import COLUMNS
from .measuring import measure_case, measure_run
from .segmenting import Segmenter

Input = str | os.PathLike[str] | SpatialImage
"""A path of an image, of a DICOM series or of a study, ``dicomweb://HOST/studies/UID``, or a nibabel image."""


@dataclass(frozen=True)
class Result:
    """What a bundle found in one case.

    Attributes:
        name: of the case: its file's without the suffix; ``image`` for an image in memory.
        mask: label map on the scan's own grid; None of a class, and where the case failed.
        measures: a row a measure: case, structure, measure, slice (<NA> for a whole case), value, unit.
        probability: of each voxel before a threshold or argmax, on the mask's grid; where the network has several channels they are
            the last axis. None where a bundle has none (vertebrae). Of a class: a Series, name to probability.
        warnings: what a reader should know of.
        record: what made the result: bundle, weights, settings, versions, the input's SHA-256.
        error: None, or why the case failed; of lists only, since a single case that fails raises it.
        details: what the bundle says of each vertebra or lesion, of its second-best numbering, or of a class; empty of the others.
    """

    name: str
    mask: nibabel.Nifti1Image | None
    measures: pd.DataFrame
    probability: nibabel.Nifti1Image | pd.Series | None
    warnings: tuple[str, ...]
    record: dict[str, Any]
    error: UserError | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def quality(self) -> float | None:
        """How likely the mask is good, from 0 to 1; None where the bundle was not calibrated. ``record["quality"]`` says why."""
        judged = quality_of(self.record)
        return judged and judged.value

    @property
    def entropy(self) -> nibabel.Nifti1Image | None:
        """How uncertain each voxel is, from 0 to 1, on the mask's grid; None where there is no ``probability`` of voxels."""
        if self.mask is None or self.probability is None:
            return None
        values = self.probability.get_fdata(dtype=np.float32)
        channels = np.moveaxis(values, -1, 0) if values.ndim > self.mask.ndim else values[None]
        return nibabel.Nifti1Image(entropy(torch.from_numpy(channels)).numpy(), self.mask.affine)


@dataclass
class _Keep:
    """A transform that keeps the probabilities of each case, by name."""

    found: dict[str, MetaTensor] = field(default_factory=dict)

    def __call__(self, data: dict) -> dict:
        self.found[data["case"]] = data["pred"].detach().float().cpu().clone()
        return data


class InMemorySegmenter(Segmenter):
    """A `Segmenter` whose results come as objects; its files live in a temporary folder."""

    def run(self, scans: Sequence[Input], series: str | int | None) -> list[Result]:
        """Segment scans; return the results of each, in their order."""
        check_scans(scans)
        keep = _Keep()
        with ExitStack() as stack:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            stack.enter_context(kept_random_states())
            sources = [os.fspath(path) for path in as_paths(scans, stack)]
            written = {f"{os.path.dirname(path)}{os.sep}" for path, scan in zip(sources, scans, strict=True) if is_in_memory(scan)}
            series = None if series is None else str(series)
            archives = self.archives(stack, series)

            def said(text: str) -> str:  # without folders that will be gone when it is read
                return archives.described(_without(text, written))

            cases, failed = self.find(sources, series, archives)
            parser = stack.enter_context(self.bundle.parser("inference.json"))
            insert_at_probabilities(parser, keep)
            evaluator: CaseEvaluator = self.evaluator(parser, cases, scratch, True, archives)
            evaluator.on_case = lambda result: None
            done = evaluator.run()
            files = {
                result.name: CaseFiles(result.name, result.source, result.path, self.bundle.classes)
                for result in done
                if not result.error
            }
            together, problem = self._together(list(files.values()))
            done = [replace(result, warnings=(*result.warnings, *problem)) for result in done]
            results = [*failed, *done]
            found = [self._result(result, files.get(result.name), together.get(result.name, []), keep, said) for result in results]
            pairs = list(zip(results, found, strict=True))
            return [mine for s in sources for result, mine in pairs if _belongs(result.source, str(archives.fetched.get(s, s)))]

    def _together(self, files: list[CaseFiles]) -> tuple[dict[str, list[dict]], list[str]]:
        """Return what several cases together measure, and why it could not be, as one warning, so that nothing else is lost."""
        problems: list[str] = []
        found = take_step(problems, None, "measured together", lambda: measure_run(self.kind, files))
        return found or {}, problems

    def _result(
        self, result: CaseResult, files: CaseFiles | None, together: list[dict], keep: _Keep, said: Callable[[str], str]
    ) -> Result:
        problem = result.error
        if files is not None:
            try:
                return self._made(result, files, together, keep, said)
            except Exception as error:  # a mask that cannot be read or measured leaves the other cases
                problem = f"{result.source}: {explain(error)}"
        return Result(result.name, None, as_table([]), None, tuple(map(said, result.warnings)), {}, UserError(said(problem)))

    def _made(self, result: CaseResult, files: CaseFiles, together: list[dict], keep: _Keep, said: Callable[[str], str]) -> Result:
        rows = [*measure_case(self.kind, files), *together]
        mask = _read(files.result) if self.bundle.is_segmentation else None
        probability = keep.found.pop(result.name, None)
        if probability is not None:
            probability = self._named(probability) if mask is None else _image(probability, mask)
        record = read_record(files.result) or {}
        record |= {key: [said(text) for text in record.get(key, ())] for key in ("source", "warnings")}
        details = self.kind.details(files)
        return Result(result.name, mask, as_table(rows), probability, tuple(map(said, result.warnings)), record, details=details)

    def _named(self, probabilities: torch.Tensor) -> pd.Series:
        return pd.Series(probabilities.flatten().numpy(), index=list(self.bundle.classes.values()), name="probability")


def is_in_memory(scan: object) -> bool:
    """Tell whether a scan is a nibabel image, and no path."""
    return hasattr(scan, "to_filename")


def _without(text: str, folders: set[str]) -> str:
    """Return a text without these folders."""
    for folder in folders:
        text = text.replace(folder, "")
    return text


def _belongs(source: str, scan: str) -> bool:
    """Tell whether a case's source is a scan that was given, or lies in it."""
    source, scan = (os.path.realpath(path) for path in (source, scan))
    return source == scan or source.startswith((f"{scan}#", f"{scan}{os.sep}"))


def _read(path: Path) -> nibabel.Nifti1Image:
    image = nibabel.load(path)
    return nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header)


def _image(probability: torch.Tensor, mask: nibabel.Nifti1Image) -> nibabel.Nifti1Image:
    """Return probabilities ``(C, X, Y, Z)`` as an image ``(X, Y, Z)`` or ``(X, Y, Z, C)``."""
    array = np.moveaxis(probability.numpy(), 0, -1)
    array = array.reshape(*mask.shape, array.shape[-1])
    return nibabel.Nifti1Image(array[..., 0] if array.shape[-1] == 1 else array, mask.affine)


def as_table(rows: list[dict]) -> pd.DataFrame:
    """Return rows of measures as a table with whole numbers of slices."""
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["slice"] = pd.to_numeric(table["slice"], errors="coerce").astype("Int64")
    table["value"] = pd.to_numeric(table["value"]).astype(float)
    return table


@contextmanager
def kept_random_states() -> Iterator[None]:
    """Give back the random numbers that a bundle's fixed seed would take from the caller."""
    states = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
