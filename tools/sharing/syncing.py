"""Write what all bundles have in common into each of them, from one text."""

from collections.abc import Iterable
from pathlib import Path

from ..bundles import Bundle

COMMON = Path(__file__).resolve().parents[1] / "templates" / "bundle"


def sync(bundles: Iterable[Bundle], check: bool = False) -> list[Path]:
    """Give bundles the files of `COMMON`: overlays, logging, the import bridge.

    Args:
        bundles: the bundles.
        check: whether to write nothing.

    Returns:
        the files that were missing or different.
    """
    changed = []
    for bundle in bundles:
        for source in sorted(path for path in COMMON.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
            target, content = bundle.folder / source.relative_to(COMMON), source.read_bytes()
            if target.is_file() and target.read_bytes() == content:
                continue
            changed.append(target)
            if not check:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
    return changed
