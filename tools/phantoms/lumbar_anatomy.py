"""What lies in an axial slice of the lower back, in shapes."""

import numpy as np
from scipy.ndimage import gaussian_filter

from .spinal_cord import Shape, ellipse

TO_BODY = 10.0  # mm from the canal's centre to the back of the vertebral body


class Anatomy:
    """Random proportions of one person; every slice varies them a little. Origin at the canal, x right, y front, in mm."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        self.width, self.depth = random.uniform(120, 175), random.uniform(80, 120)
        self.fat = random.uniform(6, 35)
        self.body = np.array([random.uniform(20, 28), random.uniform(14, 20)])
        self.psoas = np.array([random.uniform(13, 24), random.uniform(16, 28)])
        self.multifidus = np.array([random.uniform(10, 16), random.uniform(14, 22)])
        self.erector = np.array([random.uniform(20, 34), random.uniform(14, 24)])
        self.infiltrated = random.uniform(0.0, 0.15)
        self.lean = random.uniform(-0.06, 0.06)
        self.organs = [
            (
                random.uniform(-90, 90),
                random.uniform(45, 130),
                random.uniform(12, 40),
                random.uniform(10, 30),
                random.random() < 0.3,
            )
            for _ in range(12)
        ]

    def vary(self, sizes: np.ndarray) -> np.ndarray:
        """Return sizes as another slice has them."""
        return sizes * self.random.uniform(0.93, 1.07, 2)

    def shapes(self) -> list[tuple[str, Shape]]:
        """Return structures, sides before their names, from outermost to innermost; later ones are drawn over earlier ones."""
        bx, by = self.vary(self.body)
        px, py = self.vary(self.psoas)
        mx, my = self.vary(self.multifidus)
        ex, ey = self.vary(self.erector)
        front = by + TO_BODY
        shapes = self.trunk(-(max(2 * my, 2 * ey) + 14 + self.fat), front)
        for side, sign in (("right", 1), ("left", -1)):
            tilt = sign * self.random.uniform(0.0, 0.3) + self.lean
            shapes += [
                (f"{side} quadratus", ellipse(sign * (ex + mx * 2 + 18), -8, 16, 9, sign * 0.5)),
                (f"{side} psoas", ellipse(sign * (bx + px * 0.8), front - 4, px, py, -sign * 0.2)),
                (f"{side} erector", ellipse(sign * (mx * 1.6 + ex * 0.9), -(10 + ey), ex, ey, tilt)),
                (f"{side} multifidus", ellipse(sign * (mx + 2.5), -(12 + my), mx, my, sign * 0.15 + self.lean)),
            ]
        return shapes + self.vertebra(front, bx, by)

    def trunk(self, back: float, front: float) -> list[tuple[str, Shape]]:
        """Return fat, the wall and organs.

        Args:
            back: of the skin behind the spine, in mm.
            front: of the centre of the vertebral body, in mm.
        """
        middle = back + self.depth
        trunk = ellipse(0, middle, self.width - self.fat, self.depth - self.fat)
        shapes = [("skin", ellipse(0, middle, self.width, self.depth)), ("inside", trunk)]
        shapes.append(("wall", _ring(trunk, ellipse(0, middle + 6, self.width - self.fat - 12, self.depth - self.fat - 6))))
        for x, y, rx, ry, gas in self.organs:
            shape = ellipse(x, y + front, rx, ry)
            shapes.append(("gas" if gas else "organ", lambda u, v, shape=shape: shape(u, v) & trunk(u, v)))
        return shapes

    def vertebra(self, front: float, bx: float, by: float) -> list[tuple[str, Shape]]:
        """Return processes, body and canal; centre and radii of the body in mm."""
        return [
            ("cortex", ellipse(0, -22, 2.5, 20)),
            ("cortex", ellipse(-20, -8, 18, 4, 0.3)),
            ("cortex", ellipse(20, -8, 18, 4, -0.3)),
            ("cortex", ellipse(0, 0, 13, 11)),
            ("body", ellipse(0, front, bx, by)),
            ("canal", ellipse(0, 0, 9, 7.5)),
        ]

    def infiltration(self, shape: tuple[int, int], per_mm: float) -> np.ndarray:
        """Return where fat lies between the fibres."""
        noise = gaussian_filter(self.random.normal(size=shape), 1.2 * per_mm)
        return noise > np.quantile(noise, 1 - self.infiltrated) if self.infiltrated else np.zeros(shape, bool)


def _ring(outer: Shape, inner: Shape) -> Shape:
    return lambda x, y: outer(x, y) & ~inner(x, y)
