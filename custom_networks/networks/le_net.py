"""LeNet, the smallest network of the collection."""

import torch
from torch import nn


class LeNet(nn.Module):
    """Classify images of 32x32 pixels, such as handwritten digits.

    Two 3x3 convolutions (6 and 16 filters), each with ReLU and 2x2 max pooling, then three fully connected layers
    (120, 84, classes). 81,194 parameters with ten classes.

    Args:
        in_channels: image channels.
        num_classes: number of classes.

    Shape:
        input ``(B, in_channels, 32, 32)``, output logits ``(B, num_classes)``.

    Reference:
        LeCun et al.: Gradient-based learning applied to document recognition. Proceedings of the IEEE 86, 1998.
    """

    def __init__(self, in_channels: int = 1, num_classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 6, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(16 * 6 * 6, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, num_classes)
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(image))
