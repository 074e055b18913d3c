"""Thousands of damaged files: each is read, or refused by an error that names it, in bounded time and memory."""

import io
import json
import time
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest
from conftest import CHEST, DIGITS, GRAY_MATTER, LESIONS, MUSCLES, VERTEBRAE
from dicom_files import write_enhanced, write_radiograph, write_slice
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from tools.bundles import Bundle
from tools.sharing.configs import ConfigReview
from tools.sharing.packing import pack
from tools.sharing.review import review

CASES = 250  # of each kind
MOST_SECONDS, MOST_MIB = 20, 2048  # of one case
fuzz = settings(
    max_examples=CASES, deadline=None, database=None, derandomize=True, phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck), print_blob=False,
)  # fmt: skip
bytes_changed = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6)
lengths = st.one_of(st.none(), st.floats(0, 1))


def damage(content: bytes, changes, length, reach: int | None = None) -> bytes:
    """Set bytes at shares of the first ``reach`` bytes, and keep a share of the whole."""
    array = bytearray(content)
    for place, value in changes:
        array[int(place * min(reach or len(array), len(array)))] = value
    return bytes(array if length is None else array[: int(length * len(array))])


def memory(kind: str) -> float:
    """Return MiB that this process holds (VmRSS), or held most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 2**10 for line in lines if line.startswith(kind))


def bounded(call, *names: str) -> None:
    """Call; the only error allowed is a UserError that says which file is meant."""
    start, before = time.process_time(), memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    try:
        call()
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and type(cause).__name__ != "UserError":  # of this repository or of a bundle's own copy
            cause = cause.__cause__
        assert cause is not None, repr(error)
        assert any(name in str(cause) for name in names), str(cause)
    assert time.process_time() - start < MOST_SECONDS
    assert memory("VmHWM") - before < MOST_MIB


@pytest.fixture(scope="module")
def preprocess():
    """Return a bundle's own preprocessing."""
    loaded = {}
    for folder in (GRAY_MATTER, MUSCLES, VERTEBRAE, CHEST, DIGITS, LESIONS):
        with Bundle(folder).parser("inference.json") as parser:
            loaded[folder] = parser.get_parsed_content("preprocessing")
    return loaded


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def nifti() -> bytes:
    image = nibabel.Nifti1Image(np.random.default_rng(0).integers(0, 900, (9, 8, 5)).astype(np.int16), np.diag([1.5, 1.5, 4, 1]))
    return image.to_bytes()


@pytest.mark.parametrize("bundle", [GRAY_MATTER, MUSCLES, VERTEBRAE], ids=["cord", "muscles", "vertebrae"])
@fuzz
@given(changes=bytes_changed, length=lengths)
def test_nifti_headers(preprocess, folder, nifti, bundle, changes, length):
    path = folder / "a.nii"
    path.write_bytes(damage(nifti, changes, length, reach=352))
    bounded(lambda: preprocess[bundle]({"image": str(path)}), "a.nii")


@fuzz
@given(changes=bytes_changed, length=lengths)
def test_studies_of_two_images(preprocess, folder, nifti, changes, length):
    paths = [folder / "FLAIR.nii", folder / "T1.nii"]
    paths[0].write_bytes(nifti[:400] + bytes(reversed(nifti[400:])))
    paths[1].write_bytes(damage(nifti, changes, length, reach=352))
    bounded(lambda: preprocess[LESIONS]({"image": [str(path) for path in paths]}), "T1.nii", "FLAIR.nii")


@pytest.fixture(scope="module", params=["single", "enhanced", "zip", "radiograph"])
def dicom(request, folder) -> tuple[str, bytes]:
    """A DICOM file of a kind, and its name."""
    volume = np.random.default_rng(0).integers(0, 900, (9, 8, 4))
    path = folder / f"{request.param}.dcm"
    if request.param == "radiograph":
        write_radiograph(path, volume[..., 0].T, PixelSpacing=[1, 1])
    elif request.param == "enhanced":
        write_enhanced(path, volume, slopes=[1.0] * 4, intercepts=[0.0] * 4)
    else:
        write_slice(path, [0, 0, 0], volume[..., 0].T)
    if request.param == "zip":
        with zipfile.ZipFile(folder / "a.zip", "w") as archive:
            archive.write(path, "1.dcm")
        path = folder / "a.zip"
    return path.name, path.read_bytes()


@fuzz
@given(changes=bytes_changed, length=lengths)
def test_dicom_tags(preprocess, folder, dicom, changes, length):
    name, content = dicom
    path = folder / f"damaged_{name}"
    path.write_bytes(damage(content, changes, length))
    bundle = CHEST if name.startswith("radiograph") else MUSCLES
    bounded(lambda: preprocess[bundle]({"image": str(path)}), path.name)


@pytest.mark.parametrize("kind", ["png", "jpg"])
@fuzz
@given(changes=bytes_changed, length=lengths)
def test_pictures(preprocess, folder, kind, changes, length):
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 24)).astype(np.uint8)).save(
        stream, {"jpg": "JPEG"}.get(kind, kind)
    )
    path = folder / f"a.{kind}"
    path.write_bytes(damage(stream.getvalue(), changes, length))
    bounded(lambda: preprocess[CHEST]({"image": str(path)}), path.name)


TEXTS = ("$import os", "$os.system('x')", "@network", "$__import__('os')", "os.system", "$(lambda: 1)()", "$[x for x in ()]", "$'")
KEYS = ("_target_", "a", "imports", "#", "_mode_")
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(TEXTS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=12,
)


@fuzz
@given(value=values)
def test_configs_of_any_content(value):
    bounded(lambda: ConfigReview({"configs/a.json": json.dumps(value).encode()}), "configs/a.json")


@fuzz
@given(content=st.binary(max_size=60))
def test_configs_that_are_no_json(content):
    bounded(lambda: ConfigReview({"configs/a.json": content}), "configs/a.json")


@fuzz
@given(changes=bytes_changed, length=lengths)
def test_zips_of_bundles(folder, zipped, changes, length):
    path = folder / "bundle.zip"
    path.write_bytes(damage(zipped, changes, length))
    bounded(lambda: review(path), "bundle.zip")


@pytest.fixture(scope="module")
def zipped(folder) -> bytes:
    return pack(Bundle(DIGITS), folder / "zips").read_bytes()
