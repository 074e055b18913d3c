"""Make ``scripts.custom_networks`` importable: packed beside this file in a zip, at the repository's root otherwise."""

from pathlib import Path

_root = Path(__file__).resolve().parents[3]
if not (Path(__file__).parent / "custom_networks").is_dir() and (_root / "custom_networks").is_dir():
    __path__.append(str(_root))
