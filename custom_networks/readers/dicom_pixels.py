"""Pixels of DICOM images, as the image says they are, or a reason why not."""

import re

import numpy as np
import pydicom
from pydicom.uid import UID

from ..errors import UserError
from .bounded import check_size
from .dicom_files import DicomImage, quiet_pydicom
from .pydicom_versions import apply_modality_lut

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
NEEDED = ("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated")
NEEDED_OF_WHOLE_NUMBERS = ("BitsStored", "PixelRepresentation")
GRAY = ("MONOCHROME1", "MONOCHROME2")
NO_DECODER = ("missing dependencies", "missing required dependencies", "does not support")  # pydicom's words
DECODERS = "pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pylibjpeg-rle, or decompress the files (gdcmconv --raw)"
EXPORT = "Export the series again."


def check_gray(image: DicomImage) -> None:
    """Raise a UserError for an image that is in colour or lacks a tag that its pixels need."""
    dataset, file = image.dataset, image.file
    for tag in NEEDED:
        if dataset.get(tag) in (None, ""):
            raise UserError(f"{file}: {tag} is missing, so its pixels cannot be read.", EXPORT)
    photometric = str(dataset.PhotometricInterpretation).strip()
    if int(dataset.SamplesPerPixel) != 1 or photometric not in GRAY:
        raise UserError(f"{file}: a colour image ({photometric}).", "Give a grayscale image.")
    if min(int(dataset.Rows), int(dataset.Columns)) < 1 or int(dataset.BitsAllocated) not in (1, 8, 16, 32, 64):
        shape = f"{dataset.Rows} rows, {dataset.Columns} columns, {dataset.BitsAllocated} bits"
        raise UserError(f"{file}: impossible pixels ({shape}).", EXPORT)


def stored_pixels(image: DicomImage) -> tuple[np.ndarray, np.ndarray | None, pydicom.Dataset]:
    """Return the stored values of all frames ``(frames, rows, columns)``, where they are padding, and the dataset.

    Raises:
        UserError: names the file whose pixels are missing, damaged, too many, packed in a way that cannot be unpacked here, or not
            finite.
    """
    file, header = image.file, image.dataset
    shape = (int(header.get("NumberOfFrames") or 1), int(header.Rows), int(header.Columns))
    size = int(np.prod(shape, dtype=np.int64))
    check_size(file, size * max(4, int(header.BitsAllocated) // 8))
    dataset = image.load()
    name = next((name for name in PIXELS if name in dataset), None)
    if name is None:
        raise UserError(f"{file}: no pixels in this DICOM file; it ends early.", EXPORT)
    if name == "PixelData":
        _check_whole_numbers(file, dataset)
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        raise UserError(f"{file}: TransferSyntaxUID is missing, so its pixels cannot be read.", EXPORT)
    if not syntax.is_compressed:
        _check_length(file, dataset[name].value, size * int(dataset.BitsAllocated) // 8)
    try:
        with quiet_pydicom():
            stored = dataset.pixel_array.reshape(shape)
    except Exception as error:  # pydicom and its decoders raise many types
        raise UserError(*_undecodable(file, syntax, error)) from error
    if stored.dtype.kind == "f" and not np.isfinite(stored).all():
        raise UserError(f"{file}: {np.count_nonzero(~np.isfinite(stored))} values are NaN or infinite.", "Replace them.")
    return stored, _padding(dataset, stored), dataset


def rescaled(file: str, dataset: pydicom.Dataset, stored: np.ndarray, item: pydicom.Dataset | None = None) -> np.ndarray:
    """Return stored values with slope and intercept, or the modality's lookup table, applied.

    Args:
        file: for messages.
        dataset: of the image.
        stored: values.
        item: that holds slope and intercept of an enhanced image's frame.
    """
    source = dataset if item is None else item
    for tag in ("RescaleSlope", "RescaleIntercept"):
        value = source.get(tag)
        if tag in source and (value is None or not np.isfinite(float(value)) or (tag == "RescaleSlope" and float(value) == 0)):
            raise UserError(f"{file}: {tag} is {value}.", EXPORT)
    if item is not None:
        return stored.astype(np.float32) * float(item.RescaleSlope) + float(item.RescaleIntercept)
    return apply_modality_lut(stored, dataset)


def _check_whole_numbers(file: str, dataset: pydicom.Dataset) -> None:
    for tag in NEEDED_OF_WHOLE_NUMBERS:
        if dataset.get(tag) in (None, ""):
            raise UserError(f"{file}: {tag} is missing, so its pixels cannot be read.", EXPORT)
    stored, allocated = int(dataset.BitsStored), int(dataset.BitsAllocated)
    highest = dataset.get("HighBit")
    if not 1 <= stored <= allocated or highest not in (None, stored - 1) or dataset.PixelRepresentation not in (0, 1):
        found = f"{allocated} bits allocated, {stored} stored, the highest {highest}, representation {dataset.PixelRepresentation}"
        raise UserError(f"{file}: impossible pixels ({found}).", EXPORT)


def _check_length(file: str, content: bytes | None, expected: int) -> None:
    found = len(content or b"")
    if found < expected:
        raise UserError(f"{file}: truncated, {found} of {expected} bytes of pixels.", EXPORT)
    if any(content[expected:]):
        raise UserError(f"{file}: {found} bytes of pixels, but its rows and columns have {expected}.", EXPORT)


def _undecodable(file: str, syntax: UID, error: Exception) -> tuple[str, str]:
    text = re.sub(r"<[^>]* at 0x[0-9a-f]+>", "its content", " ".join(str(error).split()))
    if isinstance(error, NotImplementedError) or any(words in text for words in NO_DECODER):
        return f"{file}: packed as {syntax.name} ({syntax}), which cannot be unpacked here.", f"Install a decoder: {DECODERS}."
    return f"{file}: its pixels are damaged ({text[:200]}).", EXPORT


def _padding(dataset: pydicom.Dataset, stored: np.ndarray) -> np.ndarray | None:
    """Return where an image has no value but padding, such as the corners around a CT's circle; None where it names none."""
    values = [dataset.get(name) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    if values[0] is None or stored.dtype.kind == "f":
        return None
    limits = [np.array(int(value)).astype(stored.dtype) for value in values if value is not None]
    found = (stored >= min(limits)) & (stored <= max(limits))
    return found if found.any() and not found.all() else None
