"""Augment a whole batch of CT patches at once, on the device where it is."""

from dataclasses import dataclass

import numpy as np
import torch
from monai.transforms import RandomizableTransform
from torch.nn.functional import affine_grid, conv3d, grid_sample, interpolate, pad

# Intensities in kHU between which contrast changes: air, fat, soft tissue, marrow, spongiosa, cortex, metal.
KNOTS = (-1.0, -0.15, -0.06, 0.04, 0.13, 0.3, 0.7, 2.0)
COARSE = 4  # points a side of the grid of random displacements
NOISE_REACH = 3  # voxels


@dataclass
class CtChange:
    """What is done to one patch; see `RandCtBatch`. Lengths are in voxels, intensities in kHU."""

    matrix: np.ndarray
    bend: np.ndarray | None
    knots: np.ndarray
    blur: tuple[float, float, float]
    sharpen: float
    thick_axis: int | None
    thickness: float
    noise: float
    grain: float
    gain: float
    offset: float


class RandCtBatch(RandomizableTransform):
    """Change patches of CT as scanners, kernels, doses and people differ; labels follow.

    Each patch gets an affine map and a bend, another contrast of bone and soft tissue, a softer or sharper kernel, thick slices
    along any axis (scans come as axial and as sagittal slices), noise of random strength and grain, and a calibration.
    Parameters are drawn in `randomize` and applied by `apply_ct_change`. Every call is seeded from NumPy's global state, which a
    training sets at the start of every epoch.

    Args:
        prob: of each change.
        rotation: most in rad about every axis.
        scale: most share by which every axis is stretched or shrunk.
        bend: most displacement in voxels.
        noise: most standard deviation in kHU.
        thickness: most slice thickness in voxels.
        flip: probability of a mirror image, left to right.
        label_map: whether labels are numbers rather than zeros and ones; their nearest neighbours are taken.
    """

    def __init__(
        self,
        prob: float = 0.5,
        rotation: float = 0.2,
        scale: float = 0.15,
        bend: float = 2.5,
        noise: float = 0.12,
        thickness: float = 3.0,
        flip: float = 0.5,
        label_map: bool = False,
    ) -> None:
        super().__init__(prob)
        self.label_map = label_map
        self.rotation, self.scale, self.bend, self.noise, self.thickness, self.flip = rotation, scale, bend, noise, thickness, flip

    def randomize(self, data: torch.Tensor) -> list[CtChange]:
        return [self._draw(data.shape[2:]) for _ in range(len(data))]

    def __call__(self, image: torch.Tensor, label: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return both changed: image ``(B, 1, X, Y, Z)`` in kHU, label ``(B, C, X, Y, Z)``."""
        self.set_random_state(seed=int(np.random.randint(2**31)))
        pairs = zip(image, label, self.randomize(image), strict=True)
        generator = torch.Generator(image.device).manual_seed(int(self.R.randint(2**31)))
        changed = [apply_ct_change(*pair, generator, self.label_map) for pair in pairs]
        return torch.stack([pair[0] for pair in changed]), torch.stack([pair[1] for pair in changed])

    def _often(self) -> bool:
        return self.R.random() < self.prob

    def _draw(self, shape) -> CtChange:
        matrix = np.eye(3)
        if self._often():
            for axis in range(3):
                turn = np.eye(3)
                angle = self.R.uniform(-self.rotation, self.rotation)
                i, j = (axis + 1) % 3, (axis + 2) % 3
                turn[[i, j, i, j], [i, j, j, i]] = np.cos(angle), np.cos(angle), -np.sin(angle), np.sin(angle)
                matrix = matrix @ turn
            common = self.R.uniform(1 - self.scale, 1 + self.scale)
            matrix = matrix * common * self.R.uniform(1 - self.scale / 3, 1 + self.scale / 3, 3)
        if self.R.random() < self.flip:
            matrix = np.diag([-1.0, 1, 1]) @ matrix
        bend = self.R.normal(0, self.bend / 2, (3, *[COARSE] * 3)).clip(-self.bend, self.bend) if self._often() else None
        return CtChange(
            matrix,
            bend,
            self._contrast() if self._often() else np.array(KNOTS),
            tuple(self.R.uniform(0.2, 1.2, 3)) if self._often() else (0.0, 0.0, 0.0),
            self.R.uniform(0.3, 1.8) if self._often() else 0.0,
            int(self.R.randint(3)) if self._often() else None,
            self.R.uniform(1.2, self.thickness),
            self.R.uniform(0.0, 1.0) ** 2 * self.noise if self.R.random() < 0.8 else 0.0,
            self.R.uniform(0.0, 0.9),
            self.R.uniform(0.94, 1.06) if self._often() else 1.0,
            self.R.uniform(-0.03, 0.03) if self._often() else 0.0,
        )

    def _contrast(self) -> np.ndarray:
        """Make bone denser or thinner, soft tissue brighter or darker, as people and contrast media differ."""
        values = np.array(KNOTS)
        values[3] += self.R.uniform(-0.025, 0.035)
        values[4] += self.R.uniform(-0.045, 0.07)
        values[5] *= self.R.uniform(0.6, 1.4)
        values[6] *= self.R.uniform(0.65, 1.35)
        return np.maximum.accumulate(values)


def apply_ct_change(
    image: torch.Tensor, label: torch.Tensor, change: CtChange, generator: torch.Generator, label_map: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Apply one change to image ``(1, X, Y, Z)`` and label ``(C, X, Y, Z)``; the generator gives the noise."""
    if change.bend is not None or not np.array_equal(change.matrix, np.eye(3)):
        image, label = _warp(image, label, change, label_map)
    image = _map(image, change.knots)
    if max(change.blur) > 0:
        image = _smooth(image, change.blur)
    if change.sharpen:
        image = image + change.sharpen * (image - _smooth(image, (0.8, 0.8, 0.8)))
    noise = _noise(image, change, generator)
    image = image * change.gain + change.offset + noise
    if change.thick_axis is not None:
        image = _thicken(image, change.thick_axis, change.thickness)
    return image.clip(-1.0, 2.0), label


def _warp(image: torch.Tensor, label: torch.Tensor, change: CtChange, label_map: bool) -> tuple[torch.Tensor, torch.Tensor]:
    size = [1, 1, *image.shape[1:]]
    # torch's grids name the last axis first
    theta = torch.eye(3, 4)
    theta[:, :3] = torch.from_numpy(change.matrix[::-1, ::-1].copy()).float()
    grid = affine_grid(theta[None].to(image.device), size, align_corners=False)
    if change.bend is not None:
        shift = torch.from_numpy(change.bend).float().to(image.device)
        shift = interpolate(shift[None], size=size[2:], mode="trilinear", align_corners=True)[0]
        shift = shift * (2 / torch.tensor(size[2:], device=image.device))[:, None, None, None]
        grid = grid + shift.flip(0).permute(1, 2, 3, 0)[None]
    if label_map:
        modes = ((image, "bilinear"), (label, "nearest"))
        return tuple(grid_sample(x[None], grid, mode, "border", align_corners=False)[0] for x, mode in modes)
    both = torch.cat([image, label])[None]
    moved = grid_sample(both, grid, mode="bilinear", padding_mode="border", align_corners=False)[0]
    return moved[: len(image)], (moved[len(image) :] > 0.5).to(label)


def _map(image: torch.Tensor, values: np.ndarray) -> torch.Tensor:
    """Map intensities piecewise linearly from `KNOTS` to values."""
    if np.array_equal(values, KNOTS):
        return image
    result = torch.full_like(image, float(values[0]))
    for low, high, a, b in zip(KNOTS[:-1], KNOTS[1:], values[:-1], values[1:], strict=True):
        result += (image.clip(low, high) - low) * float((b - a) / (high - low))
    return result


def _smooth(image: torch.Tensor, sigmas: tuple[float, float, float]) -> torch.Tensor:
    """Blur ``(1, X, Y, Z)`` by Gaussians, borders repeated."""
    result = image[None]
    for axis, sigma in enumerate(sigmas):
        if sigma < 0.05:
            continue
        offsets = torch.arange(-NOISE_REACH, NOISE_REACH + 1, device=image.device, dtype=image.dtype)
        kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
        shape = [1, 1, *[len(offsets) if i == axis else 1 for i in range(3)]]
        sides = [side for i in (2, 1, 0) for side in ([NOISE_REACH] * 2 if i == axis else [0, 0])]
        result = conv3d(pad(result, sides, mode="replicate"), (kernel / kernel.sum()).reshape(shape))
    return result[0]


def _noise(image: torch.Tensor, change: CtChange, generator: torch.Generator) -> torch.Tensor | float:
    if not change.noise:
        return 0.0
    noise = torch.randn(image.shape, generator=generator, device=image.device, dtype=image.dtype)
    noise = _smooth(noise, (change.grain,) * 3)
    return noise * (change.noise / noise.std().clip(min=1e-6))


def _thicken(image: torch.Tensor, axis: int, thickness: float) -> torch.Tensor:
    """Average into slices of ``thickness`` voxels and interpolate back."""
    full = list(image.shape[1:])
    few = list(full)
    few[axis] = max(2, round(full[axis] / thickness))
    slices = interpolate(image[None], size=few, mode="area")
    return interpolate(slices, size=full, mode="trilinear", align_corners=False)[0]
