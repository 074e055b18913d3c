"""Compare the Modality of DICOM files with the one that a bundle was made for."""

from pathlib import Path

from ..errors import UserError

KINDRED = {"DX": ("DX", "CR", "RG", "DR"), "MR": ("MR",), "CT": ("CT",)}  # what is the same to a network


def check_modality(path: Path, found: str | None, wanted: str, any_modality: bool = False) -> list[str]:
    """Return a remark where DICOM files do not say their modality, or say another and are taken all the same.

    Args:
        path: file, for messages.
        found: Modality; empty where it is not said, None for files that are no DICOM.
        wanted: the bundle's.
        any_modality: whether any is taken.

    Raises:
        UserError: for another modality than ``wanted`` and its kin.
    """
    if found is None:
        return []
    accepted = KINDRED.get(wanted, (wanted,))
    if not found:
        return [f"the DICOM files do not say their modality; taken as {wanted}"]
    if found.upper() in accepted:
        return []
    if not any_modality:
        raise UserError(
            f"{path}: its modality is {found}, this bundle is for {' or '.join(accepted[:2])}.",
            "Choose another bundle, or add --any-modality (any_modality true in a config).",
        )
    return [f"its modality is {found}, not {wanted}; taken all the same"]
