"""Make ``scripts.custom_networks`` importable: packed beside this file in a zip, else that of the checkout or the installed one."""

import sys
from pathlib import Path

if not (Path(__file__).parent / "custom_networks").is_dir():
    _root = Path(__file__).resolve().parents[3]
    _in_checkout = (_root / "custom_networks" / "__init__.py").is_file()
    if _in_checkout and "custom_networks" not in sys.modules:
        sys.path.insert(1, str(_root))  # stays, so that worker processes find the package too
    import custom_networks

    if _in_checkout and Path(custom_networks.__file__).resolve().parents[1] != _root:
        __path__.append(str(_root))  # this process already uses another copy, under its own name
    else:
        from custom_networks.alias import alias

        alias(f"{__name__}.custom_networks", "custom_networks")

from .custom_networks.errors import hide_tracebacks
from .custom_networks.switches import refuse_words

hide_tracebacks()
refuse_words(sys.argv)
