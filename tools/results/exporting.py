"""Further formats of masks, by the names of their options."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..bundles import Bundle


@dataclass(frozen=True)
class Export:
    """A further format.

    Attributes:
        suffix: what the file's name adds to the case's.
        write: called with the bundle, the case's source, its mask and the file to write.
    """

    suffix: str
    write: Callable[[Bundle, str, Path, Path], None]


def _dicom_seg(bundle: Bundle, source: str, mask: Path, target: Path) -> None:
    from .export_dicom import write_dicom_seg  # highdicom takes a second to import

    write_dicom_seg(bundle, source, mask, target)


def _seg_nrrd(bundle: Bundle, source: str, mask: Path, target: Path) -> None:
    from .export_nrrd import write_seg_nrrd

    write_seg_nrrd(bundle, mask, target)


def _rtstruct(bundle: Bundle, source: str, mask: Path, target: Path) -> None:
    from .export_rtstruct import write_rtstruct

    write_rtstruct(bundle, source, mask, target)


EXPORTS = {
    "dicom-seg": Export("_seg.dcm", _dicom_seg),
    "seg-nrrd": Export(".seg.nrrd", _seg_nrrd),
    "rtstruct": Export("_rtstruct.dcm", _rtstruct),
}
