"""Prepare axial slices: DICOM slices with label pictures, or volumes with label maps."""

from collections.abc import Container, Sequence
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image
from scipy.ndimage import distance_transform_edt

from custom_networks.cases.cases import PICTURE_SUFFIXES, case_name
from custom_networks.data.label_values import check_label_values
from custom_networks.errors import UserError, WrongFilesError
from custom_networks.geometry.axial import slice_axis
from custom_networks.readers.dicom_series import DicomSeriesReader
from custom_networks.readers.picture import PictureReader

from ..layout.data_list import Report
from ..layout.making import making
from ..layout.nifti import check_same_grid, load_image, load_nifti, save_pair
from .folder import find_pairs, fitting_names, split_sections

DICOM_FOLDERS = (("dicoms", "labels"), ("train/dicoms", "train/labels"))
VALIDATION_STEP = 10  # where no case is named, every tenth slice of the training validates


def prepare_dicom_slices(
    source: Path,
    folder: Path,
    labels: dict[str, str],
    test: Sequence[str] = (),
    validation: Sequence[str] = (),
    overwrite: bool = False,
) -> Report:
    """Pair DICOM slices with label pictures of the same names; write NIfTI slices with their place in space.

    Read are the folders ``dicoms`` and ``labels``, or these in ``train``. A label is ``.npy``, ``.png`` or ``.jpg`` with the
    slice's rows and columns; a pixel's value is its region.

    Args:
        source: the folder.
        folder: the data set to make.
        labels: label value to name.
        test: patterns of slices that test.
        validation: patterns of slices that validate.
        overwrite: whether a data set in the folder may be replaced.

    Raises:
        WrongFilesError: names every slice without geometry or in colour, and every label of another size or with values that are
            no labels; nothing is written then.
        UserError: when there is no pair, or a pattern fits no slice.
    """
    images, label_files, left_out = _pair_names(source)
    chosen = _sections({case: case for case in images}, test, validation)
    entries = {}
    largest = max(int(value) for value in labels)
    reader = DicomSeriesReader()
    with making(folder, overwrite, source) as made:
        for case, path in images.items():
            with made.case():
                pixels = label = None
                with made.file():
                    pixels, meta = reader.get_data(reader.read(str(path)))
                with made.file():
                    label = read_label_picture(label_files[case], largest)
                if pixels is not None and label is not None:
                    _check_shape(label_files[case], label, path, pixels)
                    entries[case] = save_pair(made.folder, case, pixels, label[..., None], meta["affine"])
        made.check()
        sections = {section: [entries[case] for case in cases] for section, cases in chosen.items()}
        made.write_list(f"prepared from {source.name}", labels, sections)
    return Report(folder / "dataset.json", list(entries), left_out)


def prepare_volumes(
    source: Path,
    folder: Path,
    labels: dict[str, str],
    image_suffix: str = "_image",
    label_suffix: str = "_label",
    test: Sequence[str] = (),
    validation: Sequence[str] = (),
    fold: tuple[int, int] | None = None,
    relabel: dict[int, int] | None = None,
    within: dict[int, float] | None = None,
    stacks: bool = False,
    overwrite: bool = False,
) -> Report:
    """Cut NIfTI volumes with label maps into their labelled axial slices, ``CASE_z012``, each with its place in space.

    Args:
        source: folder of ``<case><image_suffix>.nii.gz`` beside ``<case><label_suffix>.nii.gz``.
        folder: the data set to make.
        labels: label value to name.
        image_suffix: end of an image's name; may be empty.
        label_suffix: end of a label map's name.
        test: patterns of slices that test, such as ``"tum01_*_z01?"``.
        validation: patterns of slices that validate; where none is named, every tenth slice of the training.
        fold: number of a fold from 1 and how many there are. Each volume's labelled slices are cut into as many blocks of
            neighbours, and those of the fold test.
        relabel: value in the label maps to the one to write; also of 0, where what is not drawn may be a class that was left out.
        within: value, after ``relabel`` and named in ``labels``, to the distance in mm from the nearest region of the slice up to
            which it stays; farther away its pixels become background, such as an abdomen too far from the spine to hold a muscle
            that was left out. A slice without any region keeps them.
        stacks: whether a case is the stack of a volume from its first labelled slice to its last, ``CASE``, as users' scans are,
            and not every slice by itself.
        overwrite: whether a data set in the folder may be replaced.

    Raises:
        WrongFilesError: names every image that cannot be read or is no volume, and every label map of another grid or with values
            that are no labels; nothing is written then.
        UserError: when there is no pair, a pattern fits no slice, or a fold is asked of stacks.
    """
    if fold and stacks:
        raise UserError("A fold is of slices, not of stacks.", "Leave out --fold or --stacks.")
    pairs, left_out = find_pairs(source, image_suffix, (), label_suffix)
    left_out = [line for line in left_out if not case_name(line.split(":")[0]).endswith(label_suffix)]
    if not pairs:
        raise UserError(
            f"{source}: no image with its label map.", f"Name them CASE{image_suffix}.nii.gz and CASE{label_suffix}.nii.gz."
        )
    if fold and not 1 <= fold[0] <= fold[1]:
        raise UserError(f"fold {fold[0]} of {fold[1]}: no such fold.", f"Give --fold 1 to {fold[1]}.")
    for value in within or {}:
        if str(value) not in labels:
            raise UserError(f"{value}: no label of that value to limit.", f"Choose one of {', '.join(labels)}.")
    entries, held = {}, list(test)
    with making(folder, overwrite, source) as made:
        for case, (image_path, [(_, label_path)]) in pairs.items():
            with made.case():
                parts = _cut(image_path, label_path, max(int(value) for value in labels), relabel or {}, within or {}, stacks)
                if not parts:
                    left_out.append(f"{label_path.name}: nothing is drawn")
                elif stacks and (empty := _empty_slices(*next(iter(parts.values()))[1:])):
                    left_out.append(
                        f"{label_path.name}: nothing is drawn in {empty} slices between others; they count as background"
                    )
                names = [case for _ in parts] if stacks else [f"{case}_z{z:03d}" for z in parts]
                for name, (image, label, affine) in zip(names, parts.values(), strict=True):
                    entries[name] = save_pair(made.folder, name, image, label, affine)
                if fold:
                    held += np.array_split(names, fold[1])[fold[0] - 1].tolist()
        made.check()
        made.write_list(f"prepared from {source.name}", labels, _sections(entries, held, validation))
    return Report(folder / "dataset.json", list(pairs), left_out)


def read_label_picture(path: Path, largest: int) -> np.ndarray:
    """Read a label picture as ``(columns, rows)``, uint8.

    Raises:
        UserError: when it cannot be read, is in colour or no picture, or has values that are not labels.
    """
    try:
        if path.suffix.lower() == ".npy":
            values = np.load(path, allow_pickle=False)
        else:
            with Image.open(path) as picture:
                indexed = picture.mode == "P"
                values = np.asarray(picture) if indexed else None
            if not indexed:
                reader = PictureReader()
                values = reader.get_data(reader.read(str(path)))[0].T
    except UserError:
        raise
    except Exception as error:  # numpy and Pillow raise many types for broken files
        raise UserError(f"{path}: cannot be read as a label ({error}).", "Export it again.") from error
    if values.dtype.kind not in "biuf":
        raise UserError(f"{path}: holds no plain numbers ({values.dtype}).", "Give one label of rows and columns a slice.")
    if values.ndim != 2:
        raise UserError(f"{path}: an array of {values.ndim} axes.", "Give one label of rows and columns a slice.")
    found = np.unique(values)
    wrong = [f"{value:g}" for value in found if value != np.round(value) or not 0 <= value <= largest]
    if wrong:
        listed = ", ".join(wrong[:5]) + (", ..." if len(wrong) > 5 else "")
        remedy = "JPG changes values; export labels as PNG." if path.suffix.lower() in (".jpg", ".jpeg") else "Fix the label."
        raise UserError(f"{path}: values {listed} are not regions from 0 to {largest}.", remedy)
    return values.T.astype(np.uint8)


def _pair_names(source: Path) -> tuple[dict[str, Path], dict[str, Path], list[str]]:
    """Return slice and label of every case that has both, and a line for every file without its partner."""
    for images, labels in DICOM_FOLDERS:
        if (source / images).is_dir() and (source / labels).is_dir():
            break
    else:
        raise UserError(f"{source}: no folders dicoms and labels.", "Give the folder that holds both, or their folder train.")
    kinds = (".npy", *PICTURE_SUFFIXES)
    slices: dict[str, Path] = {}
    found: dict[str, Path] = {}
    left_out, doubles = [], []
    for path in _files(source / images):
        if slices.setdefault(case_name(path), path) != path:
            doubles.append(UserError(f"{path} and {slices[case_name(path)].name}: two slices of one name.", "Remove one."))
    for path in _files(source / labels):
        if not path.name.lower().endswith(kinds):
            left_out.append(f"{labels}/{path.name}: not a label; accepted are {', '.join(kinds)}")
        elif found.setdefault(path.stem, path) != path:
            doubles.append(UserError(f"{path} and {found[path.stem].name}: two labels of one slice.", "Remove one."))
    if doubles:
        raise WrongFilesError(doubles, "Nothing was written.")
    left_out += [f"{images}/{path.name}: no label of this name" for name, path in slices.items() if name not in found]
    left_out += [f"{labels}/{path.name}: no slice of this name" for name, path in found.items() if name not in slices]
    both = {name: path for name, path in slices.items() if name in found}
    if not both:
        raise UserError(
            f"{source}: no slice has a label of its name.",
            f"For instance {images}/{next(iter(slices), 'A')}.dcm needs {labels}/{next(iter(slices), 'A')}.png.",
        )
    return both, found, left_out


def _check_shape(path: Path, label: np.ndarray, image: Path, pixels: np.ndarray) -> None:
    if label.shape != pixels.shape[:2]:
        found, expected = ("x".join(str(n) for n in shape) for shape in (label.shape, pixels.shape[:2]))
        raise UserError(f"{path}: {found} pixels, but {image.name} has {expected}.", "Draw it on the slice itself.")


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]


def _cut(
    image_path: Path, label_path: Path, largest: int, relabel: dict[int, int], within: dict[int, float], stack: bool
) -> dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return the labelled axial slices, ``(X, Y, 1)``, or the one stack of them, with their label maps and affines."""
    image, label = _load_both(image_path, label_path)
    check_same_grid(label_path, label.shape, label.affine, image_path, image.shape, image.affine)
    if image.ndim != 3:
        raise UserError(f"{image_path}: {image.ndim} axes, expected a volume.", "Give each volume as a file of its own.")
    drawn = np.asarray(label.dataobj)
    array = drawn.copy()
    for old, new in relabel.items():
        array[drawn == old] = new
    check_label_values(label_path, array, largest)
    axis = slice_axis(image.affine)
    spacing = np.delete(np.linalg.norm(image.affine[:3, :3], axis=0), axis)
    labelled = np.flatnonzero(drawn.any(tuple(i for i in range(3) if i != axis))).tolist()
    for z in labelled:
        for value, reach in within.items():
            _limit(np.moveaxis(array, axis, 0)[z], value, reach, within, spacing)
    spans = [(labelled[0], labelled[-1] + 1)] if stack and labelled else [(z, z + 1) for z in labelled]
    parts = {}
    for first, end in spans:
        window = tuple(slice(first, end) if i == axis else slice(None) for i in range(3))
        affine = image.affine.copy()
        affine[:3, 3] += first * affine[:3, axis]
        parts[first] = (image.get_fdata(dtype=np.float32)[window], array[window].astype(np.uint8), affine)
    return parts


def _empty_slices(label: np.ndarray, affine: np.ndarray) -> int:
    axis = slice_axis(affine)
    return int(np.count_nonzero(~label.any(tuple(i for i in range(3) if i != axis))))


def _load_both(image_path: Path, label_path: Path) -> list[nibabel.Nifti1Image]:
    images, faults = [], []
    for load, path in ((load_image, image_path), (load_nifti, label_path)):
        try:
            images.append(load(path))
        except UserError as error:
            faults.append(error)
    if faults:
        raise WrongFilesError(faults, "")
    return images


def _limit(label: np.ndarray, value: int, reach: float, limited: Container[int], spacing: np.ndarray) -> None:
    """Make background of a slice's pixels of a value that lie farther than ``reach`` from all regions that are not limited."""
    regions = (label > 0) & ~np.isin(label, list(limited))
    if regions.any():
        label[(label == value) & (distance_transform_edt(~regions, sampling=spacing) > reach)] = 0


def _sections(entries: dict[str, dict], test: Sequence[str], validation: Sequence[str]) -> dict[str, list[dict]]:
    if not validation:
        held = {name for pattern in test for name in fitting_names(entries, pattern)}
        training = [name for name in entries if name not in held]
        validation = training[VALIDATION_STEP - 1 :: VALIDATION_STEP] or training[1:][-1:]  # a single one trains
    return split_sections(entries, test, validation)
