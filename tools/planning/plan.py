"""Plan preprocessing, patch, batch and network from a fingerprint, by the rules that nnU-Net published.

Isensee et al.: nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation. Nature Methods 18, 2021.
What differs, for networks that a laptop trains, is said in the plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .grids import choose_dimensions, median_shape, order_axes, plan_spacing
from .intensities import find_modality, plan_intensities
from .patches import COVERED, PatchPlanner
from .reasons import Reason, rounded, times
from .survey import Fingerprint
from .topology import BYTES, Topology
from .turns import plan_mirroring, plan_rotation

COARSER = 1.01  # a step of a low resolution
MANY = 6  # classes, beyond which labels rather than probabilities are brought back to an image's grid
CACHE = 2**32  # bytes of preprocessed images and labels that are kept in memory
AXES = "RAS"
RGB = ("red", "green", "blue")


@dataclass(frozen=True)
class Plan:
    """All that the configs of a new bundle are written from. Axes are those of ``axcodes``; a 2D plan has two of them.

    Attributes:
        dimensions: 2 or 3.
        pictures: whether images are pictures, without a place in space.
        axcodes: orientation that images are brought to; the coarsest axis is the last one.
        spacing: mm, or pixels, that images are resampled to.
        unit: of the spacing.
        patch: voxels of a patch.
        batch: patches of a step.
        topology: kernels and strides.
        filters: of each level.
        window: clipping range, mean and standard deviation of a CT, None for images that are normalised one by one.
        nonzero: whether normalisation leaves zeros out.
        modality: of the images, such as CT; None where it is not known.
        inputs: channels of an image.
        channels: words that tell the files of the channels apart; none where a case has one image.
        channel_names: what the channels show; none where nothing says it.
        names: of the classes 1, 2, ...
        mirror: axes along which patches are mirrored.
        rotation: largest angle in radians around each axis of a volume, one of a plane.
        argmax_first: whether labels, not probabilities, are brought back to the image's grid.
        cached: share of the training's images that is kept in memory.
        reasons: why.
    """

    dimensions: int
    pictures: bool
    axcodes: str
    spacing: list[float]
    unit: str
    patch: list[int]
    batch: int
    topology: Topology
    filters: list[int]
    window: tuple[float, float, float, float] | None
    nonzero: bool
    modality: str | None
    inputs: int
    channels: tuple[str, ...]
    channel_names: tuple[str, ...]
    names: list[str]
    mirror: list[int]
    rotation: list[float]
    argmax_first: bool
    cached: float
    reasons: list[Reason]


def make_plan(
    found: Fingerprint,
    names: Sequence[str],
    *,
    pictures: bool = False,
    channels: Sequence[str] = (),
    channel_names: Sequence[str] = (),
    named: bool = True,
    modality: str | None = None,
    dimensions: int | None = None,
    memory: float = 2.0,
    low_resolution: bool = False,
) -> Plan:
    """Plan a bundle.

    Args:
        found: the fingerprint of the training data.
        names: of the classes 1, 2, ...
        pictures: whether images are pictures.
        channels: words that tell the files of the channels apart; none where a case has one image.
        channel_names: what the channels show, as far as the data say it.
        named: whether the names are the user's, and so tell sides.
        modality: CT, MR, ...; None finds out whether it is CT.
        dimensions: 2 or 3; None chooses.
        memory: GiB that the feature maps of a training's step may take.
        low_resolution: whether images are made coarser until a patch covers a quarter of the median one.

    Raises:
        UserError: where 3D is asked for and images are planes, or the memory is too little for any patch.
    """
    modality, told = find_modality(found, modality, channel_names, pictures)
    reasons = [told]
    if found.coloured:
        reasons.append(Reason("channels", ", ".join(RGB), "Some pictures are in colour; gray ones have three equal channels."))
    order, planes = order_axes(found, pictures)
    dimensions, told = choose_dimensions(planes, pictures, round(float(np.median(found.shapes[:, order[2]]))), dimensions)
    reasons.append(told)
    shapes, spacings = found.shapes[:, order], found.spacings[:, order]
    slices = shapes[:, 2] if dimensions == 2 else np.ones(len(shapes))
    shapes, spacings = shapes[:, :dimensions], spacings[:, :dimensions]
    spacing, told = plan_spacing(shapes, spacings, found.unit)
    reasons.append(told)
    planner = PatchPlanner(memory, len(names), found.channels)
    median = median_shape(shapes, spacings, spacing)
    patch, topology, filters = planner.patch(median, spacing)
    while low_resolution and np.prod(patch) < COVERED * np.prod(median):
        finer = spacing.max() / spacing > 2  # fine axes first, until voxels are alike
        spacing = np.where(finer, spacing * COARSER, spacing) if finer.any() else spacing * COARSER
        median = median_shape(shapes, spacings, spacing)
        patch, topology, filters = planner.patch(median, spacing)
    if low_resolution:
        reasons.append(Reason("low resolution", f"{times(spacing)} {found.unit}", "A patch covers a quarter of an image then."))
    voxels = float((np.prod(shapes * spacings / spacing, axis=1) * slices).sum())
    batch, needed = planner.batch(patch, topology, filters, voxels)
    reasons += planner.reasons(patch, median, topology, filters, batch, needed)
    window, nonzero, told = plan_intensities(found, modality)
    reasons.append(told)
    mirror, told = plan_mirroring(names, named, dimensions, 0 if pictures else order.index(0))
    reasons.append(told)
    rotation, told = plan_rotation(patch, spacing, full_turns=len(mirror) == dimensions)
    reasons.append(told)
    return Plan(
        dimensions=dimensions,
        pictures=pictures,
        axcodes="LPS" if pictures else "".join(AXES[axis] for axis in order),
        spacing=[rounded(value) for value in spacing],
        unit=found.unit,
        patch=patch.tolist(),
        batch=batch,
        topology=topology,
        filters=filters,
        window=window,
        nonzero=nonzero,
        modality=modality,
        inputs=found.channels,
        channels=tuple(channels),
        channel_names=RGB if found.coloured else tuple(channel_names) if len(channel_names) == found.channels else (),
        names=list(names),
        mirror=mirror,
        rotation=rotation,
        argmax_first=len(names) > MANY,
        cached=round(min(1.0, CACHE / (voxels * (found.channels + 1) * BYTES)), 3),
        reasons=reasons,
    )
