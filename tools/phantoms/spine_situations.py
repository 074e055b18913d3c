"""Phantoms of what makes vertebrae hard to find and to number, each with fixed seeds."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from custom_networks.errors import UserError

from .spine import SpinePhantom, make_spine_phantom
from .spine_anatomy import FAMILIES, L5, L6, T12, T13, Person, draw_person

ANY = "situations"  # as a kind of phantoms: one of the situations, drawn for each
SEED = 21000  # of the first phantom; unlike any seed that trained
THICK = 3  # voxels of 2 mm in a thick slice


@dataclass(frozen=True)
class Situation:
    """How a phantom is made, the words of the warning that has to come, if one has, and whether anybody could number it."""

    make: Callable[[np.random.Generator], SpinePhantom]
    warning: str | None = None
    countable: bool = True


def _plain(random: np.random.Generator, **options) -> Person:
    return replace(draw_person(random, plain=True), **options)


def _family(family: str, field: tuple[float, float] | None = None, **options) -> Callable[[np.random.Generator], SpinePhantom]:
    return lambda random: make_spine_phantom(random, family, _plain(random, **options), field=field)


def _cut(phantom: SpinePhantom, first: int, last: int, above: int = 1, below: int = 1) -> SpinePhantom:
    """Cut a phantom to the height of some vertebrae, with so many voxels more above and below."""
    heights = np.argwhere(np.isin(phantom.label, range(first, last + 1)))[:, 2]
    part = slice(max(0, heights.min() - below), heights.max() + 1 + above)
    return replace(phantom, image=phantom.image[..., part], label=phantom.label[..., part])


def _neck(random: np.random.Generator) -> SpinePhantom:
    return _cut(make_spine_phantom(random, "cervical", _plain(random)), 3, 7)


def _from_neck(**options) -> Callable[[np.random.Generator], SpinePhantom]:
    """From C5 to T1 at the top down to the sacrum: all thoracic and lumbar vertebrae can be counted."""

    def make(random: np.random.Generator) -> SpinePhantom:
        phantom = make_spine_phantom(random, "spine", _plain(random, **options), cut=0.0)
        return _cut(phantom, int(random.integers(5, 9)), T13, below=phantom.image.shape[2])

    return make


def _sacrum_cut(random: np.random.Generator) -> SpinePhantom:
    return _cut(make_spine_phantom(random, "thoracolumbar", _plain(random)), 17, 23, below=-4)


def _one_vertebra(random: np.random.Generator) -> SpinePhantom:
    phantom = make_spine_phantom(random, "spine", _plain(random))
    levels = [n for n in np.unique(phantom.label) if 8 <= n < 24]
    level = int(random.choice(levels))
    return _cut(phantom, level, level, above=3, below=3)


def _metal(random: np.random.Generator) -> SpinePhantom:
    first = int(random.integers(20, 23))
    person = _plain(random, screws=(first, first + 1, first + 2), hip_implant=True)
    return make_spine_phantom(random, "abdomen", person, field=(220.0, 160.0))


def _reversed(random: np.random.Generator) -> SpinePhantom:
    phantom = make_spine_phantom(random, "abdomen", _plain(random))
    return replace(
        phantom, image=np.ascontiguousarray(phantom.image[..., ::-1]), label=np.ascontiguousarray(phantom.label[..., ::-1])
    )


def _two_spines(random: np.random.Generator) -> SpinePhantom:
    one, other = (make_spine_phantom(random, "abdomen", _plain(random), field=(170.0, 160.0)) for _ in range(2))
    height = min(one.image.shape[2], other.image.shape[2])
    image, label = (
        np.concatenate([part[..., -height:] for part in parts]) for parts in ((one.image, other.image), (one.label, other.label))
    )
    return replace(one, image=image, label=label)


def _thick_slices(random: np.random.Generator) -> SpinePhantom:
    phantom = make_spine_phantom(random, "abdomen", _plain(random))
    count = phantom.image.shape[2] // THICK * THICK
    image = phantom.image[..., :count].reshape(*phantom.image.shape[:2], -1, THICK).mean(-1).round().astype(np.int16)
    affine = phantom.affine @ np.diag([1.0, 1.0, THICK, 1.0])
    affine[:3, 3] += phantom.affine[:3, 2] * (THICK - 1) / 2
    return replace(phantom, image=image, label=phantom.label[..., THICK // 2 : count : THICK], affine=affine)


def _low_dose(random: np.random.Generator) -> SpinePhantom:
    phantom = make_spine_phantom(random, "abdomen", _plain(random))
    noise = random.normal(0, random.uniform(80, 120), phantom.image.shape)
    return replace(phantom, image=np.clip(phantom.image + noise, -1024, 3071).round().astype(np.int16))


def _off_centre(random: np.random.Generator) -> SpinePhantom:
    """Cut a scan so that the spine lies at its side."""
    phantom = make_spine_phantom(random, "abdomen", _plain(random), field=(240.0, 220.0))
    part = slice(np.argwhere(phantom.label > 0)[:, 0].min() + 2, None)
    return replace(phantom, image=phantom.image[part], label=phantom.label[part])


SITUATIONS: dict[str, Situation] = {
    "whole body": Situation(_family("body")),
    "neck, C3 to C7": Situation(_neck),
    "lumbar spine": Situation(_family("lumbar")),
    "metal": Situation(_metal),
    "L6": Situation(_family("thoracolumbar", extra=L6)),
    "T13, lower spine": Situation(_family("thoracolumbar", extra=T13), "uncertain", countable=False),
    "11 thoracic, lower spine": Situation(_family("thoracolumbar", lacking=T12), "uncertain", countable=False),
    "4 lumbar vertebrae": Situation(_family("thoracolumbar", lacking=L5)),
    "sacrum cut": Situation(_sacrum_cut),
    "reversed header": Situation(_reversed, "orientation"),
    "two spines": Situation(_two_spines, "more than one spine"),
    "fractures": Situation(_family("thoracolumbar", fractured={17: 0.3, 20: 0.5, 22: 0.3})),
    "slices of 6 mm": Situation(_thick_slices),
    "low dose": Situation(_low_dose),
    "off centre": Situation(_off_centre),
    "one vertebra": Situation(_one_vertebra, "uncertain", countable=False),
    "T13": Situation(_from_neck(extra=T13)),
    "11 thoracic vertebrae": Situation(_from_neck(lacking=T12)),
}


def make_situation(name: str, copy: int) -> SpinePhantom:
    """Return one phantom of a situation; equal copies are equal phantoms."""
    return SITUATIONS[name].make(np.random.default_rng([SEED, list(SITUATIONS).index(name), copy]))


def make_spine_of_kind(random: np.random.Generator, kind: str | None = None) -> SpinePhantom:
    """Return a phantom of a part of the spine (`make_spine_phantom`), or of one of the situations where the kind is `ANY`."""
    if kind not in (None, ANY, *FAMILIES):
        raise UserError(f"{kind}: no such kind of spines.", f"Choose one of: {', '.join(FAMILIES)}, {ANY}.")
    if kind != ANY:
        return make_spine_phantom(random, kind)
    return SITUATIONS[list(SITUATIONS)[random.integers(len(SITUATIONS))]].make(random)
