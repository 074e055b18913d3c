"""Look at images and labels: what nnU-Net calls the fingerprint of a data set."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import EnsureChannelFirstd
from nibabel.orientations import io_orientation

from custom_networks.errors import UserError
from custom_networks.transforms.checking.check_volume import CheckVolumed
from custom_networks.transforms.loading.load_modalities import LoadModalitiesd
from custom_networks.transforms.loading.load_radiograph import LoadRadiographd
from custom_networks.transforms.loading.load_volume import LoadVolumed

from ..datasets.slices import read_label_picture
from .sources import LabelledCase, Source, is_picture

MOST_SAMPLES = 10_000  # intensities of a case's classes that are kept
SMALLEST = 8  # pixels, below which an image has nothing to learn from
MOST_LABEL = 255
GRID_TOLERANCE = 1e-2  # mm
SHOWN = 5


@dataclass(frozen=True)
class CaseFacts:
    """What a case is like; axes are those of the patient, right, front and up, or of the picture, columns, rows and 1.

    Attributes:
        name: of the case.
        shape: voxels along the three axes.
        spacing: mm, or pixels, along the three axes.
        nonzero: share of the box around all values other than 0 in the image.
        counts: label value to voxels.
        samples: intensities inside the classes, ``(channels, samples)``.
        lowest: smallest value of each channel.
        highest: largest value of each channel.
    """

    name: str
    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    nonzero: float
    counts: dict[int, int]
    samples: np.ndarray
    lowest: tuple[float, ...]
    highest: tuple[float, ...]


@dataclass(frozen=True)
class Fingerprint:
    """What a data set is like."""

    cases: list[CaseFacts]
    unit: str

    @property
    def shapes(self) -> np.ndarray:
        return np.array([case.shape for case in self.cases])

    @property
    def spacings(self) -> np.ndarray:
        return np.array([case.spacing for case in self.cases])

    @property
    def channels(self) -> int:
        return len(self.cases[0].lowest)

    @property
    def counts(self) -> Counter:
        """Label value to voxels of all cases."""
        return sum((Counter(case.counts) for case in self.cases), Counter())


def load_image(case: LabelledCase, source: Source) -> MetaTensor:
    """Return a case's image ``(C, X, Y[, Z])``, read and judged as the new bundle will."""
    images = [str(image) for image in case.images]
    if source.channels:
        loaded = LoadModalitiesd("image", source.channels)({"image": images})
    else:
        load = LoadRadiographd if source.pictures else LoadVolumed
        loaded = EnsureChannelFirstd("image", channel_dim="no_channel")(load("image")({"image": images[0]}))
    return CheckVolumed("image", len(images))(loaded)["image"]


def survey(source: Source, on_case: Callable[[], None] = lambda: None) -> Fingerprint:
    """Read every image and label of a source once.

    Raises:
        UserError: for an image that cannot be read or segmented, a label map on another grid or with values that are no labels,
            images too small to learn from, and a source without a labelled voxel or without background.
    """
    cases, unit = [], "mm"
    for case in source.cases:
        facts, unit = _look(case, source)
        cases.append(facts)
        on_case()
    found = Fingerprint(cases, unit)
    if set(found.counts) <= {0}:
        raise UserError(f"{source.folder}: no label map has a label, all are background.", "Draw the structure to be learned.")
    if 0 not in found.counts:
        raise UserError(f"{source.folder}: no voxel is background (label 0).", "Label 0 is what belongs to no class.")
    return found


def read_label(case: LabelledCase, source: Source, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a label map ``(X, Y[, Z])`` and its affine; a picture, which may have a palette, lies on its image: ``affine``."""
    if is_picture(case.label):
        return read_label_picture(case.label, MOST_LABEL), affine
    load = LoadRadiographd("label", quiet=True) if source.pictures else LoadVolumed("label", quiet=True)
    label = load({"label": str(case.label)})["label"]
    return torch.as_tensor(label).numpy(), np.asarray(label.affine, float)


def _look(case: LabelledCase, source: Source) -> tuple[CaseFacts, str]:
    image = load_image(case, source)
    values = torch.as_tensor(image).numpy()
    labels = _checked_label(case, image, source)
    shape = (*values.shape[1:], 1)[:3]
    if sorted(shape)[-2] < SMALLEST:
        sizes = "x".join(map(str, shape))
        raise UserError(f"{case.images[0]}: too small ({sizes}).", f"Give images of at least {SMALLEST}x{SMALLEST} pixels.")
    affine = np.asarray(image.affine, dtype=float)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    order = np.arange(3) if source.pictures else io_orientation(affine)[:, 0].astype(int)
    world_shape, world_spacing = np.empty(3, int), np.empty(3)
    world_shape[order], world_spacing[order] = shape, spacing
    inside = np.flatnonzero(labels)
    chosen = np.random.default_rng(0).choice(inside, min(MOST_SAMPLES, len(inside)), replace=False)
    flat = values.reshape(len(values), -1)
    counts = np.bincount(labels.ravel(), minlength=1)
    facts = CaseFacts(
        name=case.name,
        shape=tuple(int(size) for size in world_shape),
        spacing=tuple(float(size) for size in world_spacing),
        nonzero=_box_share(values),
        counts={value: int(counts[value]) for value in np.flatnonzero(counts).tolist()},
        samples=flat[:, np.sort(chosen)],
        lowest=tuple(map(float, flat.min(1))),
        highest=tuple(map(float, flat.max(1))),
    )
    return facts, str(image.meta.get("spatial_unit", "mm"))


def _checked_label(case: LabelledCase, image: torch.Tensor, source: Source) -> np.ndarray:
    affine = np.asarray(image.affine, float)
    values, lies = read_label(case, source, affine)
    if values.shape != tuple(image.shape[1:]):
        sizes, wanted = ("x".join(map(str, size)) for size in (values.shape, image.shape[1:]))
        raise UserError(f"{case.label}: {sizes} voxels, but {case.images[0].name} has {wanted}.", "Draw it on the image's grid.")
    difference = np.abs(lies - affine).max()
    if not difference <= GRID_TOLERANCE:
        raise UserError(
            f"{case.label}: lies elsewhere than {case.images[0].name} (affines differ by {difference:.3g} mm).",
            "Resample it to the image's grid.",
        )
    with np.errstate(invalid="ignore"):
        codes = values.astype(np.uint8)
    wrong = np.unique(values[codes != values])
    if len(wrong):
        listed = ", ".join(f"{value:g}" for value in wrong[:SHOWN]) + (", ..." if len(wrong) > SHOWN else "")
        raise UserError(f"{case.label}: values {listed} are no labels.", f"Give whole numbers from 0 to {MOST_LABEL}.")
    return codes


def _box_share(values: np.ndarray) -> float:
    """Return the share of an image that the box around its values other than 0 takes."""
    nonzero = (values != 0).any(0)
    sides = [np.flatnonzero(nonzero.any(tuple(i for i in range(nonzero.ndim) if i != axis))) for axis in range(nonzero.ndim)]
    return float(np.prod([(side[-1] - side[0] + 1) / size for side, size in zip(sides, nonzero.shape, strict=True)]))
