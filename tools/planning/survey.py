"""Look at images and labels: what nnU-Net calls the fingerprint of a data set."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import EnsureChannelFirstd
from nibabel.orientations import io_orientation

from custom_networks.errors import UserError
from custom_networks.readers.modality import KINDRED
from custom_networks.readers.picture import COLOURS
from custom_networks.transforms.checking.check_volume import CheckVolumed
from custom_networks.transforms.loading.load_modalities import LoadModalitiesd
from custom_networks.transforms.loading.load_radiograph import LoadRadiographd
from custom_networks.transforms.loading.load_volume import LoadVolumed

from .entries import LabelledCase
from .labels import read_label
from .sources import Source

MOST_SAMPLES = 10_000  # intensities of a case's classes that are kept
SMALLEST = 8  # pixels, below which an image has nothing to learn from


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
        modality: what DICOM files say, None of other files.
        exact: whether the label map's file lies on the image's own grid.
        names: label value to name, as far as the label's file tells.
    """

    name: str
    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    nonzero: float
    counts: dict[int, int]
    samples: np.ndarray
    lowest: tuple[float, ...]
    highest: tuple[float, ...]
    modality: str | None = None
    exact: bool = True
    names: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fingerprint:
    """What a data set is like; ``coloured`` where channels are the red, green and blue of pictures."""

    cases: list[CaseFacts]
    unit: str
    coloured: bool = False

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

    @property
    def modalities(self) -> set[str]:
        """What DICOM files say; kinds of radiographs are one."""
        said = {case.modality.upper() for case in self.cases if case.modality}
        return {next((kind for kind, kin in KINDRED.items() if modality in kin), modality) for modality in said}

    @property
    def names(self) -> dict[int, str]:
        """Label value to name, as far as the labels' files tell.

        Raises:
            UserError: where two files give a value two names.
        """
        found: dict[int, str] = {}
        for case in self.cases:
            for value, name in case.names.items():
                if found.setdefault(value, name) != name:
                    raise UserError(
                        f"{case.name}: label {value} is {name!r}, that of other cases {found[value]!r}.",
                        "Give a class the same number in every segmentation.",
                    )
        return dict(sorted(found.items()))


def load_image(case: LabelledCase, source: Source, coloured: bool | None = None) -> MetaTensor:
    """Return a case's image ``(C, X, Y[, Z])``, read and judged as the new bundle will; three channels where it is ``coloured``.

    None gives a picture the channels that it has.
    """
    images = [str(image) for image in case.images]
    if source.channels:
        loaded = LoadModalitiesd("image", source.channels)({"image": images})
        return CheckVolumed("image", len(images))(loaded)["image"]
    if source.pictures:
        load = LoadRadiographd("image", channels=None if coloured is None else COLOURS if coloured else 1)
    else:
        load = LoadVolumed("image")
    loaded = load({"image": images[0]})
    channels = COLOURS if source.pictures and loaded["image"].meta["original_channel_dim"] == -1 else 1
    loaded = EnsureChannelFirstd("image", channel_dim="no_channel" if channels == 1 else -1)(loaded)
    return CheckVolumed("image", channels)(loaded)["image"]


def survey(source: Source, on_case: Callable[[], None] = lambda: None) -> Fingerprint:
    """Read every image and label of a source once.

    Raises:
        UserError: for an image that cannot be read or segmented, a label map on another grid or with values that are not labels,
            images too small to learn from, and a source without a labelled voxel or without background.
    """
    cases, unit = [], "mm"
    for case in source.cases:
        facts, unit = _look(case, source)
        cases.append(facts)
        on_case()
    coloured = source.pictures and any(len(case.lowest) > 1 for case in cases)
    if coloured:  # gray ones among them have three equal channels
        pairs = zip(cases, source.cases, strict=True)
        cases = [facts if len(facts.lowest) > 1 else _look(case, source, True)[0] for facts, case in pairs]
    found = Fingerprint(cases, unit, coloured)
    if set(found.counts) <= {0}:
        raise UserError(f"{source.folder}: no label map has a label, all are background.", "Draw the structure to be learned.")
    if 0 not in found.counts:
        raise UserError(f"{source.folder}: no voxel is background (label 0).", "Label 0 is what belongs to no class.")
    return found


def _look(case: LabelledCase, source: Source, coloured: bool | None = None) -> tuple[CaseFacts, str]:
    image = load_image(case, source, coloured)
    values = torch.as_tensor(image).numpy()
    label = read_label(case, image, source)
    labels = label.values
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
        modality=image.meta.get("modality"),
        exact=label.exact,
        names=dict(label.names),
    )
    return facts, str(image.meta.get("spatial_unit", "mm"))


def _box_share(values: np.ndarray) -> float:
    """Return the share of an image that the box around its values other than 0 takes."""
    nonzero = (values != 0).any(0)
    sides = [np.flatnonzero(nonzero.any(tuple(i for i in range(nonzero.ndim) if i != axis))) for axis in range(nonzero.ndim)]
    return float(np.prod([(side[-1] - side[0] + 1) / size for side, size in zip(sides, nonzero.shape, strict=True)]))
