"""The data of a case that the page loads when the case is opened."""

import base64
import gzip
import json
from collections.abc import Iterable, Mapping

import nibabel
import numpy as np

from custom_networks.results.palette import COLOURS

from .view import View, coarsen

HEADER = 352  # bytes before the voxels
CALL, END = "axialCase(", ");\n"  # around the name and the data, so that a page without a server may load them


def case_data(view: View | None, rows: Iterable[Mapping], classes: Mapping[str, str], hounsfield: bool) -> dict:
    """Return the data of a case.

    Args:
        view: image and labels; None where there is nothing to see.
        rows: of the case in ``measures.csv`` that the page itself does not hold.
        classes: label value to name.
        hounsfield: whether intensities are Hounsfield units.
    """
    kept = [[row[name] for name in ("structure", "measure", "slice", "value", "unit")] for row in rows]
    return {"rows": kept} | ({} if view is None else {"view": _view(view, classes, hounsfield)})


def as_script(name: str, data: Mapping) -> bytes:
    """Return the file of a case: a call with its name and data."""
    return f"{CALL}{embed(name)},{embed(data)}{END}".encode()


def data_of(script: bytes, name: str) -> bytes:
    """Return the JSON in what `as_script` returned."""
    return script.removeprefix(f"{CALL}{embed(name)},".encode()).removesuffix(END.encode())


def embed(content: object) -> str:
    """Return JSON that ends neither a script nor a comment of HTML."""
    text = json.dumps(content, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("--", "-\\u002d")


def _view(view: View, classes: Mapping[str, str], hounsfield: bool) -> dict:
    shown, factors = coarsen(view)
    values = [] if view.mask is None else np.unique(view.mask[view.mask > 0]).tolist()
    to_voxels = np.linalg.inv(shown.affine)
    low, high = view.window or usual_window(shown)
    return {
        "image": _image(shown.image, shown.affine),
        "mask": None if shown.mask is None else _labels(shown.mask, shown.affine),
        "labels": [[value, classes.get(str(value), str(value)), f"#{COLOURS[(value - 1) % len(COLOURS)]}"] for value in values],
        "plane": view.plane,
        "flat": view.flat,
        "oriented": view.oriented,
        "numbering": view.numbering,
        "factors": factors,
        "shape": view.image.shape,
        "window": [float(low), float(high)],
        "hounsfield": hounsfield,
        "places": {name: nibabel.affines.apply_affine(to_voxels, mm).round(1).tolist() for name, mm in view.places.items()},
    }


def usual_window(view: View) -> tuple[float, float]:
    """Return the 1st and the 99.5th percentile of the slices that show a label, of all where none does."""
    image = view.image
    if view.mask is not None and view.mask.any():
        image = image[..., view.mask.any(axis=(0, 1))]
    low, high = np.percentile(image, (1, 99.5))
    return float(low), float(max(high, low + 1e-6))


def _image(image: np.ndarray, affine: np.ndarray) -> str:
    """Return an image in 16 bits: its own values where they are whole numbers that fit, else scaled ones."""
    limits = np.iinfo(np.int16)
    low, high = float(image.min()), float(image.max())
    whole = np.issubdtype(image.dtype, np.integer) or not np.any(image % 1)
    if whole and limits.min <= low and high <= limits.max:
        return _nifti(image.astype(np.int16), affine)
    slope = max(high - low, 1e-30) / (limits.max - limits.min)
    scaled = (np.asarray(image, np.float64) - low) / slope + limits.min
    return _nifti(scaled.round().astype(np.int16), affine, slope, low - limits.min * slope)


def _labels(mask: np.ndarray, affine: np.ndarray) -> str:
    return _nifti(mask.astype(np.uint8 if mask.max(initial=0) < 256 else np.uint16), affine)


def _nifti(array: np.ndarray, affine: np.ndarray, slope: float = 1.0, intercept: float = 0.0) -> str:
    """Return a gzipped NIfTI file in base64; nibabel would choose a scale of its own."""
    header = nibabel.Nifti1Header(endianness="<")
    header.set_data_dtype(array.dtype)
    header.set_data_shape(array.shape)
    header.set_zooms(nibabel.affines.voxel_sizes(affine))
    header.set_sform(affine, code=1)
    header["scl_slope"], header["scl_inter"], header["vox_offset"] = slope, intercept, HEADER
    content = header.binaryblock.ljust(HEADER, b"\0") + array.tobytes("F")
    return base64.b64encode(gzip.compress(content, 6, mtime=0)).decode()
