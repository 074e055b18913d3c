"""Real slices bent to other people's shapes: the texture of a scan, and the muscles of label maps without image."""

from collections.abc import Callable, Sequence
from pathlib import Path

import nibabel
import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import gaussian_filter, map_coordinates
from skimage.measure import find_contours

from custom_networks.errors import UserError

from ..layout.data_list import read_list
from ..layout.making import making
from ..layout.nifti import load_nifti, save_pair
from ..layout.split import SECTIONS
from .lumbar import LABELS
from .muscle_shapes import FAR, Person, ShapedAnatomy, grid_axes, grid_indices, load_people

VALUES = (2, 3, 1, 4, 5, 6, 7, 8)  # of the muscles of `Person.distances`, in `lumbar.EIGHT`
BACK = (1, 2, 3, 4)
MULTIFIDI = (2, 3)
DONORS = {5: 1, 6: 4, 7: 1, 8: 4}  # whose texture a transplanted muscle has: the erector spinae of its side
NOT_DRAWN = 9
POINTS = 16  # landmarks on an outline
LEAST = 60.0  # mm2 of a muscle that is a landmark
LEAST_PIXELS = 20  # of a muscle that is transplanted
EDGE = 1.5  # mm in which a transplanted muscle turns into what lies around it
INNER = 0.8  # share of the donor that is taken, from its middle
COARSE = 8  # pixels between two at which the spline is evaluated
SMOOTHING = 5.0
STILL = [[x, y] for x in (-200.0, -100.0, 0.0, 100.0, 200.0) for y in (-120.0, 160.0)] + [[-200.0, 20.0], [200.0, 20.0]]
LEVEL = 0.05  # standard deviation of the difference between multifidus' shares of a slice and of the shape it is bent to


def write_bent_slices(
    folder: Path,
    cases: int,
    seed: int,
    overwrite: bool = False,
    *,
    shapes: Path,
    textures: Path,
    on_case: Callable[[], None] = lambda: None,
) -> Path:
    """Write slices of a data set, one after the other, each bent to a shape of its own; all train, as they show the same person.

    Args:
        folder: data set to write.
        cases: number of slices.
        seed: case N is the same for equal seeds whatever the number of cases.
        overwrite: whether a data set in the folder may be replaced.
        shapes: folder of label maps whose muscles are drawn, see `load_people`.
        textures: data set of single slices of the muscles of `lumbar.EIGHT`; `NOT_DRAWN` where psoas and quadratus were not drawn.
        on_case: called after every case.

    Raises:
        UserError: where a slice of the data set lacks a muscle of the back, or is none, and where the folder is that data set.
    """
    content = read_list(textures)
    sources = [entry for section in SECTIONS for entry in content[section]]
    if not sources:
        raise UserError(f"{textures}: no slices.", "Give a data set, as `prepare volumes` makes it.")
    people = load_people(shapes)
    slices = [_read(textures, entry) for entry in sources]
    name = f"slices of {textures.resolve().name} with shapes of {shapes.resolve().name}, seed {seed}"
    with making(folder, overwrite, textures) as made:
        entries = []
        for index in range(cases):
            image, label, spacing, affine = slices[index % len(slices)]
            image, label = bend_slice(image, label, spacing, people, np.random.default_rng([seed, index]))
            image = image.astype(np.float32)
            entries.append(save_pair(made.folder, f"bent_{index:03d}", image[..., None], label[..., None], affine))
            on_case()
        made.write_list(name, content.get("labels", LABELS["eight"]), {"training": entries, "validation": [], "test": []})
    return folder / "dataset.json"


def _read(textures: Path, entry: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    if not all(isinstance(entry[key], str) for key in ("image", "label")):
        raise UserError(f"{textures}: {entry['image']} is no single image with a label map.", "Leave it out.")
    image_file, label_file = Path(entry["image"]), Path(entry["label"])
    image, label = (nibabel.as_closest_canonical(load_nifti(file)) for file in (image_file, label_file))
    pixels, values = _slice(image_file, image), _slice(label_file, label).round().astype(int)
    if not set(BACK) <= set(np.unique(values)):
        raise UserError(f"{label_file}: not all of the muscles 1 to 4.", "Leave this slice out.")
    return pixels, values, np.array(image.header.get_zooms()[:2], float), image.affine


def _slice(file: Path, image: nibabel.Nifti1Image) -> np.ndarray:
    array = np.asarray(image.dataobj)
    if array.ndim != 3 or array.shape[2] != 1:
        raise UserError(f"{file}: no single axial slice.", "Prepare volumes with `prepare volumes`.")
    return array[..., 0]


def bend_slice(
    image: np.ndarray, label: np.ndarray, spacing: np.ndarray, people: Sequence[Person], random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Bring a slice's muscles to the shapes of a person between two of ``people``, by a thin-plate spline.

    Where a slice holds `NOT_DRAWN`, psoas and quadratus of the shape are transplanted: with the texture of the erector spinae, some
    within a rim of fat. What was not drawn around them stays so.

    Args:
        image: ``(X, Y)`` in RAS.
        label: muscles 1 to 8 of `lumbar.EIGHT`, 9 what was not drawn.
        spacing: of a pixel in mm.
        people: whose shapes, see `load_people`.
        random: source of the shape.
    """
    origin = _origin(label, spacing)
    distances = _shape(label, people, random)
    target = _label_map(distances)
    targets, sources = _landmarks(target, np.ones(2), _origin(target, np.ones(2))), _landmarks(label, spacing, origin)
    shared = [value for value in targets if value in sources]
    ends = np.vstack([*(targets[value] for value in shared), STILL])
    starts = np.vstack([*(sources[value] for value in shared), STILL])
    spline = RBFInterpolator(ends, starts, kernel="thin_plate_spline", smoothing=SMOOTHING)
    pixels = _pixels(image.shape)
    coarse = pixels[::COARSE, ::COARSE] * spacing - origin
    moved = spline(coarse.reshape(-1, 2)).reshape(coarse.shape)
    fine = pixels.transpose(2, 0, 1) / COARSE
    places = np.stack([_sampled(moved[..., axis], fine) for axis in (0, 1)])
    places = (places + origin[:, None, None]) / spacing[:, None, None]
    bent = _sampled(image.astype(np.float32), places)
    values = np.unique(label)
    label = values[np.argmax([_sampled((label == value).astype(np.float32), places) for value in values], 0)]
    if NOT_DRAWN in values:
        inside = grid_indices(*np.moveaxis(pixels * spacing - origin + _origin(target, np.ones(2), grid=True), -1, 0))
        distances = np.stack([map_coordinates(distance, inside, order=1, cval=FAR) for distance in distances])
        bent, label = _transplant(bent, label, dict(zip(VALUES, distances, strict=True)), random)
    return bent, label.astype(np.uint8)


def _shape(label: np.ndarray, people: Sequence[Person], random: np.random.Generator) -> np.ndarray:
    areas = [(label == value).sum() for value in BACK]
    share = (areas[1] + areas[2]) / max(sum(areas), 1) + random.normal(0, LEVEL)
    anatomy = ShapedAnatomy(random, people)
    anatomy.slice = int(np.abs(anatomy.first.shares - share).argmin())
    distances = anatomy.mixed()
    return distances if anatomy.sign > 0 else distances[[index ^ 1 for index in range(len(VALUES))]][:, ::-1]


def _label_map(distances: np.ndarray) -> np.ndarray:
    return np.where(distances.min(0) < 0, np.array(VALUES)[distances.argmin(0)], 0)


def _origin(label: np.ndarray, spacing: np.ndarray, grid: bool = False) -> np.ndarray:
    """Return where the multifidus ends in front, between both, in mm of the array, or of the grid of shapes."""
    places = [np.argwhere(label == value) for value in MULTIFIDI]
    middle = np.mean([place[:, 0].mean() for place in places])
    origin = np.array([middle, np.concatenate(places)[:, 1].max()]) * spacing
    return origin + [axis[0] for axis in grid_axes()] if grid else origin


def _landmarks(label: np.ndarray, spacing: np.ndarray, origin: np.ndarray) -> dict[int, np.ndarray]:
    """Return for each muscle its middle and points along its outline, from its medial end in front on, in mm from the origin."""
    found = {}
    for value in VALUES:
        mask = gaussian_filter(np.pad(label == value, 1).astype(np.float32), 0.7)
        if (label == value).sum() * spacing.prod() < LEAST:
            continue
        middle = np.argwhere(label == value).mean(0) * spacing - origin
        outline = (max(find_contours(mask, 0.5), key=len) - 1)[:-1] * spacing - origin
        side = 1 if middle[0] > 0 else -1
        outline = np.roll(outline, -np.argmax(outline[:, 1] - side * 0.5 * outline[:, 0]), 0)
        x, y = outline.T
        if side * (x @ np.roll(y, -1) - y @ np.roll(x, -1)) < 0:
            outline = np.roll(outline[::-1], 1, 0)
        outline = np.vstack([outline, outline[:1]])
        along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(outline, axis=0).T))])
        steps = np.linspace(0, along[-1], POINTS, endpoint=False)
        found[value] = np.vstack([np.stack([np.interp(steps, along, axis) for axis in outline.T], 1), middle])
    return found


def _transplant(
    image: np.ndarray, label: np.ndarray, distances: dict[int, np.ndarray], random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    back = np.isin(label, BACK)
    rim = (gaussian_filter(back.astype(np.float32), 4) > 0.02) & (label == NOT_DRAWN)
    fat, muscle = np.median(image[rim]), np.median(image[back])
    fat = np.quantile(image[rim], 0.8 if fat > muscle else 0.2)
    width = random.uniform(0.5, 4.0) * (random.random() < 0.6)
    rim_light, light = muscle + (fat - muscle) * random.uniform(0.2, 0.9), random.uniform(0.8, 1.2)
    result, values = image.copy(), label.copy()
    for value, donor in DONORS.items():
        distance = np.where(back, np.maximum(distances[value], 0.0), distances[value])
        mask = distance < 0
        if mask.sum() < LEAST_PIXELS or (label == donor).sum() < LEAST_PIXELS:
            continue
        free = ~back & ~np.isin(values, list(DONORS))
        weight = np.clip(1 - distance / width, 0, 1) * free if width else 0.0
        result = (1 - weight) * result + weight * rim_light
        weight = np.clip(0.5 - distance / EDGE, 0, 1) * ~back
        result = (1 - weight) * result + weight * light * _texture(image, label == donor, mask)
        values[(distance < width) & free] = 0
        values[mask] = value
    return result, values


def _texture(image: np.ndarray, donor: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the donor's texture, brought to the mask's place, size and direction."""
    start, end = np.argwhere(donor), np.argwhere(mask)
    places = (_pixels(image.shape) - end.mean(0)) @ np.linalg.pinv(_frame(end)) @ _frame(start) * INNER + start.mean(0)
    places = places.transpose(2, 0, 1)
    known = map_coordinates(donor.astype(np.float32), places, order=1)
    return np.where(known > 0.5, _sampled(image, places), np.median(image[donor]))


def _frame(points: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(np.cov(points.T) + np.eye(2))
    return (vectors * np.sqrt(values)).T


def _pixels(shape: Sequence[int]) -> np.ndarray:
    return np.stack(np.meshgrid(*[np.arange(size) for size in shape], indexing="ij"), -1)


def _sampled(array: np.ndarray, places: np.ndarray) -> np.ndarray:
    return map_coordinates(array, places, order=1, mode="nearest")
