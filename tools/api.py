"""Segment scans from Python: no console, no config, no files left behind."""

import logging
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, overload

import torch

from custom_networks.errors import UserError

from .bundles import Bundle, all_bundles, get_bundle
from .results.in_memory import InMemorySegmenter, Input, Result, is_in_memory, kept_random_states

# MONAI says so whenever it makes a reader of DICOM
warnings.filterwarnings("ignore", message="NvImgCodec")
logging.getLogger("monai.data.nvimgcodec_pydicom_plugin").setLevel(logging.ERROR)

__all__ = ["Input", "Model", "Result", "UserError", "list_bundles", "load", "segment"]


class Model:
    """A bundle whose network stays in memory; made by `load`.

    Attributes:
        bundle: the bundle.
    """

    def __init__(self, segmenter: InMemorySegmenter) -> None:
        self._segmenter = segmenter
        self.bundle: Bundle = segmenter.bundle

    @overload
    def segment(self, scan: Input, *, series: str | int | None = None) -> Result: ...
    @overload
    def segment(self, scan: Iterable[Input], *, series: str | int | None = None) -> list[Result]: ...
    def segment(self, scan, *, series=None):
        """Segment a scan, or several.

        Args:
            scan: path of an image, a DICOM folder, a study's folder, or a nibabel image; or a list of any. A folder of several
                cases belongs into a list.
            series: number or UID of the series to take where a folder or a zip holds several.

        Returns:
            a `Result`; for a list a list of them, in which a case that failed has an ``error``.

        Raises:
            UserError: the file, what is wrong with it, what to do; for a single scan.

        Examples:
            >>> import axial, numpy as np, tempfile
            >>> from PIL import Image
            >>> from sklearn.datasets import load_digits
            >>> three = load_digits().images[3] * 15
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     Image.fromarray(three.astype(np.uint8)).save(f"{folder}/three.png")
            ...     found, missing = axial.load("digits", device="cpu").segment([f"{folder}/three.png", "missing.png"])
            >>> found.probability.idxmax()
            '3'
            >>> print(missing.error)
            missing.png: no such file or folder. ...
        """
        if isinstance(scan, (str, os.PathLike)) or is_in_memory(scan):
            results = self._segmenter.run([scan], series)
            if len(results) != 1:
                raise UserError(f"{scan}: {len(results)} cases.", "Give it in a list, [scan], to get a list of results.")
            if results[0].error is not None:
                raise results[0].error
            return results[0]
        return self._segmenter.run(list(scan) if isinstance(scan, Iterable) and not isinstance(scan, bytes) else [scan], series)


def list_bundles() -> list[Bundle]:
    """Return the shipped bundles in the order of their names."""
    return all_bundles()


def load(
    bundle: str | os.PathLike[str] | Bundle,
    *,
    device: str | torch.device | None = None,
    weights: str | os.PathLike[str] | None = None,
    **settings: float | bool | str,
) -> Model:
    """Load a bundle, to segment several times.

    Args:
        bundle: its name, a unique part of the name, or a folder.
        device: such as ``"cpu"`` or ``"cuda:0"``; None takes a GPU where there is one.
        weights: a state dict to take in place of the bundle's own.
        settings: options of the bundle, such as ``threshold=0.4``, ``precision="float32"`` or ``levels="L1-L5"``.

    Raises:
        UserError: when there is no such bundle, device, option or file.

    Examples:
        >>> import axial
        >>> axial.load("digits", device="cpu").bundle.name
        'handwritten_digits_classification'
        >>> axial.load("liver")
        Traceback (most recent call last):
        ...
        custom_networks.errors.UserError: liver: no such bundle. Choose one of: ...
    """
    found = bundle if isinstance(bundle, Bundle) else get_bundle(os.fspath(bundle))
    with kept_random_states():
        return Model(InMemorySegmenter(found, settings, None if weights is None else Path(weights), device))


@overload
def segment(bundle: str | os.PathLike[str] | Bundle, scan: Input, **options: Any) -> Result: ...
@overload
def segment(bundle: str | os.PathLike[str] | Bundle, scan: Iterable[Input], **options: Any) -> list[Result]: ...
def segment(bundle, scan, *, series=None, **options):
    """Segment a scan, or a list of them, with a bundle; see `load` for the options and `Model.segment` for the rest.

    Examples:
        >>> import axial, nibabel, numpy as np
        >>> from axial.phantoms.spinal_cord import make_cord_phantom
        >>> phantom = make_cord_phantom(np.random.default_rng(0), slices=2, field=(40.0, 40.0))
        >>> scan = nibabel.Nifti1Image(phantom.image, phantom.affine)
        >>> result = axial.segment("spinal_cord", scan, device="cpu")
        >>> result.mask.shape == scan.shape and np.allclose(result.mask.affine, scan.affine, atol=1e-4)
        True
        >>> volume = result.measures.query("measure == 'volume'").iloc[0]
        >>> volume["structure"], volume["unit"]
        ('gray matter', 'mm3')
        >>> bool(((result.probability.get_fdata() >= 0.6) == (result.mask.get_fdata() == 1)).all())
        True
    """
    return load(bundle, **options).segment(scan, series=series)
