"""Whether the values of a label map are labels."""

from pathlib import Path

import numpy as np

from ..errors import UserError

NAMED = 5  # wrong values that a message names


def check_label_values(file: str | Path, labels: np.ndarray, largest: int) -> None:
    """Check that a label map holds whole numbers from 0 to ``largest`` and nothing else.

    Args:
        file: named in the message.
        labels: values of any shape and type.
        largest: highest label.

    Raises:
        UserError: names the first wrong values.
    """
    wrong = [f"{value:g}" for value in np.unique(labels).tolist() if value != np.round(value) or not 0 <= value <= largest]
    if wrong:
        values = ", ".join(wrong[:NAMED]) + (", ..." if len(wrong) > NAMED else "")
        raise UserError(f"{file}: values {values} are not labels from 0 to {largest}.", "Fix the label map.")
