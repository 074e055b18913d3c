"""Further formats of masks: DICOM Segmentation and .seg.nrrd."""

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from custom_networks.engines.case_evaluator import CaseResult
from custom_networks.errors import explain

from ..bundles import Bundle


def export_masks(
    bundle: Bundle, results: list[CaseResult], output: Path, dicom_seg: bool, seg_nrrd: bool, errors: Console
) -> list[CaseResult]:
    """Write ``<case>_seg.dcm`` and ``<case>.seg.nrrd`` for the masks of a run.

    Args:
        bundle: bundle that made the masks.
        results: of `segment_cases`.
        output: folder of the masks.
        dicom_seg: whether DICOM Segmentation is written; a case that is no DICOM series fails then.
        seg_nrrd: whether .seg.nrrd is written.
        errors: where errors go.

    Returns:
        the results; a case whose export failed has its error.
    """
    if not bundle.is_segmentation:
        return results
    exported = []
    for result in results:
        mask = output / f"{result.name}_seg.nii.gz"
        try:
            if seg_nrrd and not result.error:
                from .export_nrrd import write_seg_nrrd

                write_seg_nrrd(bundle, mask, output / f"{result.name}.seg.nrrd")
            if dicom_seg and not result.error:
                from .export_dicom import write_dicom_seg

                write_dicom_seg(bundle, result.source, mask, output / f"{result.name}_seg.dcm")
        except Exception as error:  # the other masks are exported still
            result = replace(result, error=explain(error))
            errors.print(f"[red]failed:[/red] {result.error}", highlight=False, soft_wrap=True)
        exported.append(result)
    return exported
