"""Run a bundle's config in a process of its own."""

import ast
import os
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from monai.bundle import ConfigParser

from custom_networks.errors import UserError

from ..bundles import Bundle, environment
from .processes import run_logged

WEIGHTS = ("model_average.pt", "model.pt")  # of what a training leaves, the better first
WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False, "null": None}  # of JSON and YAML


def run_config(
    bundle: Bundle, run_id: str, configs: Sequence[str], settings: Mapping[str, object], log: Path, jobs: int = 1
) -> bool:
    """Run ``run_id`` of configs, paths or names relative to the bundle's folder, and return whether it went well.

    Args:
        settings: ids of the config and their values; texts as `python_words` reads them.
        log: what the process says is added to it.
        jobs: how many such processes share the processors.
    """
    options = [text for key, value in settings.items() for text in (f"--{key}", _argument(str(value)))]
    command = [sys.executable, "-m", "monai.bundle", "run", run_id, "--config_file", str(list(configs)), *options]
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    with log.open("a", encoding="utf-8") as stream:
        variables = {"OMP_NUM_THREADS": threads} | environment()
        return not run_logged(command, bundle.folder, stream, variables)


def _argument(text: str) -> str:
    """Return a value as an argument of ``monai.bundle run``, which leaves out what is None, but not an expression of it."""
    words = python_words(text)
    return "$None" if words == "None" else words


def python_words(text: str) -> str:
    """Return a value of a command line with the words of JSON and YAML, ``false``, ``[1, null]``, as Python writes them.

    ``monai.bundle run`` reads values as Python does, where ``false`` is a text, which counts as true. What is in quotes stays text.
    """
    text = text.strip()
    try:
        value = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):  # @id and $expression, paths, what is not a value of Python
        return text
    read = _read_words(value)
    return text if ast.dump(read) == ast.dump(value) else ast.unparse(read)


def _read_words(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Name) and node.id.lower() in WORDS:
        return ast.Constant(WORDS[node.id.lower()])
    if isinstance(node, ast.List | ast.Tuple):
        return type(node)([_read_words(part) for part in node.elts], node.ctx)
    if isinstance(node, ast.Dict):
        return ast.Dict(node.keys, [_read_words(part) for part in node.values])
    return node


def overlay_path(bundle: Bundle, name: str) -> str:
    """Return the path of a config that is named as in the bundle's ``configs``, with or without ``.json``, or by its path.

    Raises:
        UserError: when there is none.
    """
    for path in (bundle.folder / "configs" / name, bundle.folder / "configs" / f"{name}.json", Path(name)):
        if path.is_file():
            return str(path.resolve())
    raise UserError(f"--overlay {name}: no such config of {bundle.name}.", "Give a name in its folder configs, or a path.")


def read_configs(bundle: Bundle, configs: Sequence[str]) -> ConfigParser:
    """Read configs of a bundle, each over those before it.

    Args:
        bundle: whose configs.
        configs: paths or names relative to the bundle's folder.

    Raises:
        UserError: names the file that is no config, and what is wrong with it.
    """
    parser = ConfigParser()
    paths = [bundle.folder / name for name in configs]  # an absolute path stays what it is
    for count, path in enumerate(paths, 1):
        try:
            if not isinstance(ConfigParser.load_config_file(path), dict):
                raise TypeError("no ids with values")
            parser.read_config(paths[:count])
        except Exception as error:  # of JSON, YAML and MONAI's own
            raise UserError(f"{path}: is no config ({error}).", "Fix it, or give another.") from error
    return parser


def check_settings(
    bundle: Bundle,
    configs: Sequence[str],
    settings: Iterable[str],
    own: Collection[str] = ("dataset_dir", "output_dir"),
    option: str = "--set",
) -> None:
    """Demand that settings are ids of configs; MONAI takes any name, and a misspelt one would change nothing.

    Args:
        bundle: whose configs.
        configs: paths or names relative to the bundle's folder, overlays after what they lie over.
        settings: ids, also nested ones, ``a#b`` or ``a::b``.
        own: ids that the program sets itself.
        option: that gave them.

    Raises:
        UserError: for another id, or one of the program's own, and when a config is none.
    """
    parser = read_configs(bundle, configs)
    for name in settings:
        if name in own:
            raise UserError(f"{option} {name}: each training has its own.", "Leave it out.")
        known = parser.get()
        for part in name.replace("::", "#").split("#"):
            if isinstance(known, list) and part.isdigit() and int(part) < len(known):
                known = known[int(part)]
            elif isinstance(known, dict) and (part in known or "_target_" in known):  # a component takes more than its config names
                known = known.get(part)
            else:
                ids = ", ".join(get_close_matches(name, parser.get(), 3)) or "see the bundle's configs/train.json"
                raise UserError(f"{option} {name}: no such id of {bundle.name}.", f"Perhaps: {ids}.")


def first_weights(folder: Path) -> Path | None:
    """Return the weights of a training's folder that are to be used."""
    return next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
