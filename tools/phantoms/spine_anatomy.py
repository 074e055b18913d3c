"""Sizes of human vertebrae by level, and the random person that an analytic spine is drawn from."""

from dataclasses import dataclass, field

import numpy as np

# Level, body width, depth, height and disc below, in mm; levels between are interpolated. After Panjabi et al., Spine 1991-92.
SIZES = np.array([
    [3, 17, 15, 12, 5], [7, 22, 16, 13, 5], [8, 25, 17, 15, 4], [13, 27, 23, 19, 4], [19, 37, 30, 23, 6],
    [20, 40, 32, 25, 7], [24, 50, 35, 28, 11], [25, 50, 35, 28, 11],
])  # fmt: skip
FAMILIES = {
    "lumbar": (17, 24), "thoracolumbar": (12, 24), "thoracic": (6, 20), "cervical": (1, 11), "spine": (1, 24), "abdomen": (18, 24),
    "body": (1, 24), "unusual": (1, 24), "contrast": (8, 24),
}  # fmt: skip
T13, L6, T12, L5 = 28, 25, 19, 24
UNUSUAL = "unusual"  # any part of a spine, of people whose number of vertebrae is seldom the usual one
CONTRAST = "contrast"  # the same below the neck, with vessels full of contrast medium against pale vertebrae
ODD = (UNUSUAL, CONTRAST)  # families of people whose number of vertebrae is seldom the usual one
COUNTS = ((None, None), (L6, None), (T13, None), (None, T12), (None, L5), (L6, T12), (T13, L5), (T13, None))  # extra, lacking
SHORTEST = 5  # vertebrae of a part


@dataclass
class Person:
    """A random person: scale, curvature and what is unusual.

    ``scoliosis`` and ``kyphosis`` are amplitudes in mm over the whole spine; ``fractured`` maps a vertebra to the share of its
    front height that is lost; ``screws`` are the vertebrae with pedicle screws; ``extra`` is `T13` or `L6`, or None; ``lacking`` is
    `T12` where there are eleven thoracic vertebrae, `L5` where there are four lumbar ones, or None.
    """

    scale: float = 1.0
    scoliosis: float = 0.0
    phase: float = 0.0
    kyphosis: float = 1.0
    fractured: dict[int, float] = field(default_factory=dict)
    screws: tuple[int, ...] = ()
    extra: int | None = None
    lacking: int | None = None
    hip_implant: bool = False


def draw_person(random: np.random.Generator, plain: bool = False) -> Person:
    """Draw a person; a plain one has usual curvature and nothing unusual."""
    person = Person(scale=random.uniform(0.88, 1.12), phase=random.uniform(0, 2 * np.pi), kyphosis=random.uniform(0.6, 1.4))
    if plain:
        return person
    person.scoliosis = abs(random.normal(0, 7)) if random.random() < 0.6 else 0.0
    if random.random() < 0.3:
        person.fractured = {int(n): random.uniform(0.15, 0.5) for n in random.integers(12, 24, random.integers(1, 3))}
    if random.random() < 0.12:
        first = int(random.integers(19, 23))
        person.screws = tuple(range(first, first + int(random.integers(2, 4))))
    if random.random() < 0.06:
        person.extra = int(random.choice([T13, L6]))
    person.hip_implant = random.random() < 0.08
    return person


def draw_unusual_person(random: np.random.Generator) -> Person:
    """Draw a person with any of `COUNTS`, the usual one in three of ten."""
    person = draw_person(random)
    person.extra, person.lacking = COUNTS[int(random.choice(len(COUNTS), p=[0.3, *[0.1] * 7]))]
    return person


def draw_part(codes: list[int], random: np.random.Generator) -> list[int]:
    """Return all vertebrae, or as often those that are left when both ends, or one of them, are taken away at random."""
    if random.random() < 0.5:
        return codes
    first = int(random.integers(0, len(codes) - SHORTEST)) if random.random() < 0.6 else 0
    last = int(random.integers(first + SHORTEST, len(codes))) if random.random() < 0.6 else len(codes)
    return codes[first:last]


def sequence(family: str, person: Person) -> list[int]:
    """Return the vertebrae of a family of phantoms from top to bottom."""
    first, last = FAMILIES[family]
    codes = list(range(first, last + 1))
    if person.extra == T13 and 19 in codes:
        codes.insert(codes.index(19) + 1, T13)
    if person.extra == L6 and 24 in codes:
        codes.append(L6)
    return [code for code in codes if code != person.lacking]


def _level(code: int) -> float:
    """Return the place in the sequence; a thirteenth thoracic vertebra stands between T12 and L1."""
    return 19.5 if code == T13 else code


def size_of(code: int, scale: float) -> np.ndarray:
    """Return width, depth and height of the body and the height of the disc below it, in mm."""
    return np.array([np.interp(_level(code), SIZES[:, 0], SIZES[:, i]) for i in range(1, 5)]) * scale


def sagittal_tilt(code: int, person: Person) -> float:
    """Return by how much the vertebra's axis leans forwards, in radians: lordosis, kyphosis, lordosis."""
    return person.kyphosis * float(
        np.interp(_level(code), [1, 7, 9, 14, 19, 22, 25], [-0.10, 0.30, 0.38, 0.02, -0.22, -0.02, 0.42])
    )
