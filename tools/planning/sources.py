"""Find a user's images and labels, however they are laid out."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from custom_networks.cases.cases import is_dicom_file
from custom_networks.cases.names import name_cases
from custom_networks.cases.tree import is_hidden, read_tree
from custom_networks.errors import UserError

from ..layout.split import SECTIONS
from ..results.labelled_series import find_radiograph
from .channels import find_channels
from .colours import find_colours
from .entries import SEPARATORS, LabelledCase, find_image, find_label, is_entry, is_picture, list_entries, stem_of

FOLDERS = (("imagesTr", "labelsTr"), ("images", "labels"))
CHANNEL = re.compile(r"_\d{4}")  # ends the names of nnU-Net's images, one a channel
LABEL_ENDINGS = (".seg", "_seg")  # which names of labels may have beyond those of their images
LAYOUTS = (
    "Give a data set with dataset.json; folders images and labels, or imagesTr and labelsTr, with equal names; or "
    "CASE_image.nii.gz beside CASE_label.nii.gz. Volumes are NIfTI, NRRD, MetaImage or folders of DICOM files, pictures PNG or "
    "JPG; labels may be DICOM Segmentations too."
)


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
    return Source(folder, cases, None, names, find_channels(cases), channel_names, left_out, _colours(cases))


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
        raise UserError(f"{path}: cannot be read ({error}).", "Fix it, or remove it.") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: not a description of a data set.", "Fix it, or remove it.")
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
    return Source(folder, cases, divided, names, find_channels(cases), channel_names, colours=_colours(cases))


def _listed_files(folder: Path, entry: Mapping) -> tuple[tuple[Path, ...], Path]:
    listed = folder / "dataset.json"
    images = entry.get("image")
    images = images if isinstance(images, list) else [images]
    if not isinstance(entry["label"], str) or not images or not all(isinstance(image, str) for image in images):
        raise UserError(f"{listed}: {entry} names no image with a label map.", "A new bundle segments: labels are images.")
    paths = [folder / image for image in (*images, entry["label"])]
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: named in {listed}, but missing.", "Restore the file or fix the list.")
    return tuple(map(find_image, paths[:-1])), find_label(paths[-1])


def _named(found: Sequence[tuple[tuple[Path, ...], Path]]) -> list[LabelledCase]:
    """Return cases with a name each, no two alike: that of the image, of several images that of the label."""
    sources = [{"image": str(images[0] if len(images) == 1 else label)} for images, label in found]
    return [LabelledCase(case["case"], *files) for case, files in zip(name_cases(sources), found, strict=True)]


def _beside(images: Path, labels: Path, left_out: list[str]) -> Iterator[LabelledCase]:
    """Yield pairs of two folders; images of several channels end with a number of four digits."""
    if not labels.is_dir():
        raise UserError(f"{images}: no folder {labels.name} beside it.", LAYOUTS)
    found = {stem_of(path): path for path in list_entries(labels, left_out)}
    for ending in LABEL_ENDINGS:
        found = {stem.removesuffix(ending): path for stem, path in found.items() if stem.endswith(ending)} | found
    by_case: dict[str, list[Path]] = {}
    for path in list_entries(images, left_out):
        stem = stem_of(path)
        whole = CHANNEL.fullmatch(stem[-5:]) is not None and stem not in found
        by_case.setdefault(stem[:-5] if whole else stem, []).append(path)
    for name, paths in by_case.items():
        if name in found:
            yield LabelledCase(name, tuple(map(find_image, paths)), find_label(found[name]))
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
        stems = {stem_of(path): path for path in (*files, *series.get(place, ())) if is_entry(path, left_out)}
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
                found.append((tuple(map(find_image, images)), find_label(label)))
    ending = image_suffixes[0] if len(image_suffixes) == 1 else label_suffix
    return [replace(case, name=case.name.removesuffix(ending) or case.name) for case in _named(found)]


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
