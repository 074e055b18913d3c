"""Make a bundle from a folder of images and labels."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from custom_networks.cases.suffixes import NIFTI_SUFFIXES
from custom_networks.errors import UserError
from custom_networks.results.write_result import write_json

from ..bundles import Bundle, all_bundles
from ..datasets.folder import split_sections
from ..layout.data_list import write_data_list
from ..layout.nifti import save_nifti
from ..places import BUNDLES
from ..sharing.archive import DEVICES
from ..sharing.own import NAME
from ..sharing.syncing import sync
from .classes import Classes, find_classes
from .configs import BASE, make_configs
from .documents import license_text, make_metadata, plan_text, readme_text, shown, title_of
from .entries import LabelledCase
from .labels import read_label
from .layout import config_text
from .plan import Plan, make_plan
from .sources import Source, find_source
from .survey import Fingerprint, load_image, survey

NAMED = re.compile(r"[^\W_][\w .,+()-]{0,63}")  # texts of a config: none that MONAI would evaluate


@dataclass(frozen=True)
class NewBundle:
    """A bundle that was made, and where its data set is.

    Attributes:
        folder: of the bundle.
        data: folder of the data set, with ``dataset.json``.
        plan: what was decided.
        text: the plan in Markdown.
        left_out: a line for every file without its partner.
    """

    folder: Path
    data: Path
    plan: Plan
    text: str
    left_out: list[str]


def make_bundle(
    name: str,
    data: Path,
    output: Path = Path(),
    *,
    labels: Mapping[int | str, str] | None = None,
    image_suffixes: Sequence[str] = ("_image",),
    label_suffix: str = "_label",
    test: Sequence[str] = (),
    validation: Sequence[str] = (),
    modality: str | None = None,
    dimensions: int | None = None,
    memory: float = 2.0,
    low_resolution: bool = False,
    terms: str | None = None,
    author: str = "whoever made this bundle",
    on_case: Callable[[int, int], None] = lambda done, total: None,
) -> NewBundle:
    """Look at a folder of images and labels, plan a bundle for it, and write ``output/name``.

    The data set is the folder itself where it has a ``dataset.json`` of ours with labels as they are needed; else
    ``output/name_data``, which refers to the images where they lie and holds label maps that had to be rewritten.

    Args:
        name: of the bundle, lower-case words joined by ``_``.
        data: the folder, see `find_source`.
        output: where the bundle goes.
        labels: label value, or colour of six hexadecimal digits, to name; names what the folder does not. Values with gaps are
            renumbered, named or not.
        image_suffixes: see `find_source`.
        label_suffix: see `find_source`.
        test: patterns of cases that test.
        validation: patterns of cases that validate.
        modality: see `make_plan`.
        dimensions: see `make_plan`.
        memory: see `make_plan`.
        low_resolution: see `make_plan`.
        terms: what may be done with the weights.
        author: of the bundle.
        on_case: called with the number of cases that were read, and that of all.

    Raises:
        UserError: for a name that is none or is taken, a folder without images and labels, data that no bundle can be planned for.
    """
    target = output / name
    _check_name(name, target)
    source = find_source(data, image_suffixes, label_suffix)
    done = iter(range(1, len(source.cases) + 1))
    fingerprint = survey(source, lambda: on_case(next(done), len(source.cases)))
    classes = find_classes(source, fingerprint, labels or {})
    for word in (*classes.names.values(), *source.channels, *source.channel_names, author, *([modality] if modality else ())):
        if not NAMED.fullmatch(word):
            raise UserError(
                f"{word}: no name of a class, channel, modality or author.", "Begin with a letter; up to 64 characters."
            )
    sections = _sections(source, test, validation)
    learned = _without(classes.renumber(fingerprint), sections["test"])  # test cases have no say in the plan
    if set(learned.counts) <= {0} or not sections["training"]:
        raise UserError(f"{data}: no training case has a label.", "Let fewer cases test or validate.")
    plan = make_plan(
        learned, list(classes.names.values()), pictures=source.pictures, channels=source.channels,
        channel_names=source.channel_names, named=classes.named, modality=modality, dimensions=dimensions, memory=memory,
        low_resolution=low_resolution,
    )  # fmt: skip
    if classes.renumbered:
        plan = replace(plan, reasons=[classes.reason(), *plan.reasons])
    rewrite = _to_rewrite(source, fingerprint, classes)
    in_place = source.sections is not None and not (test or validation) and not rewrite
    place = data if in_place else output / f"{name}_data"
    text = plan_text(plan, learned, len(sections["test"]), source.left_out)
    with _written_whole([target] if in_place else [place, target]) as scratch:
        if not in_place:
            _write_data(scratch / place.name, source, classes, sections, rewrite)
        _write_bundle(scratch / name, name, plan, text, shown(place, output), terms, author)
    return NewBundle(target, place, plan, text, source.left_out)


def _check_name(name: str, target: Path) -> None:
    if not NAME.fullmatch(name) or DEVICES.fullmatch(name) or len(name) > 80:
        raise UserError(f"{name}: not a name for a bundle.", "Give lower-case words joined by _, such as kidney_ct_segmentation.")
    if any(bundle.name == name for bundle in all_bundles()):
        raise UserError(f"{name}: a bundle of this name is shipped.", "Give another name.")
    if target.exists():
        raise UserError(f"{target}: already exists.", "Give another name, another folder with -o, or remove it.")


def _sections(source: Source, test: Sequence[str], validation: Sequence[str]) -> dict[str, list[str]]:
    """Return names of cases by section: as the source says, else by patterns, else in order."""
    if source.sections is not None and not (test or validation):
        return source.sections
    return split_sections({case.name: case.name for case in source.cases}, test, validation)


def _without(found: Fingerprint, names: Sequence[str]) -> Fingerprint:
    return replace(found, cases=[case for case in found.cases if case.name not in set(names)])


def _to_rewrite(source: Source, found: Fingerprint, classes: Classes) -> bool:
    """Tell whether label maps must be rewritten: with other values, on their images' grid, or as NIfTI."""
    changed = classes.renumbered or not all(case.exact for case in found.cases)
    return changed or not all(case.label.name.lower().endswith(NIFTI_SUFFIXES) for case in source.cases)


def _write_data(folder: Path, source: Source, classes: Classes, sections: Mapping[str, Sequence[str]], rewrite: bool) -> None:
    folder.mkdir()
    entries = {}
    for case in source.cases:
        label = _rewritten(folder, case, source, classes.numbers) if rewrite else str(case.label.resolve())
        images = [str(image.resolve()) for image in case.images]
        entries[case.name] = {"image": images if source.channels else images[0], "label": label}
    labels = {"0": "background"} | {str(value): name for value, name in classes.names.items()}
    listed = {section: [entries[name] for name in names] for section, names in sections.items()}
    write_data_list(folder, f"made from {source.folder.name}", labels, listed)


def _rewritten(folder: Path, case: LabelledCase, source: Source, numbers: Mapping[int, int]) -> str:
    image = load_image(case, source)
    table = np.zeros(256, np.uint8)
    table[list(numbers)] = list(numbers.values())
    target = f"labels/{case.name}.nii.gz"
    (folder / "labels").mkdir(exist_ok=True)
    save_nifti(folder / target, table[read_label(case, image, source).values], np.asarray(image.affine, float))
    return target


def _write_bundle(folder: Path, name: str, plan: Plan, text: str, data: str, terms: str | None, author: str) -> None:
    folder.mkdir()
    title, task = title_of(name), f"Segmentation of {', '.join(plan.names)}"
    sync([Bundle(folder)])
    shutil.copyfile(BUNDLES / BASE / "LICENSE", folder / "LICENSE")
    for config, content in make_configs(plan).items():
        (folder / "configs" / config).write_text(config_text(content), encoding="utf-8")
    metadata = make_metadata(plan, title, task, "the data of whoever made this bundle", author)
    write_json(folder / "configs" / "metadata.json", metadata)
    (folder / "models").mkdir()
    (folder / "docs").mkdir()
    for file, content in (
        ("plan.md", text),
        ("README.md", readme_text(plan, title, task, name, data, metadata["intended_use"])),
        ("data_license.txt", license_text(terms)),
    ):
        (folder / "docs" / file).write_text(content, encoding="utf-8")


@contextlib.contextmanager
def _written_whole(targets: Sequence[Path]) -> Iterator[Path]:
    """Give a folder whose parts become the targets, all in one folder, at the end, or go where something failed."""
    home = targets[-1].parent
    for target in targets:
        if target.exists():
            raise UserError(f"{target}: already exists.", "Give another name, another folder with -o, or remove it.")
    try:
        home.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".axial-new-", dir=home))
    except OSError as error:
        raise UserError(f"{home}: cannot be written to ({error.strerror}).", "Choose another folder with -o.") from error
    try:
        yield scratch
        for target in targets:
            (scratch / target.name).rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
