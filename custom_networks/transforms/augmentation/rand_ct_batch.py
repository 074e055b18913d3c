"""Augment a whole batch of CT patches at once, on the device where it is."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import torch
from monai.transforms import RandomizableTransform
from torch.nn.functional import affine_grid, grid_sample, interpolate, one_hot

# Intensities in kHU between which contrast changes: air, fat, soft tissue, marrow, spongiosa, cortex, metal.
KNOTS = (-1.0, -0.15, -0.06, 0.04, 0.13, 0.3, 0.7, 2.0)
COARSE = 4  # points a side of the grid of random displacements
NOISE_REACH = 3  # voxels
LEAST_BLUR = 0.05  # voxels, of a standard deviation; less changes nothing


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
    Parameters are drawn in `randomize` and applied by `apply_ct_changes`. Every call is seeded from NumPy's global state, which a
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
        changes = self.randomize(image)
        generator = torch.Generator(image.device).manual_seed(int(self.R.randint(2**31)))
        return apply_ct_changes(image, label, changes, generator, self.label_map)

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
    images, labels = apply_ct_changes(image[None], label[None], [change], generator, label_map)
    return images[0], labels[0]


def apply_ct_changes(
    images: torch.Tensor, labels: torch.Tensor, changes: list[CtChange], generator: torch.Generator, label_map: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Apply a change of its own to each patch of ``(B, 1, X, Y, Z)`` and ``(B, C, X, Y, Z)``, each step for all at once.

    On a GPU the many small steps of a patch took longer than a network of few channels.
    """
    warped = _places(changes, lambda change: change.bend is not None or not np.array_equal(change.matrix, np.eye(3)))
    if warped:
        moved = _warp(images[warped], labels[warped], [changes[i] for i in warped], label_map)
        images, labels = (_put(all_of, warped, part) for all_of, part in zip((images, labels), moved, strict=True))
    images = _some(images, _places(changes, lambda change: not np.array_equal(change.knots, KNOTS)), changes, _map)
    images = _some(images, _places(changes, lambda change: max(change.blur) > 0), changes, _blur)
    images = _some(images, _places(changes, lambda change: change.sharpen), changes, _sharpen)
    noisy = _places(changes, lambda change: change.noise)
    noise = _noise(images[noisy], [changes[i] for i in noisy], generator) if noisy else None
    images = images * _column(images, [change.gain for change in changes])
    images = images + _column(images, [change.offset for change in changes])
    if noisy:
        images[noisy] += noise
    for axis in range(3):
        images = _some(images, _places(changes, lambda change, axis=axis: change.thick_axis == axis), changes, _thicken)
    return images.clip(-1.0, 2.0), labels


def _places(changes: list[CtChange], has: Callable[[CtChange], object]) -> list[int]:
    return [place for place, change in enumerate(changes) if has(change)]


def _put(all_of: torch.Tensor, places: list[int], part: torch.Tensor) -> torch.Tensor:
    result = all_of.clone()
    result[places] = part
    return result


def _some(images: torch.Tensor, places: list[int], changes: list[CtChange], step: Callable) -> torch.Tensor:
    """Change the patches that stand at some places by a step that takes them and their changes."""
    return _put(images, places, step(images[places], [changes[i] for i in places])) if places else images


def _column(like: torch.Tensor, values) -> torch.Tensor:
    """Return a value a patch, to be multiplied with patches ``(B, 1, X, Y, Z)``."""
    return torch.tensor(np.asarray(values), dtype=like.dtype).to(like.device)[:, None, None, None, None]


def _warp(
    images: torch.Tensor, labels: torch.Tensor, changes: list[CtChange], label_map: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    size = images.shape[2:]
    # torch's grids name the last axis first
    theta = torch.zeros(len(changes), 3, 4)
    theta[:, :, :3] = torch.from_numpy(np.stack([change.matrix[::-1, ::-1] for change in changes])).float()
    grid = affine_grid(theta.to(images.device), [len(changes), 1, *size], align_corners=False)
    bent = _places(changes, lambda change: change.bend is not None)
    if bent:
        shift = torch.from_numpy(np.stack([changes[i].bend for i in bent])).float().to(images.device)
        shift = interpolate(shift, size=size, mode="trilinear", align_corners=True)
        shift = shift * (2 / torch.tensor(size, device=images.device))[:, None, None, None]
        grid[bent] += shift.flip(1).permute(0, 2, 3, 4, 1)
    if label_map:
        modes = ((images, "bilinear"), (labels, "nearest"))
        return tuple(grid_sample(x, grid, mode, "border", align_corners=False) for x, mode in modes)
    moved = grid_sample(torch.cat([images, labels], 1), grid, mode="bilinear", padding_mode="border", align_corners=False)
    return moved[:, : images.shape[1]], (moved[:, images.shape[1] :] > 0.5).to(labels)


def _map(images: torch.Tensor, changes: list[CtChange]) -> torch.Tensor:
    """Map intensities piecewise linearly from `KNOTS` to values."""
    values = np.stack([change.knots for change in changes])
    slopes = np.diff(values, axis=1) / np.diff(KNOTS)
    result = _column(images, values[:, 0]).expand_as(images)
    for piece, (low, high) in enumerate(pairwise(KNOTS)):
        result = result + (images.clip(low, high) - low) * _column(images, slopes[:, piece])
    return result


def _blur(images: torch.Tensor, changes: list[CtChange]) -> torch.Tensor:
    return _smooth(images, np.array([change.blur for change in changes]))


def _sharpen(images: torch.Tensor, changes: list[CtChange]) -> torch.Tensor:
    smooth = _smooth(images, np.full((len(changes), 3), 0.8))
    return images + _column(images, [change.sharpen for change in changes]) * (images - smooth)


def _smooth(images: torch.Tensor, sigmas: np.ndarray) -> torch.Tensor:
    """Blur ``(B, 1, X, Y, Z)`` by Gaussians, borders repeated; ``sigmas`` holds three a patch."""
    offsets = np.arange(-NOISE_REACH, NOISE_REACH + 1)
    wide = np.where(sigmas < LEAST_BLUR, 1.0, sigmas)[..., None]
    weights = np.where(sigmas[..., None] < LEAST_BLUR, offsets == 0, np.exp(-0.5 * (offsets / wide) ** 2))
    weights = torch.from_numpy(weights / weights.sum(-1, keepdims=True)).to(images)
    for axis in range(3):
        if (sigmas[:, axis] >= LEAST_BLUR).any():
            steps = _steps(images.shape[axis + 2], images.device)
            images = _along(images, axis, torch.einsum("bk,kij->bij", weights[:, axis], steps))
    return images


@cache
def _steps(size: int, device: torch.device) -> torch.Tensor:
    """Return matrices that take each voxel's neighbour at each distance up to `NOISE_REACH`, borders repeated."""
    places = torch.arange(size, device=device)
    return torch.stack([one_hot((places + k).clip(0, size - 1), size).float() for k in range(-NOISE_REACH, NOISE_REACH + 1)])


def _along(images: torch.Tensor, axis: int, matrices: torch.Tensor) -> torch.Tensor:
    """Multiply every line of voxels along an axis with its patch's matrix."""
    shape = images.shape
    if axis == 0:
        return (matrices @ images.reshape(len(images), shape[2], -1)).reshape(shape)
    if axis == 1:
        return matrices[:, None, None] @ images
    return (images.reshape(len(images), -1, shape[4]) @ matrices.transpose(1, 2)).reshape(shape)


def _noise(images: torch.Tensor, changes: list[CtChange], generator: torch.Generator) -> torch.Tensor:
    noise = torch.randn(images.shape, generator=generator, device=images.device, dtype=images.dtype)
    noise = _smooth(noise, np.repeat([[change.grain] for change in changes], 3, axis=1))
    spread = noise.flatten(1).std(1).clip(min=1e-6)[:, None, None, None, None]
    return noise * (_column(images, [change.noise for change in changes]) / spread)


def _thicken(images: torch.Tensor, changes: list[CtChange]) -> torch.Tensor:
    """Average into slices of ``thickness`` voxels and interpolate back; all changes have one axis."""
    axis = changes[0].thick_axis
    full = images.shape[axis + 2]
    matrices = [_slices(full, max(2, round(full / change.thickness)), images.device) for change in changes]
    return _along(images, axis, torch.stack(matrices))


@cache
def _slices(full: int, few: int, device: torch.device) -> torch.Tensor:
    """Return the matrix that averages ``full`` voxels into ``few`` slices and interpolates back."""
    slices = interpolate(torch.eye(full, device=device)[None], size=few, mode="area")
    return interpolate(slices, size=full, mode="linear", align_corners=False)[0].T.contiguous()
