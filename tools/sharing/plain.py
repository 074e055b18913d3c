"""Texts of strangers for a terminal: one short line."""

from custom_networks import errors


def plain(text: object, longest: int = 160) -> str:
    """Return ``text`` on one line; what cannot be printed is escaped, and the end is cut off.

    Args:
        text: anything; its ``str`` is taken.
        longest: characters of the result.
    """
    line = errors.plain(str(text)[: 4 * longest])
    return line if len(line) <= longest else f"{line[: longest - 3]}..."
