"""Files as users have them: a marked block in a volume or a picture, written with one oddity each."""

import bz2
import gzip
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import pydicom
from dicom_files import write_radiograph, write_slice
from nibabel.nifti1 import header_dtype
from nibabel.nifti2 import header_dtype as header2_dtype
from PIL import Image

SHAPE, SPACING = (12, 14, 6), np.array([0.8, 0.5, 3.0])
BLOCK = (slice(3, 5), slice(8, 11), slice(2, 4))  # of the volume
VOLUME = np.full(SHAPE, 100, np.int16)
VOLUME[BLOCK] = 900
VOLUME[0, 0, 0] = -1000  # so that a CT has air
AFFINE = np.array([[-0.8, 0, 0, 10], [0, -0.5, 0, -20], [0, 0, 3.0, 30], [0, 0, 0, 1]])  # LPS, as DICOM has it
PLACE = tuple((AFFINE @ (3.5, 9, 2.5, 1))[:3])  # of the block's centre
SIZE = 12 * 1.2  # mm3 of the block
PICTURE = np.full((20, 24), 30, np.uint8)  # rows, columns
PICTURE[4:7, 10:18] = 220
PICTURE[12:14, 2:5] = 220
Maker = Callable[[Path], Path]


def nifti(
    change: Callable[[bytearray], bytes] = bytes, name: str = "a.nii", array=VOLUME, affine=AFFINE, v2=False, **fields
) -> Maker:
    """Make a NIfTI file whose header has other ``fields`` and whose bytes are changed."""

    def make(folder: Path) -> Path:
        image = (nibabel.Nifti2Image if v2 else nibabel.Nifti1Image)(array, affine, dtype=array.dtype)
        image.header.set_xyzt_units("mm")
        dtype = header2_dtype if v2 else header_dtype
        raw = bytearray(image.to_bytes())
        header = np.frombuffer(raw, dtype, 1)
        for field, value in ({"scl_slope": 1.0, "scl_inter": 0.0} | fields).items():
            header[field] = value
        (folder / name).write_bytes(change(raw))
        return folder / name

    return make


def without_codes(**fields) -> dict:
    return {"sform_code": 0, "qform_code": 0} | fields


def packed(raw: bytearray) -> bytes:
    return gzip.compress(bytes(raw))


def pixdim(*values: float) -> np.ndarray:
    """Return the header's field of a first value and spacings."""
    return np.array([*values, *[1.0] * (8 - len(values))], np.float32)


def nrrd_file(
    name: str = "a.nrrd", array=VOLUME, drop: tuple[str, ...] = (), edit: Callable[[bytes], bytes] = bytes, **fields
) -> Maker:
    """Make a NRRD file; a field that is None is left out."""

    def make(folder: Path) -> Path:
        header = {"space": "right-anterior-superior", "space directions": AFFINE[:3, :3].T, "space origin": AFFINE[:3, 3]}
        header = {key: value for key, value in (header | fields).items() if value is not None}
        nrrd.write(str(folder / name), array, header, detached_header=name.endswith(".nhdr"))
        path = folder / name
        path.write_bytes(edit(path.read_bytes()))
        return path

    return make


def meta_image(name: str = "a.mha", data: bytes | None = None, write: tuple[str, bytes] | None = None, **entries) -> Maker:
    """Make a MetaImage; an entry that is None is left out."""

    def make(folder: Path) -> Path:
        header = {
            "ObjectType": "Image", "NDims": 3, "BinaryData": True, "BinaryDataByteOrderMSB": False, "CompressedData": False,
            "TransformMatrix": "1 0 0 0 1 0 0 0 1", "Offset": "-10 20 30", "ElementSpacing": "0.8 0.5 3",
            "DimSize": "12 14 6", "ElementType": "MET_SHORT", "ElementDataFile": "LOCAL",
        }  # fmt: skip
        entries.setdefault("ElementDataFile", "LOCAL")
        last = entries["ElementDataFile"]
        header = {key: value for key, value in (header | entries).items() if value is not None and key != "ElementDataFile"}
        text = "".join(f"{key} = {value}\n" for key, value in header.items()) + f"ElementDataFile = {last}\n"
        content = VOLUME.tobytes("F") if data is None else data
        (folder / name).write_bytes(text.encode() + (content if last == "LOCAL" else b""))
        if write is not None:
            target = folder / write[0]
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(write[1])
        return folder / name

    return make


def series(change: int | None = None, count: int = 6, drop: tuple[int, ...] = (), then: Callable | None = None, **tags) -> Maker:
    """Make a folder of slices; the tags are those of slice ``change``, or of all; callables get the slice's index."""

    def make(folder: Path) -> Path:
        target = folder / "series"
        target.mkdir()
        for index in range(count):
            if index in drop:
                continue
            mine = tags if change in (None, index) else {}
            values = {"Modality": "MR", "RescaleIntercept": -1024, "RescaleSlope": 1, "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
            values |= {"PixelSpacing": [0.5, 0.8], "SliceThickness": 3}
            values |= {name: value(index) if callable(value) else value for name, value in mine.items()}
            write_slice(target / f"s{index}.dcm", (-10, 20, 30 + 3 * index), VOLUME[..., index].T + 1024, index, **values)
        if then is not None:
            return then(target) or target
        return target

    return make


def zipped(folder: Path) -> Path:
    with zipfile.ZipFile(folder.parent / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, f"DICOM/{file.name}")
    return folder.parent / "a.zip"


def cut(name: str, share: float) -> Callable[[Path], None]:
    """Return what truncates a file of a folder."""

    def then(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])

    return then


def repacked(syntax: str | None) -> Callable[[Path], None]:
    """Return what gives all slices of a folder another transfer syntax, their pixels wrapped but not packed; None takes it away."""

    def then(folder: Path) -> None:
        for file in folder.iterdir():
            dataset = pydicom.dcmread(file)
            if syntax is None:
                del dataset.file_meta.TransferSyntaxUID
            else:
                dataset.file_meta.TransferSyntaxUID = syntax
                dataset.PixelData = pydicom.encaps.encapsulate([dataset.PixelData])
            dataset.save_as(file, enforce_file_format=False, implicit_vr=False, little_endian=True)

    return then


def radiograph(**tags) -> Maker:
    return lambda folder: write_radiograph(folder / "a.dcm", PICTURE.astype(np.uint16) * 10, **({"Modality": "DX"} | tags))


def picture(name: str = "a.png", convert: Callable[[Image.Image], Image.Image] = lambda image: image, **options) -> Maker:
    def make(folder: Path) -> Path:
        convert(Image.fromarray(PICTURE)).save(folder / name, **options)
        return folder / name

    return make


def written(name: str, content: bytes) -> Maker:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def folder_named(name: str) -> Maker:
    def make(folder: Path) -> Path:
        (folder / name).mkdir()
        return folder / name

    return make


RAW = VOLUME.tobytes("F")
PACKINGS = {"zlib": zlib.compress(RAW), "gzip": gzip.compress(RAW), "bzip2": bz2.compress(RAW)}


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[274] = orientation
    return tags


def stored(image: Image.Image, orientation: int) -> Image.Image:
    """Return the picture as a camera that was held otherwise stores it: shown by its EXIF orientation it is the original."""
    back = {
        2: "FLIP_LEFT_RIGHT",
        3: "ROTATE_180",
        4: "FLIP_TOP_BOTTOM",
        5: "TRANSPOSE",
        6: "ROTATE_90",
        7: "TRANSVERSE",
        8: "ROTATE_270",
    }
    return image.transpose(Image.Transpose[back[orientation]])


def coloured(image: Image.Image) -> Image.Image:
    return Image.merge("RGB", (image, image.point(lambda value: value // 2), image))


def png_of(columns: int, rows: int) -> bytes:
    """Return a PNG file that claims a size and holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")

    header = columns.to_bytes(4, "big") + rows.to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")
