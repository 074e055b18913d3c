"""Dice of label maps."""

import torch

EPSILON = 1e-8


def dice_coefficients(prediction: torch.Tensor, truth: torch.Tensor, num_classes: int) -> torch.Tensor:
    """Return the Dice coefficient of every class but the background.

    A class that neither holds scores 1, by the 1e-8 added to numerator and denominator.

    Args:
        prediction: labels, any shape.
        truth: labels of the same shape.
        num_classes: classes, background included.

    Returns:
        ``(num_classes - 1,)``, float32.

    Raises:
        ValueError: when the shapes differ.

    Reference:
        Learning unit on image segmentation, Institute of Medical Informatics, University of Lübeck (seed 004).

    Example:
        >>> dice_coefficients(torch.tensor([0, 1, 1, 2]), torch.tensor([0, 1, 2, 2]), num_classes=4)
        tensor([0.6667, 0.6667, 1.0000])
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"shapes differ: {tuple(prediction.shape)} and {tuple(truth.shape)}.")
    classes = torch.arange(1, num_classes, device=prediction.device)
    found = prediction.reshape(-1, 1) == classes
    true = truth.reshape(-1, 1) == classes
    common = (found & true).sum(0)
    return (2 * common + EPSILON) / (found.sum(0) + true.sum(0) + EPSILON)
