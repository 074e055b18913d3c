"""A bundle of one's own: another's networks and configs with weights of one's own."""

import json
import re
import shutil
from pathlib import Path

import torch

from custom_networks.errors import UserError
from custom_networks.handlers.finite_weights import check_numbers
from custom_networks.results.write_result import write_json

from ..bundles import Bundle

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
VERSION = re.compile(r"\d+\.\d+\.\d+")
EXAMPLE_SCORES = "`axial score` writes such a file."


def make_own(
    bundle: Bundle,
    folder: Path,
    name: str | None = None,
    version: str | None = None,
    weights: Path | None = None,
    scores: Path | None = None,
) -> Bundle:
    """Copy a bundle and give it weights, name and version; scores and pictures of the old weights do not come along.

    Args:
        bundle: what it is made of.
        folder: where the copy goes, ``folder/<name>``.
        name: of the copy, in lower case with underscores; that of the bundle where None.
        version: of the copy, MAJOR.MINOR.PATCH; that of the bundle where None.
        weights: a state dict of the bundle's network, such as runs/model.pt of a training; the bundle's own where None.
        scores: ``scores.json`` of `axial score`; where None the metadata have no scores of new weights.

    Raises:
        UserError: when a name or version is not of that form, or a file is missing or not what it should be.
    """
    _check(name, NAME, "--name", "lower-case words joined by _, such as my_cord_segmentation")
    _check(version, VERSION, "--version", "three numbers, such as 1.0.0")
    if weights is None and name is not None:
        raise UserError(f"--name {name}: another name for the same weights.", "Give --weights too.")
    if weights is None and scores is not None:
        raise UserError(f"--scores {scores}: the bundle has its scores.", "Give --weights too.")
    measured = {} if scores is None else _read_scores(scores, bundle)
    state = None if weights is None else _read_weights(weights, bundle)
    target = folder / (name or bundle.name)
    shutil.copytree(bundle.folder, target, ignore=shutil.ignore_patterns("runs", "eval", "folds", "__pycache__"))
    own = Bundle(target)
    metadata = json.loads((target / "configs" / "metadata.json").read_text(encoding="utf-8"))
    metadata["version"] = version or bundle.version
    changes = "weights of one's own" if state else "packed anew"
    metadata["changelog"] = metadata["changelog"] | {metadata["version"]: f"{changes}, from {bundle.name} {bundle.version}"}
    if state is not None:
        torch.save(state, target / "models" / "model.pt")
        metadata["name"] = target.name.replace("_", " ").capitalize()
        metadata["eval_metrics"] = measured
        metadata["data_source"] = f"that of whoever made these weights; networks and configs of {bundle.name} {bundle.version}"
        metadata["authors"] = f"whoever made these weights; {metadata['authors']} (networks and configs)"
        _write_docs(target / "docs", bundle, metadata)
    write_json(target / "configs" / "metadata.json", metadata)
    return own


def _check(text: str | None, form: re.Pattern, option: str, meant: str) -> None:
    if text is not None and not form.fullmatch(text):
        raise UserError(f"{option} {text}: not of the right form.", f"Give {meant}.")


def _read_weights(path: Path, bundle: Bundle) -> dict[str, torch.Tensor]:
    """Return the state dict of a file, after the bundle's network has taken it."""
    if not path.is_file():
        raise UserError(f"{path}: no such file.", "Give a state dict, such as runs/model.pt of a training.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises many types
        raise UserError(f"{path}: not a file of weights.", "Give a state dict, such as runs/model.pt of a training.") from error
    state = content["model"] if isinstance(content, dict) and isinstance(content.get("model"), dict) else content
    with bundle.parser("inference.json") as parser:
        network = parser.get_parsed_content("network")
    try:
        network.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: not the weights of {bundle.name}'s network.", "Name the bundle that was trained.") from error
    check_numbers(path, state)
    return dict(state)


def _read_scores(path: Path, bundle: Bundle) -> dict[str, float]:
    """Return mean and standard deviation of every score, and the number of cases, by names for metadata.json."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        rows = content["summary"]
        found = {}
        for row in rows:
            key = re.sub(r"\W+", "_", f"{row['structure']} {row['metric']}".lower()).strip("_")
            found |= {f"{key}_{part}": round(row[part], 4) for part in ("mean", "deviation") if row[part] is not None}
            found["cases"] = max(found.get("cases", 0), row["count"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not the scores of a bundle.", EXAMPLE_SCORES) from error
    if content.get("bundle") not in (bundle.name, None):
        raise UserError(f"{path}: the scores of {content['bundle']}, not of {bundle.name}.", EXAMPLE_SCORES)
    return found


def _write_docs(folder: Path, bundle: Bundle, metadata: dict) -> None:
    """Replace what was said of the old weights."""
    licence = (folder / "data_license.txt").read_text(encoding="utf-8")
    shutil.rmtree(folder)
    folder.mkdir()
    scores = "\n".join(f"- {name}: {value:g}" for name, value in metadata["eval_metrics"].items()) or "Not scored."
    (folder / "README.md").write_text(
        f"# {metadata['name']}\n\n{metadata['task']}. Networks and configs are those of `{bundle.name}` {bundle.version}, whose\n"
        f"documentation says how they are used; the weights are not.\n\n{metadata['intended_use']}\n\n## Scores\n\n{scores}\n",
        encoding="utf-8",
    )
    (folder / "data_license.txt").write_text(
        "What may be done with these weights says whoever made them. Where their training began with those of\n"
        f"{bundle.name} {bundle.version}, its terms hold too:\n\n{licence}",
        encoding="utf-8",
    )
