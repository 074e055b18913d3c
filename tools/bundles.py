"""Find the bundles of this repository, or of the installed package, and load their configs."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from custom_networks.errors import UserError, find_user_error, plain

from .places import BUNDLES, COMPONENTS

if TYPE_CHECKING:
    import torch
    from monai.bundle import ConfigParser

OUTPUT = ("network_data_format", "outputs", "pred")  # where metadata.json describes what a network returns
VERSION = re.compile(r"\w+([.+-]\w+)*", re.ASCII)
MEND = "Fix it after docs/sharing.md and the other bundles; `axial verify` checks it."


@dataclass(frozen=True)
class Bundle:
    """A bundle's folder and what its metadata says."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def metadata(self) -> dict:
        path = self.folder / "configs" / "metadata.json"
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f"{path}: cannot be read ({plain(str(error))}).", MEND) from error
        if not isinstance(found, dict):
            raise UserError(f"{path}: holds no names and values.", MEND)
        return found

    def _told(self, kind: type, *names: str) -> Any:
        """Return what metadata.json says under names within names."""
        value: object = self.metadata
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        if not isinstance(value, kind):
            raise UserError(f"{self.folder / 'configs' / 'metadata.json'}: {'.'.join(names)} is missing or of another type.", MEND)
        return value

    @property
    def is_ours(self) -> bool:
        """Whether it is one of this repository's, and not the folder of a stranger."""
        return self.folder.resolve().parent == BUNDLES

    @property
    def version(self) -> str:
        version = self._told(str, "version")
        if not VERSION.fullmatch(version):  # it becomes part of a file's name
            raise UserError(
                f"{self.name}: metadata.json: version {version!r} is not one.", "Give numbers and words with dots between."
            )
        return version

    @property
    def classes(self) -> dict[str, str]:
        """Label value to name, as the network's output defines them."""
        classes = self._told(dict, *OUTPUT, "channel_def")
        if not all(key.isdecimal() and isinstance(name, str) for key, name in classes.items()):
            raise UserError(f"{self.name}: metadata.json: channel_def is no list of label values and names.", MEND)
        return classes

    @property
    def is_segmentation(self) -> bool:
        return self._told(str, *OUTPUT, "format") == "segmentation"

    @property
    def modality(self) -> str:
        """Modality of the input, such as CT, MR or DX."""
        return self._told(str, "network_data_format", "inputs", "image", "modality")

    def check(self) -> None:
        """Check what metadata.json says that segmenting needs.

        Raises:
            UserError: names what is missing or of another type.
        """
        self._told(dict, "network_data_format", "inputs", "image")
        _ = self.version, self.is_segmentation, self.classes  # each is checked where it is read

    @contextmanager
    def parser(self, *configs: str, **settings) -> Iterator[ConfigParser]:
        """Parse configs of the bundle with settings replaced; ``scripts`` imports the bundle's own inside."""
        from monai.bundle import ConfigParser

        with importable(self.folder):
            parser = ConfigParser()
            parser.read_config([str(self.folder / "configs" / config) for config in configs])
            for key, value in (settings | {"bundle_root": str(self.folder)}).items():
                parser[key] = value
            try:
                yield parser
            except Exception as error:
                found = find_user_error(error)  # MONAI wraps what components of a config raise
                if found is None or found is error:
                    raise
                raise found from error


def load_network(parser: ConfigParser, bundle: Bundle) -> torch.nn.Module:
    """Return the bundle's network in evaluation mode with its shipped weights, on the CPU."""
    import torch

    network = parser.get_parsed_content("network").eval()
    network.load_state_dict(torch.load(bundle.folder / "models" / "model.pt", map_location="cpu", weights_only=True))
    return network


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Make ``scripts`` the package of a bundle's folder, wherever it lies, and forget it afterwards."""
    _forget_scripts()
    sys.path.insert(0, str(folder))
    kept = sys.pycache_prefix
    with tempfile.TemporaryDirectory() as compiled:
        if not Bundle(folder).is_ours:  # Python would trust a stranger's __pycache__ more than the file beside it
            sys.pycache_prefix = compiled
        try:
            yield
        finally:
            sys.pycache_prefix = kept
            sys.path.remove(str(folder))
            _forget_scripts()


def environment() -> dict[str, str]:
    """Return the environment of a process that runs a bundle, wherever it lies: it finds the components that this one uses."""
    paths = [str(COMPONENTS.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


def _forget_scripts() -> None:
    for module in [name for name in sys.modules if name == "scripts" or name.startswith("scripts.")]:
        del sys.modules[module]


def all_bundles() -> list[Bundle]:
    """Return the repository's bundles in the order of their names."""
    return [Bundle(path.parents[1]) for path in sorted(BUNDLES.glob("*/configs/metadata.json"))]


def get_bundle(name: str, trust: bool = False) -> Bundle:
    """Return a bundle by its name, a unique part of it, or the path of a bundle's folder.

    A folder from outside this repository is reviewed first, since its configs may hold code.

    Args:
        name: the name or the path.
        trust: leave the review out, because nothing of the bundle is going to run, or because the user trusts it.

    Raises:
        UserError: when no bundle or more than one fits, or the review found something.
    """
    if (Path(name) / "configs" / "metadata.json").is_file():
        bundle = Bundle(Path(name).resolve())
        if not (trust or bundle.is_ours):
            from .sharing.review import demand_review

            demand_review(bundle.folder)
        return bundle
    bundles = all_bundles()
    fitting = [b for b in bundles if b.name == name] or [b for b in bundles if name in b.name]
    if len(fitting) != 1:
        names = ", ".join(b.name for b in (fitting or bundles))
        raise UserError(f"{name}: {'more than one bundle fits' if fitting else 'no such bundle'}.", f"Choose one of: {names}.")
    return fitting[0]
