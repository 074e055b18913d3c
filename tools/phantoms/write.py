"""Write phantoms as data sets in the layout of the bundles."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from custom_networks.errors import UserError

from ..datasets.jsrt import LABELS as CHEST_LABELS
from ..datasets.vertebra_samples import LABELS
from ..layout.data_list import split_in_order
from ..layout.making import making
from ..layout.nifti import save_pair, save_study
from .bent_slices import write_bent_slices
from .brain import LABELS as BRAIN_LABELS
from .brain import make_brain_phantom
from .chest import CONTRASTS, make_chest_phantom
from .kidneys import LABELS as KIDNEY_LABELS
from .kidneys import make_kidney_phantom
from .lumbar import LABELS as LUMBAR_LABELS
from .lumbar import make_lumbar_phantom
from .muscle_shapes import load_people
from .spinal_cord import make_cord_phantom
from .spine_situations import make_spine_of_kind

CORD_LABELS = {"0": "background", "1": "gray matter", "2": "white matter"}
Maker = Callable[[np.random.Generator, str | None], object]


def write_phantoms(
    make: Maker,
    name: str,
    labels: dict[str, str],
    folder: Path,
    cases: int,
    seed: int,
    overwrite: bool = False,
    on_case: Callable[[], None] = lambda: None,
    kind: str | None = None,
) -> Path:
    """Write ``phantom_NNN_image.nii.gz`` and ``phantom_NNN_label.nii.gz`` and their data list.

    Case N is the same for equal seeds whatever the number of cases.

    Args:
        make: draws a phantom with ``image`` or, for several modalities, ``images``, with ``label`` and ``affine``.
        name: what the data set is.
        labels: label value to name.
        folder: the data set.
        cases: number of cases.
        seed: of all cases.
        overwrite: whether a data set in the folder may be replaced.
        on_case: called after every case.
        kind: what ``make`` draws for each case otherwise: the contrast of cords, the part of spines.
    """
    entries = []
    with making(folder, overwrite) as made:
        for index in range(cases):
            entries.append(write_case(make, made.folder, index, seed, kind))
            on_case()
        made.write_list(f"{name}, seed {seed}", labels, split_in_order(entries))
    return folder / "dataset.json"


def write_case(make: Maker, folder: Path, index: int, seed: int, kind: str | None = None) -> dict[str, str]:
    """Write one phantom and return its entry of the data list."""
    phantom = make(np.random.default_rng([seed, index]), kind)
    name = f"phantom_{index:03d}"
    if hasattr(phantom, "images"):
        return save_study(folder, name, phantom.images, phantom.label, phantom.affine)
    return save_pair(folder, name, phantom.image, phantom.label, phantom.affine)


write_cord_case = partial(write_case, make_cord_phantom)
write_cord_phantoms = partial(write_phantoms, make_cord_phantom, "axial spinal cord phantoms", CORD_LABELS)
write_spine_phantoms = partial(write_phantoms, make_spine_of_kind, "CT phantoms of spines", LABELS)
write_brain_phantoms = partial(write_phantoms, make_brain_phantom, "brain phantoms with white-matter lesions", BRAIN_LABELS)
write_kidney_phantoms = partial(write_phantoms, make_kidney_phantom, "CT phantoms of kidneys", KIDNEY_LABELS)
write_chest_phantoms = partial(write_phantoms, make_chest_phantom, "chest radiograph phantoms", CHEST_LABELS)


def write_lumbar_phantoms(
    folder: Path,
    cases: int,
    seed: int,
    overwrite: bool = False,
    kind: str | None = None,
    shapes: Path | None = None,
    textures: Path | None = None,
    **options: Any,
) -> Path:
    """`write_phantoms` of axial lumbar MRI with the labels of a kind, ``"eight"`` where none is named, as in the shipped weights.

    Args:
        shapes: folder of label maps whose muscles are drawn, see `load_people`; ellipses where it is None.
        textures: data set of slices that are bent to the shapes, see `write_bent_slices`, where no phantoms are drawn.
    """
    if textures is not None:
        if shapes is None or kind not in (None, "eight"):
            raise UserError(
                "--textures: needs --shapes, and is of the eight muscles.", "Name a folder of label maps, and no --kind."
            )
        return write_bent_slices(folder, cases, seed, overwrite, shapes=shapes, textures=textures, **options)
    kind = kind or "eight"
    if kind not in LUMBAR_LABELS:
        raise UserError(f"{kind}: no such kind.", f"Choose one of: {', '.join(LUMBAR_LABELS)}.")
    people = [] if shapes is None else load_people(shapes)
    return write_phantoms(
        partial(make_lumbar_phantom, people=people),
        f"axial lumbar phantoms, {kind}" + (f", shapes of {shapes.resolve().name}" if shapes else ""),
        LUMBAR_LABELS[kind],
        folder,
        cases,
        seed,
        overwrite,
        kind=kind,
        **options,
    )


MUSCLES = "spinal_muscles_mri_segmentation"
WRITERS = {
    "chest_xray_organs_segmentation": write_chest_phantoms,
    "spinal_cord_gray_matter_segmentation": write_cord_phantoms,
    MUSCLES: write_lumbar_phantoms,
    "white_matter_lesions_mri_segmentation": write_brain_phantoms,
    "vertebrae_ct_instance_segmentation": write_spine_phantoms,
}
KINDS = {  # of those that draw what they do not know as none
    "chest_xray_organs_segmentation": CONTRASTS,
    "white_matter_lesions_mri_segmentation": ("healthy",),
    "kidneys": (),
}
WITHOUT_BUNDLE = {"kidneys": write_kidney_phantoms}  # tasks to make a bundle for
