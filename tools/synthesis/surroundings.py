"""Fill what a label map of vertebrae leaves open: body, fat, muscles, organs, vessels, bowel gas, lungs, ribs, table."""

import itertools

import numpy as np
from scipy.ndimage import binary_dilation, binary_fill_holes, distance_transform_edt, gaussian_filter, zoom

from .codes import AIR, BONE, CANAL, DISC, FAT, GAS, LUNG, MUSCLE, ORGANS, SACRUM, T13, TABLE, THORACIC, UNKNOWN, VERTEBRAE, VESSEL

STEP = 4  # voxels of a coarse grid on which regions are drawn
FIRST_LUMBAR, FLOATING = 20, ((0.15, 0.9), (0.4, 1.0))  # share of a rib's length that the last pair has, and the one above
USUAL, ADJACENT = ((24, 42), (7, 14)), ((20, 36), (9, 16))  # mm, from the spine to the front, and radius of the aorta
DISC_GAP = 14.0  # mm, sum of the distances to two neighbours below which disc fills the space


def surround(
    labels: np.ndarray,
    random: np.random.Generator,
    spacing: float = 1.0,
    ribs: bool = True,
    floating: bool = False,
    enhanced: bool = False,
) -> np.ndarray:
    """Return the label map with every `UNKNOWN` voxel given a tissue.

    Args:
        labels: codes of `codes`; x to the right, y to the front, z up.
        random: source of all shapes.
        spacing: of the isotropic grid in mm.
        ribs: whether thoracic vertebrae get a pair of ribs each.
        floating: whether the last two pairs are cut short, as far as chance will have it; of nothing else it changes what is drawn.
        enhanced: whether a wide aorta lies against the vertebrae.
    """
    spine = _spine_line(labels)
    result = labels.copy()
    if ribs:
        lengths = _rib_lengths(labels, random) if floating else {}
        for code in (*THORACIC, T13):
            _draw_ribs(result, labels == code, random, spacing, lengths.get(code, 1.0))
    coarse = labels[::STEP, ::STEP, ::STEP]
    step = STEP * spacing
    offset = _offsets(coarse.shape, step, spine[::STEP] * spacing)
    tissue = _regions(coarse, offset, random, step, ADJACENT if enhanced else USUAL)
    filling = np.repeat(np.repeat(np.repeat(tissue, STEP, 0), STEP, 1), STEP, 2)[
        : labels.shape[0], : labels.shape[1], : labels.shape[2]
    ]
    filling = _smooth_borders(filling, random)
    _fill_between(filling, labels, random, spacing)
    unknown = result == UNKNOWN
    result[unknown] = filling[unknown]
    return result


def _spine_line(labels: np.ndarray) -> np.ndarray:
    """Return ``(Z, 2)``: the spine's x and y, in voxels, at every height; ends continue as they are."""
    bone = np.isin(labels, (*VERTEBRAE, SACRUM))
    heights = np.flatnonzero(bone.any(axis=(0, 1)))
    if not len(heights):
        return np.tile((np.array(labels.shape[:2]) - 1) / 2, (labels.shape[2], 1))
    centres = np.array([[axis.mean() for axis in np.nonzero(bone[..., z])] for z in heights])
    line = np.stack([np.interp(np.arange(labels.shape[2]), heights, centres[:, axis]) for axis in (0, 1)], axis=1)
    return gaussian_filter(line, (12, 0), mode="nearest")


def _offsets(shape, step: float, spine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mm to the right and to the front of the spine for every coarse voxel."""
    x = np.arange(shape[0])[:, None, None] * step - spine[None, None, : shape[2], 0]
    y = np.arange(shape[1])[None, :, None] * step - spine[None, None, : shape[2], 1]
    return np.broadcast_to(x, shape), np.broadcast_to(y, shape)


def _regions(coarse: np.ndarray, offset, random: np.random.Generator, step: float, aorta) -> np.ndarray:
    x, y = offset
    wide, deep = random.uniform(120, 190), random.uniform(80, 135)
    front = deep - random.uniform(50, 95)
    radius = np.hypot(x / wide, (y - front) / deep)
    radius = radius + _noise(coarse.shape, random, 60 / step, 0.06)
    fat_rim = random.uniform(0.05, 0.25)
    tissue = np.full(coarse.shape, AIR, np.uint8)
    tissue[radius < 1] = FAT
    tissue[radius < 1 - fat_rim] = MUSCLE
    inner = (
        (np.hypot(x / (wide * 0.82), (y - front - 15) / (deep * 0.75)) < 1) & (y > random.uniform(-12, 8)) & (np.hypot(x, y) > 24)
    )
    choices = np.array([FAT, FAT, MUSCLE, GAS, VESSEL, *ORGANS])
    share = random.dirichlet(np.full(len(choices), 0.8))
    field = np.argsort(np.argsort(_noise(coarse.shape, random, random.uniform(14, 40) / step, 1.0), axis=None)).reshape(
        coarse.shape
    )
    bins = np.searchsorted(np.cumsum(share) * field.size, field, side="left").clip(0, len(choices) - 1)
    tissue[inner] = choices[bins][inner]
    streaks = (_noise(coarse.shape, random, 7 / step, 1.0) > random.uniform(1.0, 2.5)) & (tissue == MUSCLE)
    tissue[streaks] = FAT
    thoracic = np.isin(coarse, THORACIC).any(axis=(0, 1))
    if thoracic.any():
        heights = np.flatnonzero(thoracic)
        chest = np.arange(coarse.shape[2]) >= heights[0] + random.integers(0, max(1, len(heights) // 2))
        lungs = (np.abs(x) > random.uniform(18, 34) + 0.1 * np.abs(y)) & (
            np.hypot(x / (wide * 0.75), (y - front) / (deep * 0.78)) < 1
        )
        tissue[lungs & (y > random.uniform(-45, -20)) & chest] = LUNG
    tube = np.hypot(x + random.uniform(-6, 25), y - random.uniform(*aorta[0])) < random.uniform(*aorta[1])
    tissue[tube & (radius < 0.95)] = VESSEL
    if random.random() < 0.7:
        back = -(deep - front) - random.uniform(0, 8)
        tissue[(y < back) & (y > back - random.uniform(4, 12))] = TABLE
    return tissue


def _noise(shape, random: np.random.Generator, sigma: float, sd: float) -> np.ndarray:
    field = gaussian_filter(random.normal(0, 1, shape).astype(np.float32), max(sigma, 0.3), mode="wrap")
    return field * (sd / max(float(field.std()), 1e-9))


def _smooth_borders(filling: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Displace voxels by a few, so that regions lose the corners of the coarse grid."""
    index = []
    for axis in range(3):
        field = random.normal(0, 2.2, [max(2, n // 6) for n in filling.shape]).astype(np.float32)
        grown = zoom(field, [n / m for n, m in zip(filling.shape, field.shape, strict=True)], order=1)
        base = np.arange(filling.shape[axis]).reshape([-1 if i == axis else 1 for i in range(3)])
        index.append(np.clip(base + np.round(grown).astype(np.int32), 0, filling.shape[axis] - 1))
    return filling[tuple(index)]


def _fill_between(filling: np.ndarray, labels: np.ndarray, random: np.random.Generator, spacing: float) -> None:
    """Put discs between neighbours, the canal behind the bodies, muscle or fat right around the bone."""
    bone = np.isin(labels, (*VERTEBRAE, SACRUM))
    if not bone.any():
        return
    occupied = np.argwhere(bone)
    margin = int(np.ceil(16 / spacing))
    low, high = np.maximum(occupied.min(0) - margin, 0), np.minimum(occupied.max(0) + margin + 1, labels.shape)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    part, inside = filling[box], labels[box]
    around = binary_dilation(bone[box], iterations=max(1, round(random.uniform(3, 8) / spacing)))
    part[around & np.isin(part, (AIR, LUNG, GAS, *ORGANS))] = MUSCLE if random.random() < 0.6 else FAT
    codes = [code for code in (*VERTEBRAE, SACRUM) if (inside == code).any()]
    for upper, lower in itertools.pairwise(codes):
        pair = np.argwhere((inside == upper) | (inside == lower))
        a, b = np.maximum(pair.min(0) - 2, 0), pair.max(0) + 3
        near = tuple(slice(i, j) for i, j in zip(a, b, strict=True))
        gap = distance_transform_edt(inside[near] != upper) + distance_transform_edt(inside[near] != lower)
        part[near][gap * spacing < DISC_GAP] = DISC
    _draw_canal(part, inside, spacing)
    filling[box] = part


def _draw_canal(part: np.ndarray, inside: np.ndarray, spacing: float) -> None:
    """Fill the hole that each axial slice of a vertebra encloses, and the same column between them."""
    bone = np.isin(inside, (*VERTEBRAE, SACRUM))
    holes = np.zeros(bone.shape, bool)
    for z in range(bone.shape[2]):
        closed = binary_dilation(bone[..., z], iterations=2)
        holes[..., z] = binary_fill_holes(closed) & ~closed
    heights = [z for z in range(bone.shape[2]) if 60 < holes[..., z].sum() * spacing**2 < 900]
    if len(heights) < 2:
        return
    centres = np.array([[axis.mean() for axis in np.nonzero(holes[..., z])] for z in heights])
    x, y = np.meshgrid(*[np.arange(n) for n in bone.shape[:2]], indexing="ij")
    for z in range(heights[0], heights[-1] + 1):
        cx, cy = (np.interp(z, heights, centres[:, axis]) for axis in (0, 1))
        part[..., z][np.hypot(x - cx, y - cy) * spacing < 8] = CANAL


def _rib_lengths(labels: np.ndarray, random: np.random.Generator) -> dict[int, float]:
    """Return which share of their length the floating ribs have, by vertebra; those above the first lumbar vertebra float."""
    (child,) = random.spawn(1)  # leaves what else is drawn as it is
    present = [code for code in (*THORACIC, T13) if (labels == code).any()]
    if not present or not (labels == FIRST_LUMBAR).any():
        return {}
    return dict(zip(present[:-3:-1], (child.uniform(*share) for share in FLOATING), strict=False))


def _draw_ribs(result: np.ndarray, vertebra: np.ndarray, random: np.random.Generator, spacing: float, length: float) -> None:
    """Draw a rib on each side: it leaves the vertebra sideways and backwards, then bends forwards and down."""
    if np.count_nonzero(vertebra) * spacing**3 < 8000:
        return
    points = np.argwhere(vertebra)
    centre = points.mean(0)
    radius = random.uniform(3.0, 5.5) / spacing
    for side in (-1, 1):
        lateral = points[:, 0] * side
        start = points[lateral > np.quantile(lateral, 0.93)].mean(0)
        start[1] = min(start[1] + 4 / spacing, centre[1])
        reach, droop = random.uniform(70, 120) / spacing, random.uniform(0.2, 0.7)
        for t in np.linspace(0, 1, 160):
            angle = t * random.uniform(1.75, 1.8)
            if t > length:
                continue
            x = start[0] + side * reach * np.sin(angle)
            y = start[1] + reach * (1.1 * (1 - np.cos(angle)) - 0.55 * np.sin(angle * 0.9) * (1 - t))
            z = start[2] - reach * droop * t
            _draw_ball(result, (x, y, z), radius)


def _draw_ball(result: np.ndarray, centre, radius: float) -> None:
    low = [max(0, int(np.floor(c - radius))) for c in centre]
    high = [min(n, int(np.ceil(c + radius)) + 1) for c, n in zip(centre, result.shape, strict=True)]
    if any(a >= b for a, b in zip(low, high, strict=True)):
        return
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    axes = np.ogrid[box]
    inside = sum((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True)) <= radius**2
    part = result[box]
    part[inside & (part == UNKNOWN)] = BONE
