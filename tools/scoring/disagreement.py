"""Pictures of where masks and labels differ."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import matplotlib
import numpy as np

from custom_networks.cases.names import first_image
from custom_networks.errors import UserError, explain
from custom_networks.results.write_result import write_result

from ..bundles import Bundle
from ..results.finding import finding_of
from ..results.kinds import kind_of
from ..results.kinds.kind import CaseFiles
from ..results.report.case_data import usual_window
from ..results.report.view import PLANES, View
from .pairing import Pairs, match_names

matplotlib.use("Agg")
from matplotlib.figure import Figure

TRUTH, FOUND = "#ff4040", "#30d0ff"  # outlines of the label and of the mask
MOST = 6  # slices on a sheet
WIDTH = 2.6  # inches of each
SHORT = 6  # letters of names that fit beside what they name


def draw_pairs(bundle: Bundle, pairs: Pairs, images: Path, folder: Path) -> Iterator[Path | str]:
    """Draw every case whose image is below a path; yield each ``FOLDER/CASE.png``, or a line that says why there is none.

    Raises:
        UserError: when results of this kind are no masks, or the path holds no image.
    """
    kind = kind_of(bundle)
    if kind.picture is None:
        raise UserError(f"{bundle.name}: its results are not masks, so nothing can be drawn.", "Leave --pictures out.")
    find, options = finding_of(bundle)
    sources = {case["case"]: first_image(case["image"]) for case in find(images, **options)}
    groups = match_names([prediction.name for prediction, _ in pairs.found.values()], sources)
    named = {prediction: there[0] for mine, there in groups.values() if len(there) == 1 for prediction in mine}
    for case, (prediction, label) in pairs.found.items():
        if prediction.name not in named:
            yield f"{case}: not drawn, no image of this name in {images}"
            continue
        image = sources[named[prediction.name]]
        target = folder / f"{case}.png"
        try:
            files = CaseFiles(case, image, prediction, bundle.classes)
            found, truth = kind.view(files), kind.view(files.with_label(label))
            if found is None or truth is None:
                raise UserError("image and mask have other grids.", "Give the image that was segmented.")
            draw_disagreement(found, truth.mask, target, case, _short_names(bundle.classes))
        except Exception as error:  # each case on its own
            yield f"{case}: not drawn, {explain(error)}"
        else:
            yield target


def _short_names(classes: Mapping[str, str]) -> dict[int, str]:
    """Return the names of several structures where they are short, such as those of vertebrae."""
    names = {int(value): name for value, name in classes.items() if value != "0"}
    return names if len(names) > 1 and all(len(name) <= SHORT for name in names.values()) else {}


def draw_disagreement(view: View, truth: np.ndarray, target: Path, title: str, names: Mapping[int, str] | None = None) -> None:
    """Draw the slices where a mask and its label differ most, in their order, each without and with both outlines.

    Right or front is on the left. What is drawn around is the border of each value, so that swapped labels show.

    Args:
        view: the image and the mask.
        truth: label map of the same shape.
        target: PNG to write.
        title: of the sheet.
        names: of values, which stand at their height: the label's at the left edge, the mask's at the right one.
    """
    axis = PLANES.index(view.plane)
    across, up = (other for other in range(3) if other != axis)
    image, mask, label = (np.moveaxis(array, axis, 0)[:, ::-1] for array in (view.image, view.mask, truth))
    wrong = np.count_nonzero(mask != label, axis=(1, 2))
    load = wrong if wrong.any() else np.count_nonzero(label, axis=(1, 2))
    chosen = sorted(index for index in np.argsort(-load, kind="stable")[:MOST] if load[index]) or [len(image) // 2]
    low, high = view.window or usual_window(view)
    aspect = view.spacing[up] / view.spacing[across]
    height = WIDTH * image.shape[2] * aspect / image.shape[1]
    figure = Figure(figsize=(WIDTH * len(chosen) + 0.4, 2 * height + 0.9), layout="constrained")
    for column, index in zip(figure.subplots(2, len(chosen), squeeze=False).T, chosen, strict=True):
        for panel in column:
            panel.imshow(image[index].T, cmap="gray", origin="lower", vmin=low, vmax=max(high, low + 1e-6), aspect=aspect)
            panel.set_axis_off()
        for labels, colour, side in ((label, TRUTH, "left"), (mask, FOUND, "right")):
            for value in np.unique(labels[index][labels[index] > 0]):
                outlined = labels[index] == value
                column[1].contour(outlined.T.astype(float), levels=[0.5], colors=[colour], linewidths=[0.9])
                if names:
                    _write_name(column[1], names.get(int(value), str(value)), np.argwhere(outlined)[:, 1].mean(), side, colour)
        column[0].set_title("" if view.flat else f"slice {_number(view, index)}", fontsize=8)
    figure.suptitle(f"{title}: label red, mask blue, {np.count_nonzero(wrong)} of {len(wrong)} slices differ", fontsize=10)
    write_result(target, lambda path: figure.savefig(path, dpi=110, format="png"))


def _write_name(panel, name: str, height: float, side: str, colour: str) -> None:
    panel.text(
        0.02 if side == "left" else 0.98, height, name, color=colour, fontsize=7, ha=side, va="center",
        transform=panel.get_yaxis_transform(), bbox={"facecolor": "black", "alpha": 0.6, "pad": 0.6, "edgecolor": "none"},
    )  # fmt: skip


def _number(view: View, index: int) -> int:
    """Return the number of a slice, for axial ones as the file counts them."""
    if view.numbering is None or view.numbering[0] != PLANES.index(view.plane):
        return index
    _, first, step = view.numbering
    return first + step * index
