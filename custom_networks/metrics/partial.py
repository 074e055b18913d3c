"""Labels that stand for one of several classes."""

from collections.abc import Mapping, Sequence

import torch


def allowed_classes(num_classes: int, allowed: Mapping[str | int, Sequence[int]] | None = None) -> torch.Tensor:
    """Return which classes each label may be.

    Args:
        num_classes: classes, background included; the labels 0 to ``num_classes - 1`` are these classes.
        allowed: further label to the classes that it may be.

    Returns:
        bool ``(labels, num_classes)``; labels that are not named may be anything.

    Raises:
        ValueError: for a label that is a class itself, and for classes that are none.
    """
    table = torch.eye(num_classes, dtype=torch.bool)
    for name, classes in (allowed or {}).items():
        label = int(name)
        if label < num_classes or not classes or not all(0 <= value < num_classes for value in classes):
            raise ValueError(f"allowed: label {label} for the classes {list(classes)} of {num_classes}.")
        further = torch.ones(max(0, label + 1 - len(table)), num_classes, dtype=torch.bool)
        table = torch.cat([table, further])
        table[label] = False
        table[label, list(classes)] = True
    return table


def resolve_partial(pred: torch.Tensor, label: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Return labels in which those of several classes agree with a prediction where they can, else are the first they may be.

    Args:
        pred: classes of any shape.
        label: labels of that shape.
        table: see `allowed_classes`.
    """
    first = table.int().argmax(1)
    return torch.where(table[label, pred], pred, first[label])
