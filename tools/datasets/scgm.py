"""Prepare the spinal cord gray matter challenge in its official form."""

import re
import tempfile
from pathlib import Path

import nibabel
import numpy as np

from custom_networks.data.label_values import check_label_values
from custom_networks.errors import UserError, WrongFilesError

from ..layout.data_list import Report
from ..layout.nifti import check_same_grid, load_nifti
from .folder import prepare_folder

LABELS = {"0": "background", "1": "gray matter", "2": "white matter"}
OFFICIAL = {1: 2, 2: 1}  # the challenge: 1 white, 2 gray matter
IMAGE = re.compile(r"(site\d+-sc\d+)-image\.nii(\.gz)?$")


def prepare_scgm(source: Path, folder: Path, **options) -> Report:
    """Merge the raters of every scan by majority vote and write the data list.

    Expected are ``siteN-scMM-image.nii.gz`` and ``siteN-scMM-mask-rK.nii.gz`` of up to four raters, in which 1 is
    white and 2 gray matter. Ours are 1 gray and 2 white matter. Images without a mask, the challenge's test scans,
    are left out and named.

    Args:
        source: the unpacked challenge.
        folder: the data set to make.
        options: see `prepare_folder`.

    Raises:
        WrongFilesError: names every mask that cannot be read, is none or does not fit; nothing is written then.
        UserError: when no image of such a name is there.
    """
    if not source.is_dir():
        raise UserError(f"{source}: no such folder.", "Give the unpacked challenge.")
    images = {match[1]: path for path in sorted(source.iterdir()) if (match := IMAGE.match(path.name))}
    if not images:
        raise UserError(f"{source}: no siteN-scMM-image.nii.gz.", "Give the unpacked challenge.")
    left_out, faults = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for case, path in images.items():
            masks = sorted(source.glob(f"{case}-mask-r*.nii*"))
            if not masks:
                left_out.append(f"{path.name}: no mask of any rater")
                continue
            try:
                loaded = [load_nifti(mask) for mask in masks]
                for mask, image in zip(masks, loaded, strict=True):
                    check_same_grid(mask, image.shape, image.affine, masks[0], loaded[0].shape, loaded[0].affine)
                    check_label_values(mask, np.asarray(image.dataobj), max(OFFICIAL))
            except UserError as error:
                faults.append(error)
                continue
            merged = majority_vote([np.asarray(image.dataobj) for image in loaded])
            label = np.zeros(merged.shape, np.uint8)
            for official, ours in OFFICIAL.items():
                label[merged == official] = ours
            nibabel.save(nibabel.Nifti1Image(label, loaded[0].affine), Path(scratch) / f"{case}_label{_suffix(path)}")
            (Path(scratch) / f"{case}_image{_suffix(path)}").symlink_to(path.resolve())
        if faults:
            raise WrongFilesError(faults, f"{len(faults)} of {len(images)} cases are wrong; nothing was written.")
        report = prepare_folder(Path(scratch), folder, LABELS, **options)
    report.left_out += left_out
    return report


def majority_vote(raters: list[np.ndarray]) -> np.ndarray:
    """Give each voxel the label that most raters gave it; a tie goes to the lower label, background first.

    Args:
        raters: label maps of one shape.

    Returns:
        label map of that shape, as 8-bit integers.
    """
    stack = np.stack([np.asarray(rater).astype(np.uint8) for rater in raters])
    votes = np.stack([(stack == label).sum(axis=0) for label in range(int(stack.max()) + 1)])
    return votes.argmax(axis=0).astype(np.uint8)


def _suffix(path: Path) -> str:
    return ".nii.gz" if path.name.endswith(".nii.gz") else ".nii"
