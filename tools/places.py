"""Where the bundles and their components lie, in a checkout and in an installed package."""

from pathlib import Path

import custom_networks

_INSTALLED = Path(__file__).resolve().parent / "_bundles"  # where an installation has them
BUNDLES = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).resolve().parents[1] / "bundles"
COMPONENTS = Path(custom_networks.__file__).resolve().parent  # what every zip gets a copy of
