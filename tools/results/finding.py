"""What inputs stand for: paths, and the cases that a bundle finds below them."""

import pydoc
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

import custom_networks

from ..bundles import Bundle

NO_OPTIONS = ("_target_", "_mode_", "source")  # of inference.json's ``cases``


def finding_of(bundle: Bundle) -> tuple[Callable[..., list[dict]], dict]:
    """Return the function that lists a bundle's cases below a path, as `custom_networks.find_cases` does, and its options."""
    with bundle.parser("inference.json") as parser:
        options = {name: parser.get_parsed_content(f"cases#{name}") for name in parser["cases"] if name not in NO_OPTIONS}
        target = parser["cases"]["_target_"]
        return getattr(custom_networks, target.rpartition(".")[2], None) or pydoc.locate(target), options


def as_paths(inputs: Iterable[object], stack: ExitStack) -> list[str | Path]:
    """Return inputs as paths; images in memory are written to a folder that lasts as long as the stack."""
    paths, folder = [], None
    for item in inputs:
        if hasattr(item, "to_filename"):
            folder = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            number = sum(1 for _ in folder.iterdir())
            path = folder / (f"image_{number + 1}.nii.gz" if number else "image.nii.gz")
            item.to_filename(path)
            paths.append(path)
        else:
            paths.append(item)
    return paths
