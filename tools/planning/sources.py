"""Find a user's images and labels, however they are laid out."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import takewhile
from pathlib import Path

from custom_networks.cases.cases import is_dicom_file
from custom_networks.cases.names import name_cases
from custom_networks.cases.suffixes import (
    ARCHIVE_SUFFIX,
    DICOM_SUFFIXES,
    IMAGE_SUFFIXES,
    PICTURE_SUFFIXES,
    UNREAD_SUFFIXES,
    split_suffix,
)
from custom_networks.cases.tree import is_hidden, read_tree
from custom_networks.errors import UserError

from ..layout.split import SECTIONS
from ..results.labelled_series import find_radiograph
from .colours import find_colours

FOLDERS = (("imagesTr", "labelsTr"), ("images", "labels"))
CHANNEL = re.compile(r"_\d{4}")  # ends the names of nnU-Net's images, one a channel
SEPARATORS = "_-. "
LABEL_ENDINGS = (".seg", "_seg")  # which names of labels may have beyond those of their images
LAYOUTS = (
    "Give a data set with dataset.json; folders images and labels, or imagesTr and labelsTr, with equal names; or "
    "CASE_image.nii.gz beside CASE_label.nii.gz. Volumes are NIfTI, NRRD, MetaImage or folders of DICOM files, pictures PNG or "
    "JPG; labels may be DICOM Segmentations too."
)


@dataclass(frozen=True)
class LabelledCase:
    """A case: its name, an image for each channel, a file or the folder of a DICOM series, and the file of its label map."""

    name: str
    images: tuple[Path, ...]
    label: Path


@dataclass(frozen=True)
class Source:
    """What was found in a folder.

    Attributes:
        folder: where it was found.
        cases: with image and label.
        sections: name of a section to names of cases, where the folder says which train and which test.
        labels: label value to name, as far as the folder names classes.
        channels: words that tell the images of a case apart; none where a case has one image.
        channel_names: what the folder calls the channels, such as ``CT``.
        left_out: a line for every file without its partner.
        colours: of label pictures, six hexadecimal digits, to the label that each becomes; none where values are labels.
    """

    folder: Path
    cases: list[LabelledCase]
    sections: dict[str, list[str]] | None = None
    labels: dict[int, str] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    channel_names: tuple[str, ...] = ()
    left_out: list[str] = field(default_factory=list)
    colours: dict[str, int] = field(default_factory=dict)

    @cached_property
    def pictures(self) -> bool:
        """Whether some images are PNG or JPG, or DICOM radiographs."""
        return any(is_picture(image) or _is_radiograph(image) for case in self.cases for image in case.images)


def find_source(folder: Path, image_suffixes: Sequence[str] = ("_image",), label_suffix: str = "_label") -> Source:
    """Find images with their labels in a folder.

    Read are, in this order: a ``dataset.json`` that lists cases (of ours, or of the Medical Segmentation Decathlon); the folders
    ``imagesTr`` and ``labelsTr`` or ``images`` and ``labels`` with equal names, several channels as ``CASE_0000``, ``CASE_0001``
    (nnU-Net); files ``CASE<image suffix>`` beside ``CASE<label suffix>``, a suffix a channel, at any depth. A folder that holds
    one DICOM series counts as an image of its name, one that holds one file as a label.

    Raises:
        UserError: when the folder does not exist, is empty, holds no image with a label, or when cases differ in their channels.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder.", "Give the folder of images and labels.")
    description = _read_description(folder / "dataset.json")
    if isinstance(description.get("training"), list) and description["training"]:
        return _listed(folder, description)
    left_out: list[str] = []
    for images, labels in FOLDERS:
        if (folder / images).is_dir():
            cases = list(_beside(folder / images, folder / labels, left_out))
            break
    else:
        cases = _suffixed(folder, image_suffixes, label_suffix, left_out)
    if not cases:
        said = f" ({left_out[0]})" if left_out else ""
        empty = not any(path for path in folder.iterdir() if not is_hidden(path.name))
        raise UserError(f"{folder}: {'an empty folder' if empty else f'no image with its label{said}'}.", LAYOUTS)
    names, channel_names = _named_labels(folder, description), _channel_names(description)
    return Source(folder, cases, None, names, _channels(cases), channel_names, left_out, _colours(cases))


def is_picture(path: Path) -> bool:
    """Tell whether a file is a PNG or JPG by its name."""
    return path.name.lower().endswith(PICTURE_SUFFIXES)


def _is_radiograph(path: Path) -> bool:
    return path.is_file() and is_dicom_file(path) and find_radiograph(path) is not None


def _colours(cases: Sequence[LabelledCase]) -> dict[str, int]:
    return find_colours(case.label for case in cases if is_picture(case.label))


def _read_description(path: Path) -> dict:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}).", "Mend it, or remove it.") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: no description of a data set.", "Mend it, or remove it.")
    return content


def _listed(folder: Path, description: Mapping) -> Source:
    found, sections = [], {}
    for section in SECTIONS:
        entries = [entry for entry in description.get(section) or () if isinstance(entry, dict) and "label" in entry]
        sections[section] = [len(found) + place for place in range(len(entries))]
        found += [_listed_files(folder, entry) for entry in entries]
    if not found:
        raise UserError(f"{folder / 'dataset.json'}: its training cases have no labels.", LAYOUTS)
    cases = _named(found)
    divided = {section: [cases[number].name for number in numbers] for section, numbers in sections.items()}
    divided = divided if divided["validation"] or divided["test"] else None
    names, channel_names = _named_labels(folder, description), _channel_names(description)
    return Source(folder, cases, divided, names, _channels(cases), channel_names, colours=_colours(cases))


def _listed_files(folder: Path, entry: Mapping) -> tuple[tuple[Path, ...], Path]:
    listed = folder / "dataset.json"
    images = entry.get("image")
    images = images if isinstance(images, list) else [images]
    if not isinstance(entry["label"], str) or not images or not all(isinstance(image, str) for image in images):
        raise UserError(f"{listed}: {entry} names no image with a label map.", "A new bundle segments: labels are images.")
    paths = [folder / image for image in (*images, entry["label"])]
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: named in {listed}, but not there.", "Restore the file or mend the list.")
    return tuple(map(_image, paths[:-1])), _label(paths[-1])


def _named(found: Sequence[tuple[tuple[Path, ...], Path]]) -> list[LabelledCase]:
    """Return cases with a name each, no two alike: that of the image, of several images that of the label."""
    sources = [{"image": str(images[0] if len(images) == 1 else label)} for images, label in found]
    return [LabelledCase(case["case"], *files) for case, files in zip(name_cases(sources), found, strict=True)]


def _beside(images: Path, labels: Path, left_out: list[str]) -> Iterator[LabelledCase]:
    """Yield pairs of two folders; images of several channels end with a number of four digits."""
    if not labels.is_dir():
        raise UserError(f"{images}: no folder {labels.name} beside it.", LAYOUTS)
    found = {_stem(path): path for path in _entries(labels, left_out)}
    for ending in LABEL_ENDINGS:
        found = {stem.removesuffix(ending): path for stem, path in found.items() if stem.endswith(ending)} | found
    by_case: dict[str, list[Path]] = {}
    for path in _entries(images, left_out):
        stem = _stem(path)
        whole = CHANNEL.fullmatch(stem[-5:]) is not None and stem not in found
        by_case.setdefault(stem[:-5] if whole else stem, []).append(path)
    for name, paths in by_case.items():
        if name in found:
            yield LabelledCase(name, tuple(map(_image, paths)), _label(found[name]))
        else:
            left_out.append(f"{paths[0].name}: no label {labels.name}/{name}")


def _suffixed(folder: Path, image_suffixes: Sequence[str], label_suffix: str, left_out: list[str]) -> list[LabelledCase]:
    """Return pairs of names that differ in their endings; folders are read to any depth, one a case or all in one."""
    found = []
    tree = read_tree(folder).folders
    series: dict[Path, list[Path]] = {}
    for place, files in tree:
        if any(map(is_dicom_file, files)):
            series.setdefault(place.parent, []).append(place)
    for place, files in tree:
        stems = {_stem(path): path for path in (*files, *series.get(place, ())) if _is_entry(path, left_out)}
        for stem in stems:
            alone = stem == image_suffixes[0].lstrip(SEPARATORS)  # image.nii.gz beside label.nii.gz
            if not (alone or stem.endswith(image_suffixes[0])):
                continue
            name = "" if alone else stem[: len(stem) - len(image_suffixes[0])]
            wanted = [suffix.lstrip(SEPARATORS) if alone else f"{name}{suffix}" for suffix in (*image_suffixes, label_suffix)]
            missing = [other for other in wanted if other not in stems]
            if missing:
                left_out.append(f"{stems[stem].name}: {missing[0]} is missing")
            else:
                *images, label = (stems[other] for other in wanted)
                found.append((tuple(map(_image, images)), _label(label)))
    ending = image_suffixes[0] if len(image_suffixes) == 1 else label_suffix
    return [replace(case, name=case.name.removesuffix(ending) or case.name) for case in _named(found)]


def _entries(folder: Path, left_out: list[str]) -> list[Path]:
    """Return a folder's images: files, zipped studies, and folders."""
    return [path for path in sorted(folder.iterdir()) if _is_entry(path, left_out)]


def _is_entry(path: Path, left_out: list[str]) -> bool:
    if is_hidden(path.name):
        return False
    if path.is_dir():
        return True
    if path.name.lower().endswith(UNREAD_SUFFIXES) and not is_dicom_file(path):
        left_out.append(f"{path.name}: of a kind that is not read; convert it to NIfTI or PNG")
        return False
    return path.name.lower().endswith((*IMAGE_SUFFIXES, *DICOM_SUFFIXES, ARCHIVE_SUFFIX)) or is_dicom_file(path)


def _image(path: Path) -> Path:
    """Return an image's file, or the one folder below ``path`` that holds a DICOM series."""
    if not path.is_dir():
        return path
    series = [place for place, files in read_tree(path).folders if any(map(is_dicom_file, files))]
    if len(series) != 1:
        problem = f"{len(series)} folders of DICOM files" if series else "no DICOM file"
        raise UserError(f"{path}: a folder with {problem}.", "Give each case a folder of one series.")
    return series[0]


def _label(path: Path) -> Path:
    """Return a label's file, or the only file of its folder."""
    if not path.is_dir():
        return path
    files = [file for _, files in read_tree(path).folders for file in files]
    if len(files) != 1:
        raise UserError(f"{path}: a folder of {len(files)} files.", "Give a label map, or one DICOM Segmentation, a case.")
    return files[0]


def _stem(path: Path) -> str:
    """Return the name of an image without its ending; names of folders have none."""
    suffixes = () if path.is_dir() else (*IMAGE_SUFFIXES, *DICOM_SUFFIXES, ARCHIVE_SUFFIX)
    return split_suffix(path.name, suffixes)[0]


def _channels(cases: Sequence[LabelledCase]) -> tuple[str, ...]:
    """Return the words that tell the images of each case apart, the same for all cases."""
    first, words = cases[0], _words(cases[0].images)
    if len(set(words)) < len(words):
        raise UserError(f"{first.images[0]}: channels that their names do not tell apart.", "Call them CASE_0000, CASE_0001, ...")
    for case in cases:
        if len(case.images) != len(first.images):
            raise UserError(
                f"{case.images[0]}: {_images(len(case.images))}, but {first.images[0].name} has {_images(len(first.images))}.",
                "Give every case the same channels.",
            )
        if _words(case.images) != words:
            raise UserError(
                f"{case.images[0]}: channels {', '.join(_words(case.images))}, but {first.name} has {', '.join(words)}.",
                "Give the images of every case the same endings.",
            )
    return words


def _images(count: int) -> str:
    return f"{count} channel" if count == 1 else f"{count} channels"


def _words(images: Sequence[Path]) -> tuple[str, ...]:
    """Return what follows the common beginning of several names, up to a separator."""
    if len(images) < 2:
        return ()
    stems = [_stem(image) for image in images]
    alike = sum(1 for _ in takewhile(lambda letters: len(set(letters)) == 1, zip(*stems, strict=False)))
    start = max(stems[0][:alike].rfind(separator) for separator in SEPARATORS) + 1
    return tuple(stem[start:] for stem in stems)


def _named_labels(folder: Path, description: Mapping) -> dict[int, str]:
    """Return label value to name; nnU-Net's second version has them the other way round."""
    labels = description.get("labels", {})
    found = {}
    for key, value in labels.items() if isinstance(labels, dict) else ():
        number, name = (key, value) if str(key).isdigit() else (value, key)
        if not str(number).isdigit():
            raise UserError(
                f"{folder / 'dataset.json'}: label {key!r} is {value!r}, no single number.", "Give each class one label."
            )
        found[int(number)] = str(name)
    return {value: name for value, name in sorted(found.items()) if value}


def _channel_names(description: Mapping) -> tuple[str, ...]:
    names = description.get("channel_names", description.get("modality"))
    return tuple(map(str, names.values())) if isinstance(names, dict) else ()
