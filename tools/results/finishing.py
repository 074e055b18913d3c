"""What follows the mask of a case: measures, picture, exports, its section of the report."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from custom_networks.engines.case_evaluator import CaseResult
from custom_networks.errors import UserError, explain, plain

from ..bundles import Bundle
from ..dicomweb.archive import Archives
from .exporting import EXPORTS
from .kinds import CaseFiles, ResultKind
from .measuring import measure_case
from .report.section import CaseSection, SectionWriter


@dataclass(frozen=True)
class FinishedCase:
    """One case with all that belongs to it.

    Attributes:
        result: what became of it, measures included; a step that failed is named in its error.
        section: of the report.
        warnings: that came in another process; those of this one were said as they came.
    """

    result: CaseResult
    section: CaseSection
    warnings: tuple[str, ...] = ()


class CaseFinisher:
    """Measure, draw, export and describe cases, one at a time; in the process that segmented them.

    Args:
        bundle: the bundle.
        kind: of its results.
        output: folder of the results.
        suffix: what a result's name adds to the case's.
        exports: further formats, by the names in the kind's ``exports``.
        archives: where images were fetched from; what is said of them names their addresses.
        store: whether DICOM Segmentations go there.

    Raises:
        UserError: for an export that the kind does not have.
    """

    def __init__(
        self,
        bundle: Bundle,
        kind: ResultKind,
        output: Path,
        suffix: str,
        exports: Sequence[str] = (),
        archives: Archives | None = None,
        store: bool = False,
    ) -> None:
        exports = dict.fromkeys([*exports, *(["dicom-seg"] if store else [])])
        for name in exports:
            if name not in kind.exports:
                option = f"--{name}" if name in EXPORTS else f"--export {name}"  # as it was typed
                raise UserError(f"{option}: {bundle.name} has no such export.", "Leave it out.")
        self.bundle, self.kind, self.output, self.suffix, self.exports = bundle, kind, output, suffix, tuple(exports)
        self.archives, self.store = archives, store
        images = bundle.metadata.get("network_data_format", {}).get("inputs", {}).values()
        self.sections = SectionWriter(kind, output, any(image.get("modality") == "CT" for image in images))

    def __call__(self, result: CaseResult) -> FinishedCase:
        files, problems = self.files(result), []
        if not result.error:
            rows = take_step(problems, result, "measured", lambda: tuple(measure_case(self.kind, files)))
            result = replace(result, measures=rows or ())
            take_step(problems, result, "drawn", lambda: self._draw(files, result))
            for name in self.exports:
                take_step(problems, result, f"written as {name}", lambda name=name: self._export(files, name))
            if self.store and not problems:
                stored = take_step(problems, result, "stored", lambda: self._store(files, result.skipped) or "")
                result = replace(result, stored=stored or None)
        return self.describe(replace(result, error=result.error or " ".join(problems) or None), files)

    def describe(self, result: CaseResult, files: CaseFiles | None = None) -> FinishedCase:
        """Write the section of a case; where it cannot be shown, that is its error."""
        problems: list[str] = []
        files = files or self.files(result)
        result = self._say_origin(result)
        section = take_step(problems, result, "shown in the report", lambda: self.sections.write(result, files))
        if section is None:
            result = self._say_origin(replace(result, error=result.error or problems[-1]))
            section = self.sections.write(result, files)
        return FinishedCase(result, section)

    def files(self, result: CaseResult) -> CaseFiles:
        """Return the files of a case."""
        path = result.path or self.output / f"{result.name}{self.suffix}"
        source = str(result.source)
        return CaseFiles(result.name, self.archives.located(source) if self.archives else source, path, self.bundle.classes)

    def exists(self, name: str) -> bool:
        """Tell whether the result of a case of that name is there."""
        return (self.output / f"{name}{self.suffix}").exists()

    def _draw(self, files: CaseFiles, result: CaseResult) -> None:
        if self.kind.picture is not None:
            target = files.beside(self.kind.picture)
            if not result.skipped or not target.exists():
                self.kind.draw(files, target)

    def _export(self, files: CaseFiles, name: str) -> None:
        export = self.kind.exports[name]
        target = files.beside(export.suffix)
        if self.store and target.exists() and target.stat().st_mtime_ns >= files.result.stat().st_mtime_ns:
            return  # what an archive may hold already keeps its UID
        export.write(self.bundle, files.source, files.result, target)

    def _store(self, files: CaseFiles, may_be_there: bool) -> str | None:
        return self.archives.store(files.source, files.beside(self.kind.exports["dicom-seg"].suffix), may_be_there)

    def _say_origin(self, result: CaseResult) -> CaseResult:
        """Return a result that names addresses in archives in place of folders that will be gone."""
        if self.archives is None:
            return result
        said = self.archives.described
        return replace(
            result,
            source=said(str(result.source)),
            error=result.error and said(result.error),
            warnings=tuple(map(said, result.warnings)),
        )


def take_step(problems: list[str], result: CaseResult | None, what: str, step: Callable[[], object]) -> object:
    """Take one step; where it fails, say so among the problems and go on.

    Args:
        problems: gets a line for a step that fails.
        result: of the case; None where the step is of no single case.
        what: what the result cannot be then, such as ``"measured"``; empty leaves it to the error.
        step: what is done.

    Returns:
        what the step returns; None where it fails.
    """
    try:
        return step()
    except Exception as error:  # whatever it is, the other steps and cases go on
        logging.getLogger("axial").debug("%s", what, exc_info=True)
        name = "" if result is None else f"{result.name}: "
        problems.append(plain(f"{name}cannot be {what}: {explain(error)}" if what else explain(error)))
        return None
