"""Prepare a plain folder of images and label maps or masks."""

import fnmatch
import shutil
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from custom_networks.cases.cases import VOLUME_SUFFIXES, case_name
from custom_networks.cases.tree import visible
from custom_networks.data.label_values import check_label_values
from custom_networks.errors import UserError, WrongFilesError
from custom_networks.geometry.axial import slice_axis, slices_last

from ..layout.data_list import Report, check_no_data_set, split_in_order
from ..layout.making import making
from ..layout.nifti import check_same_grid, load_image, load_nifti
from ..phantoms.write import write_cord_case

NIFTI_SUFFIXES = (".nii.gz", ".nii")
PHANTOM_SHARE = 0.3
PASSED_OVER = 255  # label of slices that nobody labelled


def prepare_folder(
    source: Path,
    folder: Path,
    labels: dict[str, str],
    image_suffix: str = "_image",
    masks: Sequence[tuple[int, str]] = (),
    label_suffix: str = "_label",
    test: Sequence[str] = (),
    validation: Sequence[str] = (),
    phantoms: int = 0,
    pass_over_unlabelled: bool = False,
    overwrite: bool = False,
) -> Report:
    """Copy images, make one label map of each case, write the data list.

    Two forms are read: files ``<case><image_suffix>.nii.gz`` beside ``<case><label_suffix>.nii.gz``, or folders
    ``images`` and ``labels`` (also ``imagesTr`` and ``labelsTr``) with equal names. With ``masks`` the label map of
    the first form is put together of binary masks, the first named winning where two overlap.

    A case draws as often in training as it has labelled slices. Phantoms, when asked for, make up `PHANTOM_SHARE` of
    what is drawn, and are the validation where no case is named for it; so a left-out subject is never looked at.

    Args:
        source: the folder.
        folder: the data set to make.
        labels: label value to name.
        image_suffix: end of an image's name before ``.nii.gz``.
        masks: pairs of label value and name suffix.
        label_suffix: end of a label map's name, used without ``masks``.
        test: patterns of cases that test; the others train.
        validation: patterns of cases that validate.
        phantoms: number of spinal cord phantoms to add.
        pass_over_unlabelled: whether axial slices on which nothing is drawn are marked with `PASSED_OVER`, not as background.
        overwrite: whether a data set in the folder may be replaced.

    Raises:
        WrongFilesError: names every image and label that cannot be read, and every label that does not lie on its image's grid or
            is none; nothing is written then.
        UserError: when there is no pair, when a pattern fits no case, or when an image would stand in two sections.
    """
    pairs, left_out = find_pairs(source, image_suffix, masks, label_suffix)
    if not pairs:
        raise UserError(
            f"{source}: no image with its label.",
            f"Name them CASE{image_suffix}.nii.gz and CASE{label_suffix}.nii.gz, or use the folders images and labels.",
        )
    chosen = split_sections({case: case for case in pairs}, test, validation, has_phantoms=phantoms > 0)
    check_no_data_set(folder, overwrite, source)
    largest = max(int(value) for value in labels)
    _check_cases(pairs.values(), largest)
    entries = {}
    with making(folder, overwrite, source) as made:
        for part in ("images", "labels"):
            (made.folder / part).mkdir()
        for case, (image_path, label_paths) in pairs.items():
            label = _merge(image_path, label_paths)
            drawn = labelled_slices(label)
            if pass_over_unlabelled:
                label = _mark_unlabelled(label)
            suffix = next(s for s in VOLUME_SUFFIXES if image_path.name.lower().endswith(s))
            entry = {"image": f"images/{case}{suffix}", "label": f"labels/{case}.nii.gz"}
            shutil.copyfile(image_path, made.folder / entry["image"])
            nibabel.save(label, made.folder / entry["label"])
            entries[case] = entry | {"weight": drawn}
        sections = {section: [entries[case] for case in cases] for section, cases in chosen.items()}
        if phantoms:
            _add_phantoms(made.folder, sections, phantoms, validate=not validation)
        made.write_list(f"prepared from {source.name}", labels, sections)
    return Report(folder / "dataset.json", list(entries), left_out)


def _mark_unlabelled(label: nibabel.Nifti1Image) -> nibabel.Nifti1Image:
    array = np.asarray(label.dataobj).copy()
    ordered = np.moveaxis(array, slice_axis(label.affine), -1)
    ordered[..., ~ordered.any(axis=(0, 1))] = PASSED_OVER
    return nibabel.Nifti1Image(array, label.affine)


def labelled_slices(label: nibabel.Nifti1Image) -> int:
    """Count the axial slices that carry a label."""
    array = np.asarray(label.dataobj)
    if array.ndim == 2:
        return 1
    return max(1, int(np.any(slices_last(array, label.affine), axis=(0, 1)).sum()))


def find_pairs(source: Path, image_suffix: str, masks, label_suffix: str) -> tuple[dict, list[str]]:
    """Find images and their labels below a folder.

    Returns:
        case to ``(image, [(value or None, label file)])``, and a line for every image without its label.
    """
    if not source.is_dir():
        raise UserError(f"{source}: no such folder.", "Give the folder of the images.")
    pairs, left_out = {}, []
    wanted = list(masks) or [(None, label_suffix)]
    for images, labels in (("images", "labels"), ("imagesTr", "labelsTr")):
        if (source / images).is_dir():
            files = _by_name(source / labels) if (source / labels).is_dir() else {}
            candidates = [(case_name(path), path, [(None, case_name(path))], f"{labels}/") for path in _niftis(source / images)]
            break
    else:
        files, candidates = _by_name(source), []
        for path in _niftis(source):
            stem = case_name(path)
            if stem.endswith(image_suffix):
                case = stem[: len(stem) - len(image_suffix)]
                candidates.append((case, path, [(value, f"{case}{suffix}") for value, suffix in wanted], ""))
    for case, path, names, place in candidates:
        ending = path.name[len(case_name(path)) :]
        found = [(value, files.get(_composed(name + ending)) or files.get(_composed(name))) for value, name in names]
        missing = [f"{place}{name}{ending}" for (_, name), (_, file) in zip(names, found, strict=True) if file is None]
        if missing:
            left_out.append(f"{path.name}: {missing[0]} is missing")
            continue
        if case in pairs:
            left_out.append(f"{pairs[case][0].name}: {path.name} is taken, of the same case")
        pairs[case] = (path, found)
    return pairs, left_out


def _by_name(folder: Path) -> dict[str, Path]:
    """Return the NIfTI files of a folder by their names, and by their names without ending."""
    files = [path for path in _niftis(folder) if path.exists()]
    return {_composed(case_name(path)): path for path in files} | {_composed(path.name): path for path in files}


def _composed(name: str) -> str:
    """Return a name as others write it where macOS takes a letter and its accent apart."""
    return unicodedata.normalize("NFC", name)


def _niftis(folder: Path) -> list[Path]:
    return [path for path in visible(folder.iterdir()) if path.name.lower().endswith(NIFTI_SUFFIXES)]


def _check_cases(cases: Collection[tuple[Path, list[tuple[int | None, Path]]]], largest: int) -> None:
    """Demand of all images and labels, before anything is written, that they can be read, fit and hold labels."""
    faults, wrong = [], 0
    for image_path, label_paths in cases:
        found = []
        try:
            image = load_image(image_path)
            if image.ndim > 3:
                raise UserError(f"{image_path}: has {image.ndim} axes.", "Give each volume as a file of its own.")
        except UserError as error:
            found.append(error)
        else:
            for value, path in label_paths:
                try:
                    label = load_nifti(path)
                    check_same_grid(path, label.shape, label.affine, image_path, image.shape, image.affine)
                    if value is None:
                        check_label_values(path, np.asarray(label.dataobj), largest)
                except UserError as error:
                    found.append(error)
        faults += found
        wrong += bool(found)
    if faults:
        raise WrongFilesError(faults, f"{wrong} of {len(cases)} cases are wrong; nothing was written.")


def _merge(image_path: Path, label_paths: list[tuple[int | None, Path]]) -> nibabel.Nifti1Image:
    image = load_nifti(image_path)
    merged = np.zeros(image.shape, np.uint8)
    for value, path in reversed(label_paths):
        array = np.asarray(load_nifti(path).dataobj)
        if value is None:
            merged = array.astype(np.uint8)
        else:
            merged[array > 0.5] = value
    label = nibabel.Nifti1Image(merged, image.affine)
    label.header.set_xyzt_units("mm")
    return label


def fitting_names(names: Iterable[str], pattern: str) -> list[str]:
    """Return the names that fit a pattern of the shell, and the one that is the pattern itself: ``scan [1]`` fits itself too."""
    wanted = _composed(pattern)
    return [name for name in names if _composed(name) == wanted or fnmatch.fnmatchcase(_composed(name), wanted)]


def split_sections(
    entries: dict[str, Any], test: Sequence[str], validation: Sequence[str], has_phantoms: bool = False
) -> dict[str, list]:
    """Split cases by patterns of their names; in order, see `split_in_order`, where none is given."""
    if not test and not validation:
        if has_phantoms:
            return {"training": list(entries.values()), "validation": [], "test": []}
        return split_in_order(list(entries.values()))
    chosen: dict[str, list[str]] = {"test": [], "validation": []}
    for section, patterns in (("test", test), ("validation", validation)):
        for pattern in patterns:
            fitting = fitting_names(entries, pattern)
            if not fitting:
                raise UserError(f"{pattern}: no case of this name.", f"There are: {', '.join(entries)}.")
            chosen[section] += [case for case in fitting if case not in chosen[section]]
    both = sorted(set(chosen["test"]) & set(chosen["validation"]))
    if both:
        raise UserError(f"{', '.join(both)}: would validate and test.", "Let --validation and --test name different cases.")
    held = set(chosen["test"]) | set(chosen["validation"])
    training = [entry for case, entry in entries.items() if case not in held]
    return {"training": training} | {section: [entries[case] for case in chosen[section]] for section in ("validation", "test")}


def _add_phantoms(folder: Path, sections: dict[str, list], count: int, validate: bool) -> None:
    entries = [write_cord_case(folder, index, seed=0) for index in range(count)]
    validating = max(1, count // 6) if validate else 0
    sections["validation"] = sections["validation"] + entries[:validating]
    drawn = sum(entry["weight"] for entry in sections["training"])
    training = entries[validating:]
    weight = drawn * PHANTOM_SHARE / (1 - PHANTOM_SHARE) / max(1, len(training))
    sections["training"] = sections["training"] + [entry | {"weight": round(weight, 4)} for entry in training]
