"""Random affine and elastic maps of a batch."""

import math
from collections.abc import Sequence

import torch
from torch.nn.functional import grid_sample, interpolate, one_hot

from ....data.mirror_labels import mirror_labels


class RandWarp:
    """Rotate, shear, scale, shift, mirror and bend every picture of a batch by a map of its own, in one interpolation.

    A window is cut out of larger pictures at the same time: around a random labelled pixel, or anywhere. Images are moved
    linearly; of labels the one that has most of a pixel after a linear move stays, so that borders keep their place.

    Args:
        size: pixels of the window's sides; None keeps the picture's.
        num_labels: labels there are, background included.
        rotate: largest angle in radians.
        shear: largest shear.
        scale: smallest and largest factor by which things grow, drawn evenly in its logarithm.
        uneven: largest further factor, ``1 + uneven``, between the two axes.
        translate: largest shift along each axis in pixels.
        elastic: largest displacement of the bending, in pixels.
        cell: pixels between two displacements that are drawn; in between they are cubic.
        prob: share of the pictures that are warped; the others are cut out alone.
        names: of the classes 1, 2, ...; where given half of the pictures are mirrored along the first axis and right and left
            change their labels, see `mirror_labels`. Labels beyond the names need ``mirrored``.
        mirrored: label to the one it becomes, of labels beyond the names.
        around_label: share of the windows that are centred near a pixel of a class, of one of the names where there are some; the
            others lie anywhere. None keeps the centre.
        padding: ``"border"`` or ``"zeros"``, what lies beyond the picture; labels there are background.
    """

    def __init__(
        self,
        size: Sequence[int] | None,
        num_labels: int,
        rotate: float = 0.0,
        shear: float = 0.0,
        scale: Sequence[float] = (1.0, 1.0),
        uneven: float = 0.0,
        translate: float = 0.0,
        elastic: float = 0.0,
        cell: int = 24,
        prob: float = 1.0,
        names: Sequence[str] | None = None,
        mirrored: dict[int, int] | None = None,
        around_label: float | None = None,
        padding: str = "zeros",
    ) -> None:
        if padding not in ("border", "zeros"):
            raise ValueError(f"padding must be border or zeros, got {padding!r}.")
        self.size, self.num_labels = None if size is None else tuple(size), num_labels
        self.rotate, self.shear, self.scale, self.uneven, self.translate = rotate, shear, tuple(scale), uneven, translate
        self.elastic, self.cell, self.prob, self.around_label, self.padding = elastic, cell, prob, around_label, padding
        self.largest_class = num_labels - 1 if names is None else len(names)
        self.swap: torch.Tensor | None = None
        if names is not None:
            swap = list(range(num_labels))
            swap[: len(names) + 1] = mirror_labels(names)
            for value, other in (mirrored or {}).items():
                swap[int(value)] = int(other)
            self.swap = torch.tensor(swap)

    def __call__(self, image: torch.Tensor, label: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mirror = torch.rand(len(image), device=image.device) < (0.5 if self.swap is not None else 0.0)
        return self.apply(image, label, self.matrices(image), self.centres(label), mirror, self.bend(image))

    def matrices(self, image: torch.Tensor) -> torch.Tensor:
        """Draw maps ``(B, 2, 2)`` from a pixel of the result to one of the picture, both relative to their centres."""

        def draw(low: float, high: float) -> torch.Tensor:
            return low + (high - low) * torch.rand(len(image), device=image.device)

        active = torch.rand(len(image), device=image.device) < self.prob
        angle, shear = draw(-self.rotate, self.rotate), draw(-self.shear, self.shear)
        scale = draw(math.log(self.scale[0]), math.log(self.scale[1])).exp()
        uneven = draw(-math.log1p(self.uneven) / 2, math.log1p(self.uneven) / 2).exp()
        cos, sin = angle.cos(), angle.sin()
        rotation = torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)
        zero, one = torch.zeros_like(shear), torch.ones_like(shear)
        shearing = torch.stack([torch.stack([one, shear], -1), torch.stack([zero, one], -1)], -2)
        matrices = rotation @ shearing @ torch.diag_embed(torch.stack([1 / (scale * uneven), uneven / scale], -1))
        return torch.where(active[:, None, None], matrices, torch.eye(2, device=image.device))

    def centres(self, label: torch.Tensor) -> torch.Tensor:
        """Draw the places ``(B, 2)`` in pixels, relative to the picture's centre, that the results' centres show."""
        count, size = len(label), torch.tensor(label.shape[2:], device=label.device)
        shift = self.translate * (2 * torch.rand(count, 2, device=label.device) - 1)
        if self.around_label is None:
            return shift
        middle = (size - 1) / 2
        flat = ((label > 0) & (label <= self.largest_class)).flatten(1).float()
        pixel = torch.multinomial(flat + (flat.sum(1, keepdim=True) == 0), 1)[:, 0]
        labelled = torch.stack([pixel // size[1], pixel % size[1]], 1) - middle + shift
        window = torch.tensor(self.size or label.shape[2:], device=label.device)
        anywhere = (2 * torch.rand(count, 2, device=label.device) - 1) * (size - window).clamp(min=0) / 2
        near = torch.rand(count, device=label.device) < self.around_label
        return torch.where(near[:, None], labelled, anywhere)

    def bend(self, image: torch.Tensor) -> torch.Tensor | None:
        """Draw displacements ``(B, 2, H, W)`` in pixels."""
        if not self.elastic:
            return None
        size = self.size or image.shape[2:]
        cells = [max(2, round(side / self.cell) + 1) for side in size]
        drawn = 2 * torch.rand(len(image), 2, *cells, device=image.device) - 1
        strength = self.elastic * torch.rand(len(image), 1, 1, 1, device=image.device)
        return interpolate(drawn * strength, size, mode="bicubic", align_corners=True)

    def apply(
        self,
        image: torch.Tensor,
        label: torch.Tensor,
        matrices: torch.Tensor,
        centres: torch.Tensor,
        mirror: torch.Tensor,
        bend: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Move a batch by given maps.

        Args:
            image: ``(B, C, H, W)``.
            label: ``(B, 1, H, W)``.
            matrices: ``(B, 2, 2)``, see `matrices`.
            centres: ``(B, 2)``, see `centres`.
            mirror: ``(B,)``, which results are mirrored along the first axis.
            bend: ``(B, 2, height, width)``, see `bend`.
        """
        size, device = self.size or tuple(image.shape[2:]), image.device
        axes = [torch.arange(side, device=device) - (side - 1) / 2 for side in size]
        places = torch.stack(torch.meshgrid(*axes, indexing="ij"))[None].expand(len(image), -1, -1, -1).clone()
        places[:, 0] = torch.where(mirror[:, None, None], -places[:, 0], places[:, 0])
        if bend is not None:
            places = places + bend
        sources = torch.einsum("bij,bjhw->bihw", matrices, places) + centres[:, :, None, None]
        half = torch.tensor(image.shape[2:], device=device)[None, :, None, None] / 2
        grid = (sources / half).flip(1).permute(0, 2, 3, 1)
        moved = grid_sample(image, grid, mode="bilinear", padding_mode=self.padding, align_corners=False)
        labels = self._move_labels(label, grid)
        if self.swap is not None:
            labels = torch.where(mirror[:, None, None, None], self.swap.to(device)[labels], labels)
        return moved, labels

    def _move_labels(self, label: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        channels = one_hot(label[:, 0], self.num_labels).permute(0, 3, 1, 2).float()
        return grid_sample(channels, grid, mode="bilinear", align_corners=False).argmax(1, keepdim=True)
