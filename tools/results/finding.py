"""How a bundle finds the cases below a path."""

import pydoc
from collections.abc import Callable

import custom_networks

from ..bundles import Bundle

NO_OPTIONS = ("_target_", "_mode_", "source")  # of inference.json's ``cases``


def finding_of(bundle: Bundle) -> tuple[Callable[..., list[dict]], dict]:
    """Return the function that lists a bundle's cases below a path, as `custom_networks.find_cases` does, and its options."""
    with bundle.parser("inference.json") as parser:
        options = {name: parser.get_parsed_content(f"cases#{name}") for name in parser["cases"] if name not in NO_OPTIONS}
        target = parser["cases"]["_target_"]
        return getattr(custom_networks, target.rpartition(".")[2], None) or pydoc.locate(target), options
