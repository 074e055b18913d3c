"""Kinds of results that are label maps."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import nibabel

from ..exporting import EXPORTS
from ..levels import area_rows, read_levels
from ..measures import measure_label_map, measure_lesions, measure_radiograph, measure_vertebrae
from ..report.view import View, number_slices, view_picture
from .kind import CaseFiles, ResultKind


class Slices(ResultKind):
    """Structures that are measured slice by slice; the fat fraction too where a water and a fat image are given."""

    picture = "_overlay.png"
    exports = EXPORTS

    def measure(self, case: CaseFiles) -> Iterable[dict]:
        rows = measure_label_map(case.result, case.name, case.classes)
        return rows + area_rows(rows, read_levels(case.source))

    def measure_together(self, cases: Sequence[CaseFiles]) -> Iterator[dict]:
        from ..fat import fat_fractions

        return fat_fractions(cases)

    def draw(self, case: CaseFiles, target: Path) -> None:
        from ..pictures import draw_overlay

        draw_overlay(case.volume, target, case.name)

    def score(self, prediction: Path, truth: Path, classes: Mapping[str, str]) -> Iterable[dict]:
        from ...scoring.tasks import score_structures

        return score_structures(prediction, truth, classes)

    def view(self, case: CaseFiles) -> View | None:
        volume, header = case.volume, nibabel.load(case.result)
        if volume.image.shape != volume.mask.shape:
            return None
        return replace(volume, numbering=number_slices(header.affine, header.shape))


class GrayMatter(Slices):
    """Gray matter of the spinal cord, scored as in its challenge too."""

    def score(self, prediction: Path, truth: Path, classes: Mapping[str, str]) -> Iterable[dict]:
        from ...scoring.tasks import score_gray_matter

        return score_gray_matter(prediction, truth, classes)


class Volumes(Slices):
    """Structures of volumes; as `Slices`, without what needs several cases."""

    def measure_together(self, cases: Sequence[CaseFiles]) -> Iterable[dict]:
        return ()


class Described(Volumes):
    """Structures that the bundle describes one by one in ``CASE_seg.json``."""

    def details(self, case: CaseFiles) -> dict:
        return json.loads(case.beside("_seg.json").read_text(encoding="utf-8"))


class Vertebrae(Described):
    """Numbered vertebrae."""

    def measure(self, case: CaseFiles) -> Iterable[dict]:
        return measure_vertebrae(self.details(case))

    def draw(self, case: CaseFiles, target: Path) -> None:
        from ..pictures_vertebrae import draw_vertebrae

        draw_vertebrae(case.volume, target, case.name)

    def view(self, case: CaseFiles) -> View | None:
        from ..pictures_vertebrae import WINDOW

        view = super().view(case)
        return view and replace(view, plane="sagittal", window=WINDOW)

    def score(self, prediction: Path, truth: Path, classes: Mapping[str, str]) -> Iterable[dict]:
        from ...scoring.tasks import score_vertebrae

        return score_vertebrae(prediction, truth, classes)


class Lesions(Described):
    """Lesions; pictures show the slices with most of them."""

    may_be_empty = True

    def measure(self, case: CaseFiles) -> Iterable[dict]:
        return measure_lesions(self.details(case))

    def draw(self, case: CaseFiles, target: Path) -> None:
        from ..pictures import draw_overlay

        draw_overlay(case.volume, target, case.name, by_load=True)

    def view(self, case: CaseFiles) -> View | None:
        lesions = self.details(case)["lesions"] if case.beside("_seg.json").is_file() else ()  # other programs write none
        places = {f"lesion {lesion['number']}": tuple(lesion["centroid_mm"]) for lesion in lesions}
        view = super().view(case)
        return view and replace(view, places=places)

    def score(self, prediction: Path, truth: Path, classes: Mapping[str, str]) -> Iterable[dict]:
        from ...scoring.tasks import score_lesions

        return score_lesions(prediction, truth, classes)


class Radiograph(Volumes):
    """Organs of a projection image."""

    def measure(self, case: CaseFiles) -> Iterable[dict]:
        return measure_radiograph(case.result, case.name, case.classes)

    def draw(self, case: CaseFiles, target: Path) -> None:
        from ..pictures_radiograph import draw_radiograph

        draw_radiograph(case.source, case.result, target, case.name)

    def view(self, case: CaseFiles) -> View | None:
        from ..pictures_radiograph import load_radiograph

        picture, labels, spacing = load_radiograph(case.source, case.result)
        gray = picture if picture.ndim == 2 else picture.mean(-1)
        return view_picture(gray, labels, spacing) if gray.shape == labels.shape else None
