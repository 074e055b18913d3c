"""A table of odd files: each comes out right, its block where the plain file has it in mm, or is refused in words."""

import gzip
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import odd_files
import pydicom
import pytest
from conftest import CHEST, GRAY_MATTER, LESIONS, MUSCLES, REAL_DATA, VERTEBRAE, save_nifti
from monai.data import MetaTensor
from odd_files import (
    AFFINE,
    PACKINGS,
    PICTURE,
    PLACE,
    RAW,
    SIZE,
    VOLUME,
    Maker,
    cut,
    folder_named,
    meta_image,
    nifti,
    nrrd_file,
    packed,
    picture,
    pixdim,
    radiograph,
    series,
    without_codes,
    written,
    zipped,
)  # fmt: skip
from PIL import Image, ImageOps

from custom_networks import LoadVolumed, SaveLabelMapd, UserError
from tools.bundles import Bundle

ANALYZE = tuple(np.diag([-0.8, 0.5, 3.0]) @ (np.array([3.5, 9, 2.5]) - (np.array(VOLUME.shape) - 1) / 2))  # a file without codes
PIXELS = 8 * 3 + 3 * 2  # of the picture's two marks
CENTRE = tuple(np.argwhere(PICTURE.T > 99).mean(0) * -1)  # of both, columns to the left and rows down
SCALED = np.diag([1.1, 1.1, 1.1, 1]) @ AFFINE


@dataclass(frozen=True)
class Odd:
    """A row: what is odd, who makes it, and the words of a refusal, or where the block lies and how large it is."""

    name: str
    make: Maker
    words: str = ""
    place: tuple | None = PLACE
    size: float = SIZE
    warns: str = ""


def refused(name: str, make: Maker, words: str) -> Odd:
    return Odd(name, make, words)


def right(name: str, make: Maker, warns: str = "", place=PLACE, size: float = SIZE) -> Odd:
    return Odd(name, make, "", place, size, warns)


def row(**values) -> dict:
    """Fields of an sform."""
    return {"sform_code": 1} | {f"srow_{axis}": AFFINE[index] for index, axis in enumerate("xyz")} | values


NIFTI = [
    right("plain", nifti()),
    right("sform beside a wrong pixdim", nifti(pixdim=pixdim(1, 8, 5, 30)), "the sform is taken"),
    right("sform beside a negative pixdim", nifti(pixdim=pixdim(1, -0.8, 0.5, 3)), "the sform is taken"),
    right("sform beside a pixdim of zeros", nifti(pixdim=pixdim(1, 0, 0, 0)), "the sform is taken"),
    right("sform and qform elsewhere", nifti(qform_code=1, qoffset_x=500), "sform and qform lie elsewhere"),
    right("sform of zeros, sound qform", nifti(qform_code=1, srow_x=0, srow_y=0, srow_z=0), "the qform is taken"),
    right("qform alone", nifti(qform_code=1, sform_code=0)),
    right("qform alone, qfac of 0", nifti(qform_code=1, sform_code=0, pixdim=pixdim(0, 0.8, 0.5, 3))),
    right("sform 0.9 % off pixdim", nifti(pixdim=pixdim(1, 0.806, 0.5, 3))),
    right("no codes", nifti(**without_codes()), "orientation and sides are not known", ANALYZE),
    right("no codes, unknown units", nifti(xyzt_units=0, **without_codes()), "orientation and sides", ANALYZE),
    right("codes out of range", nifti(sform_code=77, qform_code=-3), "orientation and sides", ANALYZE),
    right("micrometres", nifti(affine=np.diag([1e3, 1e3, 1e3, 1]) @ AFFINE, xyzt_units=3), "micrometres, converted"),
    right("metres", nifti(affine=np.diag([1e-3, 1e-3, 1e-3, 1]) @ AFFINE, xyzt_units=1), "metres, converted"),
    right("unknown units", nifti(xyzt_units=0)),
    right("big-endian", nifti(lambda raw: nibabel.Nifti1Image.from_bytes(bytes(raw)).header.as_byteswapped(">").binaryblock
        + bytes(4) + VOLUME.astype(">i2").tobytes("F"))),
    right("NIfTI-2", nifti(v2=True)),
    right("gzip named .nii", nifti(packed)),
    right("plain named .nii.gz", nifti(name="a.nii.gz")),
    right("capital suffix", nifti(packed, name="A.NII.GZ")),
    right("gzip of two members", nifti(lambda raw: gzip.compress(bytes(raw[:700])) + gzip.compress(bytes(raw[700:])), "a.nii.gz")),
    right("gzip and garbage", nifti(lambda raw: packed(raw) + b"garbage" * 9, "a.nii.gz"), "bytes follow"),
    right("bytes after the voxels", nifti(lambda raw: bytes(raw) + b"\1" * 999)),
    right("extension of garbage", nifti(lambda raw: bytes(raw[:348]) + b"\1\0\0\0" + b"\xff" * 64 + bytes(raw[352:]),
        vox_offset=416)),
    right("offset of 0", nifti(vox_offset=0)),
    right("slope of 0", nifti(scl_slope=0, scl_inter=77)),
    right("slope of NaN", nifti(scl_slope=np.nan)),
    right("slope and intercept", nifti(scl_slope=2, scl_inter=-7)),
    right("uint64", nifti(array=VOLUME.clip(0).astype(np.uint64))),
    right("4D of one volume", nifti(array=VOLUME[..., None])),
    right("5D of one volume", nifti(array=VOLUME[..., None, None])),
    right("sheared sform", nifti(affine=AFFINE + np.eye(4, k=1) * [0, 0.1, 0, 0]), place=None),
    right("template larger than the scan", nifti(affine=SCALED, pixdim=pixdim(1, 0.8, 0.5, 3)), "the sform is taken",
        tuple(1.1 * np.array(PLACE)), SIZE * 1.1**3),
    refused("qform of NaN", nifti(qform_code=1, sform_code=0, quatern_b=np.nan), "no place in space"),
    refused("qform that is no rotation", nifti(qform_code=1, sform_code=0, quatern_b=3), "no place in space"),
    refused("qform without spacing", nifti(qform_code=1, sform_code=0, pixdim=pixdim(1, 0, 0.5, 3)), "no place in space"),
    refused("qform of negative spacing", nifti(qform_code=1, sform_code=0, pixdim=pixdim(1, -1, 0.5, 3)), "no place in space"),
    refused("sform of zeros", nifti(srow_x=0, srow_y=0, srow_z=0), "affine is singular"),
    refused("sform of NaN", nifti(srow_y=np.nan), "singular or not finite"),
    refused("sform of Inf", nifti(srow_z=np.inf), "singular or not finite"),
    refused("sform of two equal axes", nifti(**row(srow_y=AFFINE[0])), "affine is singular"),
    refused("no codes, no spacing", nifti(pixdim=pixdim(1, 0, 0, 0), **without_codes()), "no spacing"),
    refused("no codes, NaN spacing", nifti(pixdim=pixdim(1, np.nan, 1, 1), **without_codes()), "no spacing"),
    refused("no codes, negative spacing", nifti(pixdim=pixdim(1, -1, 1, 1), **without_codes()), "no spacing"),
    refused("unknown unit code", nifti(xyzt_units=5), "unknown code 5"),
    refused("micrometres that are mm", nifti(xyzt_units=3), "implausible spacing"),
    refused("metres that are mm", nifti(xyzt_units=1), "implausible spacing"),
    refused("complex", nifti(array=VOLUME.astype(np.complex64)), "complex voxels"),
    refused("RGB", nifti(array=np.zeros((5, 6, 7), [("R", "u1"), ("G", "u1"), ("B", "u1")])), "in colour"),
    refused("RGBA", nifti(datatype=2304), "in colour"),
    refused("float128", nifti(datatype=1536, bitpix=128), "1536"),
    refused("unknown type", nifti(datatype=77), "unknown type 77"),
    refused("bits", nifti(datatype=1), "not read"),
    refused("NaN voxels", nifti(array=np.where(VOLUME == 900, np.nan, VOLUME).astype(np.float32)), "12 values are NaN"),
    refused("Inf voxels", nifti(array=np.where(VOLUME == 900, np.inf, VOLUME)), "12 values are NaN or infinite"),
    refused("float64 beyond float32", nifti(array=VOLUME * 1e40), "NaN or infinite"),
    refused("slope of Inf", nifti(scl_slope=np.inf), "cannot be scaled"),
    refused("intercept of NaN", nifti(scl_slope=2, scl_inter=np.nan), "cannot be scaled"),
    refused("4D of many", nifti(array=np.stack([VOLUME] * 3, -1)), "shape 12x14x6x3|an image of 4 axes"),
    refused("5D vectors", nifti(array=np.stack([VOLUME] * 3, -1)[..., None, :]), "shape 12x14x6x1x3|axes"),
    refused("1D", nifti(array=np.arange(9, dtype=np.int16)), "1 axis"),
    refused("one column", nifti(array=VOLUME[:1]), "too small"),
    refused("huge sizes over a tiny file", nifti(dim=[3, 32767, 32767, 32767, 1, 1, 1, 1]), "GiB of voxels"),
    refused("large sizes over a tiny file", nifti(dim=[3, 999, 999, 99, 1, 1, 1, 1]), "ends early"),
    refused("large sizes over a tiny gzip", nifti(packed, "a.nii.gz", dim=[3, 999, 999, 99, 1, 1, 1, 1]), "ends early"),
    refused("negative size", nifti(dim=[3, -12, 14, 6, 1, 1, 1, 1]), "impossible sizes"),
    refused("size of 0", nifti(dim=[3, 12, 0, 6, 1, 1, 1, 1]), "impossible sizes"),
    refused("no axes", nifti(dim=[0, 12, 14, 6, 1, 1, 1, 1]), "impossible sizes"),
    refused("99 axes", nifti(dim=[99, 12, 14, 6, 1, 1, 1, 1]), "impossible sizes"),
    refused("voxels in the header", nifti(vox_offset=100), "cannot begin at byte"),
    refused("voxels at NaN", nifti(vox_offset=np.nan), "cannot begin at byte"),
    refused("voxels far behind", nifti(vox_offset=1e8), "ends early"),
    refused("truncated", nifti(lambda raw: bytes(raw[:900])), "ends early"),
    refused("truncated gzip", nifti(lambda raw: packed(raw)[:-40], "a.nii.gz"), "is damaged|ends early"),
    refused("gzip of a wrong checksum", nifti(lambda raw: packed(raw)[:-8] + b"12345678", "a.nii.gz"), "is damaged"),
    refused("gzip of a truncated file", nifti(lambda raw: packed(raw[:900]), "a.nii.gz"), "ends early"),
    refused("header alone", nifti(lambda raw: bytes(raw[:348])), "ends early"),
    refused("half a header", nifti(lambda raw: bytes(raw[:200])), "cannot be read as an image"),
    refused("Analyze", nifti(magic=b""), "Analyze"),
    refused("header of a pair", nifti(magic=b"ni1"), "header of a pair"),
    refused("zeros", written("a.nii.gz", bytes(4000)), "cannot be read as an image"),
    refused("gzip of zeros", written("a.nii.gz", gzip.compress(bytes(4000))), "cannot be read as an image"),
    refused("empty", written("a.nii.gz", b""), "the file is empty"),
    refused("text", written("a.nii", b"not an image" * 99), "cannot be read as an image"),
    refused("a folder named .nii.gz", folder_named("a.nii.gz"), "no DICOM images"),
    refused("a PNG named .nii.gz", lambda folder: picture()(folder).rename(folder / "a.nii.gz"), "holds picture data"),
    refused("another suffix", nifti(name="a.img"), "not a kind of image"),
]  # fmt: skip
ORIGINS = {"space": None, "space directions": None, "space origin": None}
LPS = np.diag([-1.0, -1, 1])
LISTED = {"space directions": np.vstack([[np.nan] * 3, AFFINE[:3, :3].T])}  # the first axis is not in space
NRRD = [
    right("RAS", nrrd_file()),
    right("LPS", nrrd_file(**{"space": "left-posterior-superior", "space directions": (LPS @ AFFINE[:3, :3]).T,
        "space origin": LPS @ AFFINE[:3, 3]})),
    right("LAS", nrrd_file(**{"space": "LAS", "space directions": ([-1, 1, 1] * AFFINE[:3, :3].T),
        "space origin": [-10, -20, 30]})),
    right("flipped", nrrd_file(array=VOLUME[::-1], **{"space directions": [[0.8, 0, 0], [0, -0.5, 0], [0, 0, 3]],
        "space origin": [10 - 0.8 * 11, -20, 30]})),
    right("no space", nrrd_file(**ORIGINS, spacings=[0.8, 0.5, 3]), "which side is left", (-2.8, -4.5, 7.5)),
    right("micrometres", nrrd_file(**{"space directions": AFFINE[:3, :3].T * 1e3, "space origin": AFFINE[:3, 3] * 1e3,
        "space units": ["um"] * 3}), "converted to mm"),
    right("a list of one volume", nrrd_file(array=VOLUME[None], **LISTED)),
    right("detached", nrrd_file("a.nhdr")),
    right("bzip2", nrrd_file(encoding="bzip2")),
    right("text", nrrd_file(encoding="ascii")),
    refused("no spacing", nrrd_file(**ORIGINS), "no spacing"),
    refused("directions of NaN", nrrd_file(edit=lambda raw: raw.replace(b"(-0.80000000000000004,0,0)", b"(nan,0,0)")),
        "finite|not two or three"),
    refused("directions of zeros", nrrd_file(**{"space directions": np.zeros((3, 3))}), "singular"),
    refused("unknown unit", nrrd_file(**{"space units": ["parsec"] * 3}), "unknown unit"),
    refused("voxels in another folder", nrrd_file(encoding="raw", edit=lambda raw: raw[: raw.index(b"\n\n")]
        + b"\ndata file: ../../etc/hostname\n\n"), "another folder"),
    refused("voxels at an absolute path", nrrd_file(encoding="raw", edit=lambda raw: raw[: raw.index(b"\n\n")]
        + b"\ndata file: /etc/hostname\n\n"), "another folder"),
    refused("voxels in many files", nrrd_file(encoding="raw", edit=lambda raw: raw[: raw.index(b"\n\n")]
        + b"\ndata file: LIST\na.raw\n\n"), "NRRD header is damaged|several files"),
    refused("truncated", nrrd_file(edit=lambda raw: raw[:-60]), "cannot be read as an image"),
    refused("huge sizes", nrrd_file(edit=lambda raw: raw.replace(b"sizes: 12 14 6", b"sizes: 9999 9999 9999")), "GiB of voxels"),
    refused("large sizes over a tiny gzip", nrrd_file(edit=lambda raw: raw.replace(b"sizes: 12 14 6", b"sizes: 999 999 99")),
        "ends early"),
    refused("colours", nrrd_file(array=np.stack([VOLUME] * 3), **LISTED), "4 axes|shape"),
]  # fmt: skip
META = [
    right("plain", meta_image()),
    right("zlib", meta_image(data=PACKINGS["zlib"], CompressedData=True, CompressedDataSize=len(PACKINGS["zlib"]))),
    right("big-endian", meta_image(data=VOLUME.astype(">i2").tobytes("F"), BinaryDataByteOrderMSB=True)),
    right("detached", meta_image("a.mhd", write=("a.raw", RAW), ElementDataFile="a.raw")),
    right("text", meta_image(data=" ".join(map(str, VOLUME.ravel("F"))).encode(), BinaryData=False)),
    right("centimetres", meta_image(ElementSpacing="0.08 0.05 0.3", Offset="-1 2 3", DistanceUnits="cm"), "converted to mm"),
    right("flipped", meta_image(data=VOLUME[:, ::-1].tobytes("F"), TransformMatrix="1 0 0 0 -1 0 0 0 1", Offset="-10 26.5 30")),
    right("axes swapped", meta_image(data=VOLUME.transpose(2, 0, 1).tobytes("F"), DimSize="6 12 14", ElementSpacing="3 0.8 0.5",
        TransformMatrix="0 0 1 1 0 0 0 1 0")),
    refused("no spacing", meta_image(ElementSpacing=None), "no spacing"),
    refused("spacing of 0", meta_image(ElementSpacing="0 0.5 3"), "are not those of 3 axes"),
    refused("matrix of zeros", meta_image(TransformMatrix="0 0 0 0 0 0 0 0 0"), "another length than 1"),
    refused("matrix of two equal axes", meta_image(TransformMatrix="1 0 0 1 0 0 0 0 1"), "singular"),
    refused("matrix of NaN", meta_image(TransformMatrix="nan 0 0 0 1 0 0 0 1"), "another length|not finite"),
    refused("list of files", meta_image("a.mhd", ElementDataFile="LIST"), "several files"),
    refused("pattern of files", meta_image("a.mhd", ElementDataFile="s%03d.raw 1 6 1"), "several files"),
    refused("voxels in a sister folder", meta_image("a.mhd", write=("b/a.raw", RAW), ElementDataFile="b/a.raw"), "another folder"),
    refused("voxels above", meta_image("a.mhd", ElementDataFile="../a.raw"), "another folder"),
    refused("voxels at an absolute path", meta_image("a.mhd", ElementDataFile="/etc/hostname"), "another folder"),
    refused("voxels missing", meta_image("a.mhd", ElementDataFile="a.raw"), "is missing"),
    refused("voxels too few", meta_image("a.mhd", write=("a.raw", RAW[:99]), ElementDataFile="a.raw"), "ends early"),
    refused("zlib cut", meta_image(data=PACKINGS["zlib"][:-30], CompressedData=True), "is damaged|ends early"),
    refused("no zlib", meta_image(CompressedData=True), "is damaged"),
    refused("unknown type", meta_image(ElementType="MET_STRING"), "voxels of the type"),
    refused("no sizes", meta_image(DimSize=None), "has no DimSize"),
    refused("huge sizes", meta_image(DimSize="32767 32767 32767"), "GiB of voxels"),
    refused("colours", meta_image(data=RAW * 3, ElementNumberOfChannels=3), "4 axes|shape"),
]  # fmt: skip
OVERLAY_BITS = {"BitsStored": 12, "HighBit": 11, "PixelData": lambda z: (
    (VOLUME[..., z].T + 1024).astype("<u2") | ((VOLUME[..., z].T == 100).astype("<u2") << 13)).tobytes()}  # fmt: skip
SIGNED = {"PixelRepresentation": 1, "RescaleIntercept": 0, "PixelData": lambda z: VOLUME[..., z].T.astype("<i2").tobytes()}
PADDED = {"PixelPaddingValue": 64000, "PixelData": lambda z: np.where(VOLUME[..., z] == -1000, 64000, VOLUME[..., z] + 1024).T
    .astype("<u2").tobytes()}  # fmt: skip
FLOATS = {"PixelData": None, "BitsAllocated": 32, "BitsStored": None, "HighBit": None, "PixelRepresentation": None,
    "RescaleSlope": None, "RescaleIntercept": None,
    "FloatPixelData": lambda z: VOLUME[..., z].T.astype("<f4").tobytes()}  # fmt: skip
NO_IMAGE = dict.fromkeys(("Rows", "Columns", "BitsAllocated", "PixelData")) | {"SOPClassUID": pydicom.uid.EncapsulatedPDFStorage}
DICOM = [
    right("plain", series()),
    right("zipped", series(then=zipped)),
    right("signed", series(**SIGNED)),
    right("overlay in the upper bits", series(**OVERLAY_BITS)),
    right("padding", series(**PADDED)),
    right("slope by slice", series(RescaleSlope=lambda z: 1 + z / 10, RescaleIntercept=lambda z: -1024 * (1 + z / 10))),
    right("no rescale", series(RescaleSlope=None, RescaleIntercept=None)),
    right("dark is bright", series(PhotometricInterpretation="MONOCHROME1", 
        PixelData=lambda z: (3000 - VOLUME[..., z].T).astype("<u2").tobytes())),
    right("decimal pixels", series(**FLOATS)),
    right("decimal pixels of 64 bits", series(**FLOATS | {"FloatPixelData": None, "BitsAllocated": 64,
        "DoubleFloatPixelData": lambda z: VOLUME[..., z].T.astype("<f8").tobytes()})),
    right("a report among them", series(then=lambda folder: radiograph(**NO_IMAGE)(folder) and None)),
    right("no modality", series(Modality=None), "do not say their modality"),
    refused("a slice cut in its pixels", series(then=cut("s3.dcm", 0.9)), r"s3\.dcm: (truncated|no pixels)"),
    refused("a slice cut in its header", series(then=cut("s3.dcm", 0.3)), r"s3\.dcm: "),
    refused("a slice of too many pixels", series(3, PixelData=bytes(336) + b"\1" * 40), r"s3\.dcm: 376 bytes of pixels"),
    refused("a slice without pixels", series(3, PixelData=None), r"s3\.dcm: no pixels"),
    *[
        refused(f"a slice without {tag}", series(3, **{tag: None}), rf"s3\.dcm: {tag} is missing")
        for tag in ("Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation", "SamplesPerPixel",
            "PhotometricInterpretation", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient")
    ],
    refused("spacing of 0", series(3, PixelSpacing=[0, 0.8]), r"s3\.dcm: PixelSpacing is 0"),
    refused("a position of two numbers", series(3, ImagePositionPatient=[1, 2]), r"s3\.dcm: ImagePositionPatient"),
    refused("directions that are none", series(3, ImageOrientationPatient=[1, 0, 0, 1, 0, 0]), r"s3\.dcm: ImageOrientationPatient"),
    refused("palette", series(3, PhotometricInterpretation="PALETTE COLOR"), r"s3\.dcm: a colour image \(PALETTE COLOR"),
    refused("RGB", series(3, SamplesPerPixel=3, PhotometricInterpretation="RGB"), r"s3\.dcm: a colour image \(RGB"),
    refused("YBR", series(3, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL"), r"s3\.dcm: a colour image \(YBR_FULL"),
    refused("impossible bits", series(3, BitsStored=17), r"s3\.dcm: impossible pixels"),
    refused("slope of 0", series(3, RescaleSlope=0), r"s3\.dcm: RescaleSlope is 0"),
    refused("several frames", series(3, NumberOfFrames=2), r"s3\.dcm: several frames"),
    refused("a slice missing", series(drop=(3,)), r"6\.00 mm between s2\.dcm and s4\.dcm where 3\.00"),
    refused("a slice doubled", series(then=lambda folder: shutil.copy(folder / "s3.dcm", folder / "t3.dcm") and None),
        r"s3\.dcm and t3"),
    refused("gantry tilt", series(ImagePositionPatient=lambda z: [-10, 20 + z, 30 + 3 * z]), "gantry tilt"),
    refused("a slice of another shape", series(3, Rows=7, PixelData=bytes(7 * 24)), r"s3\.dcm: slices of different size"),
    refused("a slice turned", series(3, ImageOrientationPatient=[1, 0, 0, 0, 0, -1]), r"s3\.dcm: slices of different orientation"),
    refused("a slice of another series", series(3, SeriesInstanceUID="1.2.3"), "2 series"),
    refused("a slice of another examination", series(3, FrameOfReferenceUID="1.2.3"), r"s\d\.dcm: slices of two examinations"),
    refused("a localizer", series(3, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), r"s3\.dcm: a localizer"),
    right("a text among them", series(then=lambda folder: written("readme.txt", b"x" * 200)(folder) and None), "readme.txt beside"),
    refused("a slice without its mark", series(then=lambda folder: written("IM7", b"x" * 200)(folder) and None),
        "IM7: not a DICOM"),
    refused("CT", series(Modality="CT"), "its modality is CT, this bundle is for MR"),
    refused("secondary capture", series(Modality="OT"), "its modality is OT"),
    refused("packed pixels that no decoder here unpacks", series(then=odd_files.repacked(pydicom.uid.JPEGLosslessSV1)),
        r"s0\.dcm: packed as JPEG Lossless.*which cannot be unpacked here\. Install a decoder: pip install pylibjpeg"),
    refused("packed pixels that are damaged", series(then=odd_files.repacked(pydicom.uid.JPEG2000Lossless)),
        r"s0\.dcm: its pixels are damaged"),
    refused("a syntax that is none", series(then=odd_files.repacked("1.2.3")), r"s0\.dcm: "),
    refused("no DICOM mark", written("a.dcm", bytes(999)), r"a\.dcm: not a DICOM file"),
    refused("no transfer syntax", series(then=odd_files.repacked(None)), r"s0\.dcm"),
    refused("decimal pixels of NaN", series(3, **FLOATS | {"FloatPixelData": np.full((14, 12), np.nan, "<f4").tobytes()}),
        r"s3\.dcm: 168 values are NaN"),
    refused("a dose", series(Modality="RTDOSE"), "its modality is RTDOSE"),
    refused("a zip of text", written("a.zip", b"PK no zip"), "cannot be unpacked"),
]  # fmt: skip
FRONTAL = {"place": CENTRE, "size": PIXELS}
MM = {"place": tuple(np.array(CENTRE) * (0.2, 0.4)), "size": PIXELS * 0.08}
FLAT = PICTURE.T[..., None].astype(np.int16)
PICTURES = [
    right("plain", picture(), **FRONTAL),
    right("JPEG", picture("a.jpg", quality=100), **FRONTAL),
    right("palette of grays", picture(convert=lambda p: p.convert("P")), **FRONTAL),
    right("gray in colours", picture(convert=lambda p: p.convert("RGB")), **FRONTAL),
    right("gray and alpha", picture(convert=lambda p: p.convert("LA")), **FRONTAL),
    right("RGBA", picture(convert=lambda p: p.convert("RGBA")), **FRONTAL),
    right("CMYK", picture("a.jpg", lambda p: p.convert("RGB").convert("CMYK"), quality=100), **FRONTAL),
    right("16 bits", picture(convert=lambda p: Image.fromarray(np.asarray(p).astype(np.uint16) * 250)), **FRONTAL),
    right("1 bit", picture(convert=lambda p: p.point(lambda v: 255 * (v > 99)).convert("1")), **FRONTAL),
    *[right(f"EXIF orientation {code}", picture("a.jpg", lambda p, code=code: odd_files.stored(p, code), quality=100,
        exif=odd_files.exif(code)), **FRONTAL) for code in range(2, 9)],
    right("NIfTI without codes", nifti(array=FLAT, affine=np.diag([0.2, 0.4, 1, 1]), **without_codes()),
        "sides are not known", **MM),
    right("NIfTI of two axes without codes", nifti(array=FLAT[..., 0], affine=np.diag([0.2, 0.4, 1, 1]), **without_codes()),
        "sides are not known", **MM),
    right("DICOM", radiograph(), **FRONTAL),
    right("CR", radiograph(Modality="CR", ImagerPixelSpacing=[0.4, 0.2]), **MM),
    right("DICOM of dark lungs", radiograph(PhotometricInterpretation="MONOCHROME1",
        PixelData=(4000 - PICTURE.astype("<u2") * 10).tobytes()), **FRONTAL),
    right("DICOM with padding", radiograph(PixelPaddingValue=4000, PixelData=np.where(np.arange(24) > 20, 4000,
        PICTURE.astype("<u2") * 10).astype("<u2").tobytes()), **FRONTAL),
    refused("colour", picture(convert=lambda p: odd_files.coloured(p)), "a colour picture"),
    refused("palette of colours", picture(convert=lambda p: odd_files.coloured(p).convert("P")), "a colour picture"),
    refused("animated", picture(save_all=True, append_images=[Image.fromarray(PICTURE.T.copy())]), "a picture of 2 frames"),
    refused("a bomb", written("a.png", odd_files.png_of(60000, 60000)), "pixels|GiB"),
    refused("cut", lambda folder: (cut("a.png", 0.6)(picture(compress_level=0)(folder).parent), folder / "a.png")[1],
        "cannot be read as an image"),
    refused("no size", written("a.png", odd_files.png_of(0, 5)), "cannot be read as an image"),
    refused("NIfTI named .png", lambda folder: nifti()(folder).rename(folder / "a.png"), "holds NIfTI data"),
    refused("text named .jpg", written("a.jpg", b"text" * 99), "cannot be read as an image"),
    refused("DICOM palette", radiograph(PhotometricInterpretation="PALETTE COLOR"), "a colour image"),
    refused("DICOM cut", lambda folder: (cut("a.dcm", 0.8)(radiograph()(folder).parent), folder / "a.dcm")[1],
        "truncated|no pixels"),
    refused("DICOM of MR", radiograph(Modality="MR"), "its modality is MR, this bundle is for DX or CR"),
    refused("DICOM spacing of 0", radiograph(PixelSpacing=[0, 0]), "spacing of 0 x 0"),
    refused("DICOM report", radiograph(**NO_IMAGE), "holds no image but Encapsulated PDF"),
]  # fmt: skip
VOLUMES = {"nifti": NIFTI, "nrrd": NRRD, "metaimage": META}
BUNDLES = {"cord": GRAY_MATTER, "muscles": MUSCLES, "vertebrae": VERTEBRAE, "lesions": LESIONS}
ROWS = [
    pytest.param(bundle, odd, id=f"{name}-{kind}-{odd.name}")
    for kind, rows in VOLUMES.items()
    for number, odd in enumerate(rows)
    for name, bundle in list(BUNDLES.items())[number % 4 : number % 4 + 1]  # the bundles in turn: their loader is one
]
ROWS += [pytest.param(MUSCLES, odd, id=f"muscles-dicom-{odd.name}") for odd in DICOM]
ROWS += [pytest.param(CHEST, odd, id=f"chest-{odd.name}") for odd in PICTURES]


@pytest.fixture(scope="module")
def loaders():
    """The transforms of every bundle's inference.json up to the check of the image."""
    found = {}
    for folder in (*BUNDLES.values(), CHEST):
        with Bundle(folder).parser("inference.json") as parser:
            transforms = parser.get_parsed_content("preprocessing").transforms
            last = next(index for index, transform in enumerate(transforms) if type(transform).__name__ == "CheckVolumed")
            found[folder] = transforms[: last + 1]
    return found


def load(transforms, bundle: Path, path: Path) -> MetaTensor:
    """Return ``(1, X, Y, Z)`` or ``(1, X, Y)``; an odd FLAIR image has a plain T1 beside it."""
    data = {"image": str(path)}
    if bundle == LESIONS:
        data = {"image": [str(path), str(companion(path))]}
    for transform in transforms:
        data = transform(data)
    return data["image"][:1]


def companion(path: Path) -> Path:
    """Write another image on the grid of a file; a plain one where the file cannot be read."""
    try:
        image = LoadVolumed("image", quiet=True)({"image": str(path)})["image"]
        array, affine = np.asarray(image)[::-1], image.affine.numpy()
    except UserError:
        array, affine = VOLUME[::-1], AFFINE
    return save_nifti(path.parent / "T1.nii", array, affine)


def measured(array: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, float]:
    """Return where a mask's centre lies and how large it is; a picture has no depth."""
    points = np.argwhere(array)
    points = np.pad(points, ((0, 0), (0, 3 - points.shape[1])))
    return (affine @ [*points.mean(0), 1])[:3], len(points) * abs(np.linalg.det(affine[:3, :3]))


@pytest.mark.parametrize(("bundle", "odd"), ROWS)
def test_odd_files(loaders, tmp_path, caplog, bundle, odd):
    path = odd.make(tmp_path)
    if odd.words:
        with pytest.raises(UserError, match=odd.words) as raised:
            load(loaders[bundle], bundle, path)
        assert str(tmp_path) in str(raised.value) and "Traceback" not in str(raised.value)
        return
    image = load(loaders[bundle], bundle, path)
    texts = [record.getMessage() for record in caplog.records if record.name == "axial"]
    texts = [text for text in texts if "another grid" not in text and "Hounsfield" not in text]
    assert (odd.warns in " ".join(texts)) if odd.warns else not texts
    block = np.asarray(image[0]) > (float(image.max()) + float(image.median())) / 2
    mask = MetaTensor(block[None].astype(np.float32), meta=dict(image.meta), affine=image.affine)
    SaveLabelMapd("pred", tmp_path / "out")({"pred": mask})
    saved = nibabel.load(next((tmp_path / "out").glob("*.nii.gz")))
    assert saved.shape == tuple(image.shape[1:])
    if path.suffix in (".png", ".jpg"):
        shown = ImageOps.exif_transpose(Image.open(tmp_path / "out" / "a_seg.png"))
        assert np.array_equal(np.asarray(shown) > 0, PICTURE > 99)
    picture_without_codes = not (saved.header["sform_code"] or saved.header["qform_code"]) and bundle == CHEST
    for array, affine in ((block, np.asarray(image.affine)), (np.asarray(saved.dataobj), saved.affine)):
        place, size = measured(array, affine)
        assert size == pytest.approx(odd.size, rel=0.01)
        if odd.place and not (picture_without_codes and affine is saved.affine):  # where viewers lay it is theirs to choose
            np.testing.assert_allclose(place[: len(odd.place)], odd.place, atol=0.05)


def test_the_table_is_long_enough():
    assert len(ROWS) >= 80 and {row.values[0] for row in ROWS} == {*BUNDLES.values(), CHEST}


def test_a_pipe_is_not_waited_for(loaders, tmp_path):
    os.mkfifo(tmp_path / "a.nii.gz")
    with pytest.raises(UserError, match="no regular file"):
        load(loaders[MUSCLES], MUSCLES, tmp_path / "a.nii.gz")


@pytest.mark.skipif(not (REAL_DATA / "dicom" / "uneven_ct").is_dir(), reason="the real series is not on this machine")
def test_a_real_series_that_lacks_a_slice(loaders):
    with pytest.raises(UserError, match=r"1\.60 mm between CT000081\.dcm and CT000082\.dcm where 0\.80 mm is usual"):
        load(loaders[VERTEBRAE], VERTEBRAE, REAL_DATA / "dicom" / "uneven_ct")
