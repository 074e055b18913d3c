"""Words of a command line that MONAI reads as text where a switch is meant."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from .errors import UserError

OFF = ("false", "no", "off")


def refuse_words(arguments: Sequence[str]) -> None:
    """Refuse ``--overwrite false`` of ``monai.bundle run``, where ``False`` is meant.

    The command reads values as Python does: ``false`` is a text, and a text that is not empty counts as true.

    Args:
        arguments: ``sys.argv``; of other programs nothing is said.

    Raises:
        UserError: names the option and what to write.

    Example:
        >>> refuse_words([".../monai/bundle/__main__.py", "run", "inference", "--keep_sacrum", "False"])
    """
    if Path(arguments[0]).parts[-3:-1] != ("monai", "bundle"):
        return
    pairs = [word.split("=", 1) for word in arguments if "=" in word] + [list(pair) for pair in pairwise(arguments)]
    for option, value in pairs:
        if option.startswith("--") and value in OFF:
            raise UserError(f"{option} {value}: is read as a text, which counts as true.", f"Write {option} False.")
