"""Prepare chest radiographs of disease with lung masks that go through the heart (ieee8023/covid-chestxray-dataset)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from custom_networks.errors import UserError
from custom_networks.results.write_result import write_result

from ..layout.data_list import Report
from ..layout.making import making
from ..layout.tables import read_table
from .folder import fitting_names, split_sections

CLASSES = {"0": "background", "1": "right lung", "2": "left lung", "3": "heart", "4": "right clavicle", "5": "left clavicle"}
PARTIAL = {
    "6": "right lung or right clavicle",
    "7": "left lung or left clavicle",
    "8": "right lung or heart",
    "9": "left lung or heart",
    "10": "background or clavicles",
    "11": "background or heart",
    "12": "anything",
}
LUNG, DEVICE = 255, 127  # of the masks
SMALLEST = 0.002  # of the picture; smaller pieces of a mask are slips of the pen
CROSSING = 0.2  # share of a piece on the other side of the midline, from which both lungs are one piece
THINNEST = 0.5  # share of a mask's highest column that the column between two lungs may have
UPPER = 0.4  # of a lung's height: clavicles lie above, the heart below
ABOVE = 0.2  # of a lung's height, that clavicles reach beyond its top
BELOW = 0.1  # of a lung's height, that the heart reaches beyond its base
VALIDATION_STEP = 10  # every tenth patient validates where none is named


def prepare_covid_films(
    source: Path,
    folder: Path,
    test: Sequence[str] = (),
    validation: Sequence[str] = (),
    fold: tuple[int, int] | None = None,
    overwrite: bool = False,
) -> Report:
    """Write radiographs and label maps as PNG, and the data list, in which a patient's films stay together.

    Lungs are drawn through the heart and clavicles are not drawn, so labels beyond the bundle's five classes say what a pixel may
    be: within a lung's mask also a clavicle in its upper part and the heart in the lower part's inner half, beside it likewise.
    Devices, which were passed over, may be anything. Right and left are told by the place in the picture.

    Args:
        source: folder of ``manifest.csv``, ``images`` and ``masks`` with equal names; 255 lung, 127 device.
        folder: the data set to make.
        test: patterns of patients that test.
        validation: patterns of patients that validate; where none is named, every tenth of the others.
        fold: number of a fold from 1 and how many there are; its patients test.
        overwrite: whether a data set in the folder may be replaced.

    Raises:
        WrongFilesError: names every film that cannot be read, and every mask of another size or without two lungs; nothing is
            written then.
        UserError: when there is no manifest or no film of it, when a pattern fits no patient, and for a fold that is none.
    """
    if fold and not 1 <= fold[0] <= fold[1]:
        raise UserError(f"fold {fold[0]} of {fold[1]}: no such fold.", f"Give --fold 1 to {fold[1]}.")
    films, left_out = _read_manifest(source)
    patients: dict[str, list[dict]] = {}
    with making(folder, overwrite, source) as made:
        for name, patient in films.items():
            with made.case():
                image, mask = _read_pair(source, name)
                case = Path(name).stem
                entry = {"image": f"{case}_image.png", "label": f"{case}_label.png", "subject": patient}
                try:
                    label = partial_labels(mask)
                except ValueError as error:
                    raise UserError(f"{source / 'masks' / name}: {error}.", "Leave the film out of manifest.csv.") from error
                write_result(made.folder / entry["image"], Image.fromarray(image).save, ".png")
                write_result(made.folder / entry["label"], Image.fromarray(label).save, ".png")
                patients.setdefault(patient, []).append(entry)
        made.check()
        sections = _sections(patients, list(test), validation, fold)
        made.write_list("films of disease, lungs drawn through the heart", CLASSES | PARTIAL, sections)
    return Report(folder / "dataset.json", list(films), left_out)


def partial_labels(mask: np.ndarray) -> np.ndarray:
    """Return the label map of a mask, see `prepare_covid_films`.

    Args:
        mask: ``(rows, columns)``, 255 lung, 127 device, 0 rest.

    Raises:
        ValueError: when it does not hold two lungs.
    """
    right, left = split_lungs(mask == LUNG)
    rows, columns = np.indices(mask.shape)
    label = np.zeros(mask.shape, np.uint8)
    spans = [(np.flatnonzero(lung.any(1))[[0, -1]], np.flatnonzero(lung.any(0))[[0, -1]]) for lung in (right, left)]
    (right_rows, right_columns), (left_rows, left_columns) = spans
    tops, heights = np.array([right_rows[0], left_rows[0]]), np.array([np.ptp(right_rows), np.ptp(left_rows)]) + 1
    between = (columns > right_columns.mean()) & (columns < left_columns[0] + 0.85 * np.ptp(left_columns))
    border = (tops + UPPER * heights).mean()
    label[(rows < border) & (rows > (tops - ABOVE * heights).min())] = 10
    label[(rows >= border) & (rows < (tops + (1 + BELOW) * heights).max()) & between] = 11
    for lung, top, height, value in ((right, tops[0], heights[0], 1), (left, tops[1], heights[1], 2)):
        upper = rows < top + UPPER * height
        label[lung] = value
        label[lung & upper] = 5 + value
        label[lung & ~upper & between] = 7 + value
    label[mask == DEVICE] = 12
    return label


def split_lungs(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Part a mask of both lungs, of which the patient's right one lies on the picture's left.

    Pieces keep together, but for one that crosses the column between the lungs where the mask is thinnest.

    Raises:
        ValueError: when a lung is missing.
    """
    mask = mask.astype(bool)
    pieces, count = ndimage.label(mask)
    sizes = ndimage.sum_labels(mask, pieces, range(1, count + 1)) if count else []
    large = [number for number, size in enumerate(sizes, 1) if size >= SMALLEST * mask.size]
    mask = np.isin(pieces, large)
    columns = mask.sum(0)
    total = np.cumsum(columns) / max(1, columns.sum())
    inner = np.flatnonzero((total > 0.25) & (total < 0.75))
    if not len(inner):
        raise ValueError("two lungs cannot be told apart")
    thin = inner[columns[inner] == columns[inner].min()]
    if columns[thin[0]] > THINNEST * columns.max():
        raise ValueError("one lung is missing")
    middle = int(np.round(np.median(thin)))
    right = np.zeros_like(mask)
    for number in large:
        piece = pieces == number
        share = piece[:, :middle].sum() / piece.sum()
        if share >= 1 - CROSSING:
            right |= piece
        elif share > CROSSING:
            right[:, :middle] |= piece[:, :middle]
    left = mask & ~right
    if not right.any() or not left.any():
        raise ValueError("one lung is missing")
    return right, left


def _read_manifest(source: Path) -> tuple[dict[str, str], list[str]]:
    path = source / "manifest.csv"
    if not path.is_file():
        raise UserError(f"{path}: not found.", "Give the folder of manifest.csv, images and masks.")
    rows = read_table(path, ("file", "patientid"), "Give the data set's own list.")
    films, left_out = {}, []
    for row in rows:
        missing = [part for part in ("images", "masks") if not (source / part / row["file"]).is_file()]
        if missing or Path(row["file"]).name != row["file"]:
            left_out.append(f"{row['file']}: not in {' and '.join(missing) or 'the folder'}")
        else:
            films[row["file"]] = row["patientid"]
    if not films:
        raise UserError(f"{path}: none of its films is there.", "Keep images and masks beside it.")
    return films, left_out


def _read_pair(source: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    pictures = []
    for part in ("images", "masks"):
        try:
            pictures.append(np.asarray(Image.open(source / part / name).convert("L")))
        except OSError as error:
            raise UserError(f"{source / part / name}: cannot be read ({error}).", "Copy it again.") from error
    image, mask = pictures
    if image.shape != mask.shape:
        sizes = ["x".join(map(str, picture.shape[::-1])) for picture in pictures]
        raise UserError(f"{source / 'masks' / name}: {sizes[1]} pixels, the film has {sizes[0]}.", "Draw it on the film itself.")
    return image, mask


def _sections(
    patients: dict[str, list[dict]], test: list[str], validation: Sequence[str], fold: tuple[int, int] | None
) -> dict[str, list[dict]]:
    names = sorted(patients)
    if fold:
        test += names[fold[0] - 1 :: fold[1]]
    if not validation:
        held = {name for pattern in test for name in fitting_names(names, pattern)}
        others = [name for name in names if name not in held]
        validation = others[VALIDATION_STEP - 1 :: VALIDATION_STEP] or others[-1:]
    grouped = split_sections({name: {"films": patients[name]} for name in names}, test, validation)
    return {section: [film for group in groups for film in group["films"]] for section, groups in grouped.items()}
