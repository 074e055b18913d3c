"""Texts of strangers for a terminal: one line, no control characters."""

import unicodedata


def plain(text: object, longest: int = 160) -> str:
    """Return ``text`` on one line; characters that steer a terminal, or are none, stand as escapes, and the end is cut off.

    Args:
        text: anything; its ``str`` is taken.
        longest: characters of the result.
    """
    kept = str(text)[: 4 * longest]
    line = "".join(_escaped(character) for character in kept)
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def _escaped(character: str) -> str:
    if unicodedata.category(character)[0] == "C" or unicodedata.category(character) in ("Zl", "Zp"):
        return character.encode("unicode_escape").decode("ascii")
    return character
