"""What trainings in a folder began with, so that those that are done, or go on, are taken only for what they are."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from custom_networks.errors import UserError
from custom_networks.results.write_result import write_json

from ..datasets.lesions import PRIORS, prior_masks
from ..layout.contents import contents, first_changed, together
from .training import first_weights

BEGUN = "begun.json"  # the record's name
DONE = "done"  # in the folder of a training that came to its end


def trained_on(data: Path, entries: Iterable[Mapping], without: Sequence[str] = ()) -> dict[str, list[int]]:
    """Return the `contents` of what a training reads of a data set: images, labels, and, as one, the masks of lesions to paint.

    Args:
        data: the data set.
        entries: with absolute paths.
        without: people whose masks are not painted, see `prior_masks`.
    """
    return contents(entries) | {str((data / PRIORS).resolve()): together(prior_masks(data / PRIORS, without))}


def write_begun(folder: Path, recipe: Mapping, files: Mapping) -> None:
    """Record what trainings in a folder begin with.

    Args:
        folder: of one training, or of several that begin alike.
        recipe: whatever decides what they come to, but for files.
        files: see `trained_on`.
    """
    write_json(folder / BEGUN, {**recipe, "files": dict(files)})


def check_begun(folder: Path, runs: Iterable[Path], recipe: Mapping, files: Mapping, remedy: str = "") -> None:
    """Demand that the trainings in a folder are of this recipe and of files as they are.

    What an earlier version did not record is not compared. Files may have changed as long as no training has learnt of them.

    Args:
        folder: of the record.
        runs: folders of the trainings.
        recipe: as for `write_begun`.
        files: as they are now.
        remedy: what to do beside choosing another folder.

    Raises:
        UserError: names the folder, and the file that has changed.
    """
    begun, remedy = read_begun(folder), f"Choose another folder with -o{remedy}."
    runs = [run for run in runs if run.exists()]
    if runs and any(begun.get(name, value) != value for name, value in recipe.items()):
        raise UserError(f"{folder}: holds a training of other data, configs or settings.", remedy)
    if any(any(run.glob("*.pt")) for run in runs) and (changed := changed_since(begun, files)):
        raise UserError(f"{folder}: holds a training on {changed.name} before it was changed ({changed}).", remedy)


def read_begun(folder: Path) -> dict:
    """Return the record of a folder; an empty one where there is none."""
    try:
        return json.loads((folder / BEGUN).read_text())
    except (OSError, ValueError):
        return {}


def changed_since(begun: Mapping, files: Mapping) -> Path | None:
    """Return the first file that is another than when a record was written, as far as it tells."""
    return first_changed(begun.get("files") or {}, files)


def finish(run: Path, train: Callable[[], bool]) -> Path | None:
    """Return the weights of a training, which is run unless it has come to its end and left some.

    Args:
        run: its folder.
        train: runs it and returns whether it went well.

    Returns:
        the file, see `first_weights`; None where it failed or left none.
    """
    done = (run / DONE).exists() or (run.parent / DONE).exists()  # earlier versions of ensemble wrote it above
    if not (done and first_weights(run)):
        if not train():
            return None
        if first_weights(run):
            (run / DONE).touch()
    return first_weights(run)
