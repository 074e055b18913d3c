"""Compare the Modality of DICOM files with the one that a bundle was made for."""

from pathlib import Path

from ..errors import UserError

KINDRED = {"DX": ("DX", "CR", "RG", "DR"), "MR": ("MR",), "CT": ("CT",)}  # what is the same to a network


def check_modality(path: Path, found: str | None, wanted: str) -> list[str]:
    """Return a remark where DICOM files do not say their modality; None stands for files that are no DICOM and never say it.

    Raises:
        UserError: for another modality than ``wanted`` and its kin.
    """
    if found is None:
        return []
    accepted = KINDRED.get(wanted, (wanted,))
    if not found:
        return [f"the DICOM files do not say their modality; taken as {wanted}"]
    if found.upper() not in accepted:
        raise UserError(
            f"{path}: its modality is {found}, this bundle is for {' or '.join(accepted[:2])}.",
            "Choose another bundle, or add --any-modality (any_modality true in a config).",
        )
    return []
