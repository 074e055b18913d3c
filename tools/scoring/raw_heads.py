"""Score what is done to heads with skull: brain masks, registration, and what both mean for lesions."""

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
from monai.data import MetaTensor
from nibabel.affines import apply_affine, from_matvec
from scipy.ndimage import affine_transform

from custom_networks.errors import UserError
from custom_networks.heads.bias import correct_bias
from custom_networks.heads.itk_images import LPS
from custom_networks.heads.registration import register_rigid

from ..bundles import Bundle
from .dice import dice

Image = tuple[np.ndarray, np.ndarray]  # values, and affine from voxels to mm


def score_raw_heads(bundle: Bundle, source: Path, work: Path, tell: Callable[[str], None] = lambda text: None) -> list[dict]:
    """Compare with the masks and transforms of the Ljubljana set's longitudinal part (open_ms_data), which no training saw.

    Args:
        bundle: that of the lesions.
        source: folder of its files: ``patient01_study1_FLAIR.nii.gz``, ``..._T1W``, ``coregistered__patient01__brainmask`` and the
            ITK transforms of T1 to FLAIR and of FLAIR to the space of that mask.
        work: folder of images that are made.
        tell: called with a line for every study.

    Returns:
        a row a study: ``brain_dice`` of the brain mask on FLAIR; ``registration_error_mm``, the mean distance over the brain
        between where our motion of T1 and theirs take a voxel; ``header_error_mm``, that of no registration; ``lesion_dice``, of
        the first study of each patient, the agreement of its lesions with those of the study prepared by their mask,
        their transform and N4.

    Raises:
        UserError: when there is no study.
    """
    studies = sorted(source.glob("patient*_FLAIR.nii.gz"))
    if not studies:
        raise UserError(f"{source}: holds no patient*_FLAIR.nii.gz.", "Give raw_heads of open_ms_data's longitudinal part.")
    with bundle.parser("inference.json") as parser:
        heads = parser.get_parsed_content("heads")
        rows = []
        for path in studies:
            patient, study, _ = path.name.split("_")
            tell(f"{patient} {study}: brain and registration")
            flair, t1 = _read(path), _read(source / f"{patient}_{study}_T1W.nii.gz")
            common = _read(source / f"coregistered__{patient}__brainmask.nii.gz")
            to_common = _transform(source / f"coregistered__{patient}__{study}_FLAIR_to_common_space.txt")
            to_flair = _transform(source / f"raw__{patient}__{study}_T1W_intrastudy_to_FLAIR.txt")
            brain = _resampled(common, np.linalg.inv(to_common), flair, order=0) > 0.5
            found = heads.find_brain(MetaTensor(flair[0][None], affine=flair[1]))
            ours = register_rigid(flair[0], flair[1], t1[0], t1[1])
            points = apply_affine(flair[1], np.argwhere(brain))
            errors = [
                float(np.linalg.norm(apply_affine(matrix, points) - apply_affine(to_flair, points), axis=1).mean())
                for matrix in (ours, np.eye(4))
            ]
            row = {"case": f"{patient}_{study}", "subject": patient, "brain_dice": 0.0 if found is None else dice(found, brain)}
            row |= {"registration_error_mm": errors[0], "header_error_mm": errors[1]}
            tell(f"{patient} {study}: brain Dice {row['brain_dice']:.3f}, T1 {errors[0]:.2f} mm off (header {errors[1]:.2f} mm)")
            rows.append(row)
            prepared = {
                name: (_corrected(values, flair[1], brain), flair[1])
                for name, values in (("FLAIR", flair[0]), ("T1", _resampled(t1, to_flair, flair, order=1)))
            }
            for kind, images in (("raw", {"FLAIR": flair, "T1": t1}), ("prepared", prepared)):
                folder = work / kind / f"{patient}_{study}"
                folder.mkdir(parents=True, exist_ok=True)
                for name, (values, affine) in images.items():
                    nibabel.save(nibabel.Nifti1Image(values.astype(np.float32), affine), folder / f"{name}.nii.gz")
    return _with_lesions(bundle, work, rows, tell)


def _with_lesions(bundle: Bundle, work: Path, rows: list[dict], tell: Callable[[str], None]) -> list[dict]:
    from ..api import load

    model = load(bundle)
    firsts = {row["subject"]: row for row in reversed(rows)}
    for row in firsts.values():
        masks = [np.asarray(model.segment(work / kind / row["case"]).mask.dataobj) > 0 for kind in ("raw", "prepared")]
        row["lesion_dice"] = dice(*masks)
        tell(f"{row['case']}: lesions of {masks[0].sum()} and {masks[1].sum()} voxels, Dice {row['lesion_dice']:.3f}")
    return [{"lesion_dice": float("nan")} | row for row in rows]


def _corrected(values: np.ndarray, affine: np.ndarray, brain: np.ndarray) -> np.ndarray:
    """Return the brain without bias field, 0 elsewhere."""
    return np.where(brain, correct_bias(np.maximum(values, 0), affine, brain & (values > 0)), 0)


def _read(path: Path) -> Image:
    image = nibabel.load(path)
    return np.asarray(image.dataobj, np.float32), image.affine


def _transform(path: Path) -> np.ndarray:
    """Read an ITK affine transform as a matrix ``(4, 4)`` between the mm of NIfTI."""
    lines = dict(line.split(":", 1) for line in path.read_text(encoding="utf-8").splitlines() if ":" in line)
    values, centre = (np.array(lines[name].split(), float) for name in ("Parameters", "FixedParameters"))
    turn, shift = values[:9].reshape(3, 3), values[9:]
    return LPS @ from_matvec(turn, shift + centre - turn @ centre) @ LPS


def _resampled(image: Image, motion: np.ndarray, grid: Image, order: int) -> np.ndarray:
    """Return an image on another's grid; ``motion`` takes mm of the grid to mm of the image."""
    voxels = np.linalg.inv(image[1]) @ motion @ grid[1]
    return affine_transform(image[0], voxels[:3, :3], voxels[:3, 3], output_shape=grid[0].shape, order=order)
