"""What a kind of result can do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from ..exporting import Export
from ..report.view import View


@dataclass(frozen=True)
class CaseFiles:
    """The files of one case that was segmented.

    Attributes:
        name: of the case; results are called by it.
        source: path of the image, of the first image of a study; ``path#number`` for a series of several.
        result: the file that the bundle wrote, such as ``OUT/CASE_seg.nii.gz``.
        classes: label value to name, as metadata.json has them; 0 is background.
    """

    name: str
    source: str
    result: Path
    classes: Mapping[str, str]

    def beside(self, suffix: str) -> Path:
        """Return ``OUT/CASE`` with an ending of its own."""
        return self.result.with_name(f"{self.name}{suffix}")

    @cached_property
    def volume(self) -> View:
        """Image and mask of the case, read once for all that shows them."""
        from ..pictures import load_view

        return load_view(self.source, self.result)

    def with_label(self, label: Path) -> "CaseFiles":
        """Return the case with a label map in place of its result; an image that was read is not read again."""
        from ..pictures import load_mask

        other = replace(self, result=label)
        if "volume" in vars(self):
            vars(other)["volume"] = replace(self.volume, mask=load_mask(label)[0])
        return other


class ResultKind:
    """How the results of a bundle are measured, drawn, shown and exported; this one does nothing.

    metadata.json names the kind of a bundle under ``result_kind``: one of `tools.results.kinds.KINDS`, or ``scripts.MODULE.CLASS``,
    a plain class in a Python file of the bundle's own ``scripts`` folder. Such a class needs no base: what it does not define comes
    from the kind that its attribute ``like`` names.
    """

    picture: str | None = None  # ending of the picture's name; None where there is none
    exports: Mapping[str, Export] = {}  # by the name of the option, such as ``dicom-seg``
    may_be_empty: bool = False  # whether people have none of what is looked for, so that finding nothing is no reason to look

    def measure(self, case: CaseFiles) -> Iterable[dict]:
        """Return the rows of ``measures.csv`` (`tools.results.measures.COLUMNS`) of one case."""
        return ()

    def details(self, case: CaseFiles) -> dict:
        """Return what the bundle wrote of the case beyond its mask, such as each vertebra or lesion; nothing of most."""
        return {}

    def measure_together(self, cases: Sequence[CaseFiles]) -> Iterable[dict]:
        """Return rows that need several cases of a run, such as a water and a fat image."""
        return ()

    def draw(self, case: CaseFiles, target: Path) -> None:
        """Write the case's picture, a PNG."""

    def score(self, prediction: Path, truth: Path | int, classes: Mapping[str, str]) -> Iterable[dict]:
        """Return the scores of a result against the truth, rows of structure, metric, value and unit."""
        return ()

    def view(self, case: CaseFiles) -> View | None:
        """Return what the report shows: the image and its labels as `tools.results.report.view` has them; None for nothing."""
        return None
