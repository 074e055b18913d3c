"""JSON as configs are written: what fits on a line stands on one."""

import json

INDENT = 4
WIDTH = 132


def config_text(value: object) -> str:
    """Return a config's JSON: a line for every key of the top, and for every part that fits on one.

    Args:
        value: of dictionaries, lists, texts and numbers.
    """
    return _text(value, 0, 0, top=True) + "\n"


def _text(value: object, depth: int, used: int, top: bool = False) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or not value or (not top and depth * INDENT + used + len(flat) + 1 <= WIDTH):
        return flat
    inner = " " * INDENT * (depth + 1)
    if isinstance(value, dict):
        keys = {f"{json.dumps(key, ensure_ascii=False)}: ": part for key, part in value.items()}
        lines = [f"{inner}{key}{_text(part, depth + 1, len(key))}" for key, part in keys.items()]
        start, end = "{}"
    else:
        lines = [f"{inner}{_text(part, depth + 1, 0)}" for part in value]
        start, end = "[]"
    return f"{start}\n" + ",\n".join(lines) + f"\n{' ' * INDENT * depth}{end}"
