"""Spines from nothing: label maps of analytic vertebrae, ribs, sacrum, pelvis, and CT painted from them."""

from dataclasses import dataclass

import numpy as np

from custom_networks.errors import UserError

from ..synthesis.codes import BONE, METAL, SACRUM, THORACIC, UNKNOWN
from ..synthesis.rendering import render
from ..synthesis.surroundings import surround
from .spine_anatomy import (
    CONTRAST,
    FAMILIES,
    L5,
    L6,
    ODD,
    UNUSUAL,
    Person,
    draw_part,
    draw_person,
    draw_unusual_person,
    sagittal_tilt,
    sequence,
    size_of,
)

FINE = 1.0  # mm, grid of the drawing
WHOLE_BODY, HEAD, LEGS = "body", 170, 380  # mm above C1 and below the pelvis


@dataclass(frozen=True)
class SpinePhantom:
    """A CT in HU and its exact instances (VerSe numbers), arrays ``(X, Y, Z)`` in RAS, and an affine in mm."""

    image: np.ndarray
    label: np.ndarray
    affine: np.ndarray
    family: str


@dataclass
class _Frame:
    """Where a vertebra stands: the middle of its body, and its axes to the right, to the front and up, in voxels."""

    origin: np.ndarray
    axes: np.ndarray

    def local(self, box: tuple[slice, ...]) -> np.ndarray:
        grid = np.stack(np.meshgrid(*[np.arange(part.start, part.stop, dtype=np.float32) for part in box], indexing="ij"), axis=-1)
        return np.moveaxis((grid - self.origin.astype(np.float32)) @ self.axes.T.astype(np.float32), -1, 0)

    def place(self, u: float, v: float, w: float) -> np.ndarray:
        return self.origin + np.array([u, v, w]) @ self.axes


def make_spine_labels(
    random: np.random.Generator, family: str, person: Person | None = None, field: tuple[float, float] = (170.0, 150.0)
) -> np.ndarray:
    """Draw a label map on a grid of 1 mm with nothing around the bones.

    Args:
        random: source of what is not given.
        family: a key of `FAMILIES`: which part of the spine.
        person: whose spine; drawn where None.
        field: size of the field of view to the side and to the front, in mm; the height follows from the vertebrae.
    """
    if family not in FAMILIES:
        raise UserError(f"{family}: no such family of phantoms.", f"Choose one of: {', '.join(FAMILIES)}.")
    person = person or (draw_unusual_person if family in ODD else draw_person)(random)
    codes = draw_part(sequence(family, person), random) if family in ODD else sequence(family, person)
    whole = family == WHOLE_BODY or (family == UNUSUAL and codes == sequence(family, person) and random.random() < 0.6)
    frames, height = _stand(codes, person, random, field)
    if whole:
        height += HEAD + LEGS
        for frame in frames:
            frame.origin[2] += LEGS
    labels = np.zeros((*(round(f) // 2 * 2 for f in field), height // 2 * 2), np.uint8)
    for code, frame in zip(codes, frames, strict=True):
        _draw_vertebra(labels, code, frame, person, random)
    if _reaches_sacrum(codes, person):
        _draw_pelvis(labels, frames[-1], size_of(codes[-1], person.scale), person, random)
    if whole:
        _draw_head_and_legs(labels, frames)
    return labels


def make_spine_phantom(
    random: np.random.Generator,
    family: str | None = None,
    person: Person | None = None,
    factor: int | None = None,
    field: tuple[float, float] | None = None,
    cut: float = 0.4,
) -> SpinePhantom:
    """Draw one scan.

    Args:
        random: generator; equal states give equal scans.
        family: one of `FAMILIES`, what the scan shows; None draws one.
        person: how the vertebrae are made; None draws one.
        factor: isotropic spacing in mm; None takes 2.
        field: width and depth of the field of view in mm; None draws them.
        cut: probability that a part of a long scan is cut off above and below.
    """
    family = family or str(random.choice(list(FAMILIES), p=[0.25, 0.2, 0.15, 0.15, 0.05, 0.2, 0.0, 0.0, 0.0]))
    factor = factor or 2
    field = field or (random.uniform(140, 220), random.uniform(130, 190))
    labels = make_spine_labels(random, family, person, field)
    if random.random() < cut and labels.shape[2] > 220:
        keep = int(random.uniform(0.55, 0.95) * labels.shape[2])
        start = int(random.integers(0, labels.shape[2] - keep + 1))
        labels = labels[..., start : start + keep]
    labels = np.ascontiguousarray(labels[tuple(slice(0, n // factor * factor) for n in labels.shape)])
    enhanced = family == CONTRAST
    everything = surround(labels, random, FINE, floating=family in ODD, enhanced=enhanced)
    ct, label = render(everything, random, FINE, factor, enhanced=enhanced)
    affine = np.diag([factor, factor, factor, 1.0])
    affine[:3, 3] = -np.array(ct.shape) * factor / 2
    return SpinePhantom(ct, label, affine, family)


def _reaches_sacrum(codes: list[int], person: Person) -> bool:
    lowest = L6 if person.extra == L6 else L5 - 1 if person.lacking == L5 else L5
    return codes[-1] == lowest


def _stand(codes: list[int], person: Person, random: np.random.Generator, field) -> tuple[list[_Frame], int]:
    """Put the vertebrae on each other from the lowest to the highest; return their frames and the height of the volume."""
    bottom = 150 * person.scale if _reaches_sacrum(codes, person) else random.uniform(15, 45)
    sizes = [size_of(code, person.scale) for code in codes]
    point = np.array([field[0] / 2 + random.uniform(-10, 10), field[1] * random.uniform(0.42, 0.55), bottom])
    frames: list[_Frame] = []
    start = bottom
    for code, (_, _, tall, disc) in zip(codes[::-1], sizes[::-1], strict=True):
        tilt = sagittal_tilt(code, person)
        side = person.scoliosis * 2 * np.pi / 400 * np.cos(2 * np.pi * (point[2] - start) / 400 + person.phase)
        up = np.array([side, np.sin(tilt), np.cos(tilt)])
        up /= np.linalg.norm(up)
        twist = side * 0.8
        right = np.array([np.cos(twist), np.sin(twist), 0.0])
        right -= up * (right @ up)
        right /= np.linalg.norm(right)
        front = np.cross(up, right)
        point = point + up * (disc + tall / 2)
        frames.append(_Frame(point.copy(), np.stack([right, front, up])))
        point = point + up * tall / 2
    above = random.uniform(12, 40)
    middle = np.mean([frame.origin[1] for frame in frames])
    shift = np.array([0, field[1] * 0.5 - middle, 0])
    for frame in frames:
        frame.origin = frame.origin + shift
    return frames[::-1], int(point[2] + above)


def _draw_vertebra(labels: np.ndarray, code: int, frame: _Frame, person: Person, random: np.random.Generator) -> None:
    wide, deep, tall, _ = size_of(code, person.scale)
    reach = np.array([wide / 2 + 34, deep / 2 + 58, tall / 2 + 30]) * 1.05
    low = np.maximum(np.floor(frame.origin - reach), 0).astype(int)
    high = np.minimum(np.ceil(frame.origin + reach), labels.shape).astype(int)
    if (low >= high).any():
        return
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    u, v, w = frame.local(box)
    solid = _atlas(u, v, w, person, random) if code == 1 else _typical(u, v, w, code, (wide, deep, tall), person, random)
    part = labels[box]
    part[solid & (part == UNKNOWN)] = code
    if code in person.screws:
        for side in (-1, 1):
            axis = side * (0.26 * wide + (v + 0.5 * deep) * -0.25)
            screw = (np.hypot(u - axis, w - 0.15 * tall) < 2.8) & (v > -deep / 2 - 24) & (v < deep * 0.2)
            part[screw & np.isin(part, (UNKNOWN, code))] = METAL


def _typical(u, v, w, code: int, size, person: Person, random: np.random.Generator) -> np.ndarray:
    """Body, pedicles, arch, spinous, transverse and articular processes of C2 to L6."""
    wide, deep, tall = size
    lumbar, thoracic = code >= 20 and code != 28, code in THORACIC or code == 28
    loss = person.fractured.get(code, 0.0)
    forward = np.clip(v / deep + 0.5, 0, 1)
    half = tall / 2 * (1 - loss * forward) - 1.2 * (1 - np.clip((2 * u / wide) ** 2 + (2 * v / deep) ** 2, 0, 1))
    waist = 1 - 0.09 * (1 - np.clip(np.abs(w) / (tall / 2), 0, 1) ** 2)
    solid = (
        (np.abs(2 * u / (wide * waist)) ** 2.4 + np.abs(2 * v / (deep * waist)) ** 2.4 <= 1) & (w <= half) & (w >= -tall / 2 + 1.0)
    )
    canal = (9.5 if not thoracic else 8.0) * person.scale
    back = -deep / 2 - canal * 0.85  # middle of the canal
    side = np.abs(u)
    high = 0.12 * tall
    solid |= (np.abs(side - canal - 2.5) < 3.8) & (v < -deep / 2 + 4) & (v > back - 2) & (np.abs(w - high) < 0.3 * tall)
    ring = np.hypot(u, v - back)
    lean = w - high + 0.45 * (back - v)  # laminae lean backwards and down
    solid |= (ring > canal) & (ring < canal + 5.0) & (v < back + 2) & (np.abs(lean) < 0.36 * tall)
    drop = 0.25 if lumbar else (1.0 if thoracic else 0.45)
    length = (30 if lumbar else 32 if thoracic else 20) * person.scale * random.uniform(0.85, 1.15)
    behind = back - canal - v
    spine = w - high + drop * behind + 4
    thick = 2.6 + 1.2 * np.clip(behind / length, 0, 1)
    solid |= (np.abs(u) < thick) & (behind > -3) & (behind < length) & (np.abs(spine) < (0.36 if lumbar else 0.22) * tall + 1)
    arm = (22 if lumbar else 20 if thoracic else 10) * person.scale * random.uniform(0.85, 1.15)
    out = side - canal - 4
    sweep = v - back - (0.15 if lumbar else -0.45 if thoracic else 0.3) * out - 2
    solid |= (out > -3) & (out < arm) & (np.abs(sweep) < 4.2) & (np.abs(w - high) < (4.5 if lumbar else 5.0))
    joint = (np.abs(side - canal - 3.5) / 5.5) ** 2 + ((v - back + 1.5) / 5.5) ** 2
    solid |= (
        (joint < 1)
        & (w < 0.62 * tall)
        & (w > -0.72 * tall)
        & ((w > -0.3 * tall) | (v < back - 1.5))
        & ((w < 0.35 * tall) | (v > back - 1.5))
    )
    if code == 2:
        solid |= (np.hypot(u, v - 0.1 * deep) < 5 * person.scale) & (w > 0) & (w < tall / 2 + 15 * person.scale)
    return solid & (np.hypot(u, (v - back) * 1.05) > canal - 0.5) | (solid & (v > -deep / 2))


def _atlas(u, v, w, person: Person, random: np.random.Generator) -> np.ndarray:
    """The ring of C1 with its lateral masses and transverse processes."""
    scale = person.scale
    ring = np.hypot(u / 19, (v + 11) / 19) / scale
    solid = (ring > 0.78) & (ring < 1.05) & (np.abs(w) < 5 * scale)
    side = np.abs(u)
    solid |= ((side / scale - 17) / 7) ** 2 + ((v / scale + 4) / 8) ** 2 + (w / scale / 8) ** 2 < 1
    return solid | ((side > 18 * scale) & (side < 36 * scale) & (np.abs(v + 8) < 4) & (np.abs(w) < 4))


def _draw_pelvis(labels: np.ndarray, last: _Frame, size: np.ndarray, person: Person, random: np.random.Generator) -> None:
    """Draw the sacrum under the last vertebra, the iliac wings beside it, and the heads of the femora."""
    wide, deep, tall, disc = size
    seat = last.place(0, 0, -tall / 2 - disc)
    tilt = random.uniform(0.35, 0.75)
    right, front, up = last.axes
    frame = _Frame(seat, np.stack([right, front * np.cos(tilt) - up * np.sin(tilt), up * np.cos(tilt) + front * np.sin(tilt)]))
    labels = labels[..., : max(1, int(seat[2] + 60))]
    u, v, w = frame.local(tuple(slice(0, n) for n in labels.shape))
    depth = -w / (105 * person.scale)
    wing = np.maximum(wide * (1.12 - 0.85 * depth), 1.0)
    thick = deep * (0.62 - 0.42 * depth)
    bend = 22 * depth**2
    solid = (
        (w < 0)
        & (depth < 1)
        & (np.abs(u) < wing)
        & (np.abs(v + deep * 0.1 + bend) < thick * np.sqrt(np.clip(1 - (u / wing) ** 2 * 0.8, 0, 1)))
    )
    canal = (np.hypot(u, v + deep * 0.45 + bend) < 7) & (depth < 0.8)
    holes = (np.hypot(np.abs(u) - 18, (w + 18) % 24 - 12) < 4.5) & (w < -12) & (depth < 0.8)
    labels[solid & ~canal & ~holes & (labels == UNKNOWN)] = SACRUM
    x, y, z = (axis - o for axis, o in zip(np.ogrid[tuple(slice(0, n) for n in labels.shape)], seat, strict=True))
    side = np.abs(x) - wide * 1.35 - 0.35 * (z + 20)
    shell = (
        (np.abs(side - 0.012 * (y - 10) ** 2 * 0.2) < 4.5)
        & (np.hypot((y - 15) / 62, (z + 35) / 72) < 1)
        & (np.abs(x) > wide * 0.75)
    )
    labels[shell & (labels == UNKNOWN)] = BONE
    for direction in (-1, 1):
        ball = np.sqrt((x - direction * 88) ** 2 + (y - 30) ** 2 + (z + 105) ** 2)
        labels[(ball < 24) & (labels == UNKNOWN)] = METAL if person.hip_implant and direction == 1 else BONE


def _draw_head_and_legs(labels: np.ndarray, frames: list[_Frame]) -> None:
    """Draw a skull above C1 and the shafts of the femora, with marrow, below the pelvis."""
    atlas, lowest = frames[0].origin, frames[-1].origin
    x, y, z = np.ogrid[tuple(slice(0, n) for n in labels.shape)]
    radius = np.sqrt(((x - atlas[0]) / 70) ** 2 + ((y - atlas[1] - 15) / 85) ** 2 + ((z - atlas[2] - 92) / 75) ** 2)
    labels[(radius > 0.92) & (radius < 1) & (labels == UNKNOWN)] = BONE
    for side in (-1, 1):
        shaft = np.hypot(x - lowest[0] - side * 70, y - lowest[1] - 10)
        labels[(shaft < 14) & (z < lowest[2] - 150) & (labels == UNKNOWN)] = BONE
