"""Write what all bundles have in common into each of them, from one text."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..bundles import Bundle

COMMON = Path(__file__).resolve().parents[1] / "templates" / "bundle"


RECIPES = ("paper", "seed")  # whose weights are to be applied as they were trained
SETTING = re.compile(r'^    "([^"]+)": (.*?),?\n(?=    "|\})', re.M | re.S)


def sync(bundles: Iterable[Bundle], check: bool = False) -> list[Path]:
    """Give bundles the files of `COMMON`: overlays, logging, the import bridge; and those that infer as a recipe trains.

    Args:
        bundles: the bundles.
        check: whether to write nothing.

    Returns:
        the files that were missing or different.
    """
    changed = []
    for bundle in bundles:
        for target, content in (*_common(bundle), *_recipes(bundle)):
            if target.is_file() and target.read_bytes() == content:
                continue
            changed.append(target)
            if not check:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
    return changed


def inference_overlay(train: str, inference: str) -> str:
    """Return what of an overlay for ``train.json`` concerns ``inference.json``: shared ids, and those that they refer to.

    Args:
        train: text of the overlay, a setting a line or more, four spaces before its name.
        inference: text of ``inference.json``.
    """
    settings, known = dict(SETTING.findall(train)), json.loads(inference).keys() - {"output_dir"}
    kept = {name for name in settings if name.partition("#")[0] in known}
    kept |= {name for name in settings if any(re.search(rf"@{name}\b", settings[user]) for user in kept)}
    return "{\n" + ",\n".join(f'    "{name}": {text}' for name, text in settings.items() if name in kept) + "\n}\n"


def _common(bundle: Bundle) -> Iterator[tuple[Path, bytes]]:
    for source in sorted(path for path in COMMON.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        yield bundle.folder / source.relative_to(COMMON), source.read_bytes()


def _recipes(bundle: Bundle) -> Iterator[tuple[Path, bytes]]:
    configs = bundle.folder / "configs"
    for recipe in RECIPES:
        train = configs / f"train_{recipe}.json"
        if train.is_file():
            content = inference_overlay(train.read_text(), (configs / "inference.json").read_text())
            yield configs / f"inference_{recipe}.json", content.encode()
