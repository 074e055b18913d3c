"""A MONAI Label server with the bundles' zips gives, voxel for voxel, what ``monai.bundle run`` gives; it learns over REST too.

``make test-label`` builds the server's environment and names its interpreter in AXIAL_LABEL_PYTHON.
"""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest
from bundle_runs import run_bundle
from conftest import save_nifti

from tools.bundles import all_bundles
from tools.phantoms.write import WRITERS
from tools.sharing.packing import pack

PYTHON = os.environ.get("AXIAL_LABEL_PYTHON")
pytestmark = pytest.mark.skipif(PYTHON is None, reason="run by `make test-label`")
BUNDLES = {bundle.name: bundle for bundle in all_bundles() if bundle.is_segmentation}
KINDS = {"spinal_cord_gray_matter_segmentation": "t2star", "vertebrae_ct_instance_segmentation": "cervical"}
START_SECONDS, ANSWER_SECONDS = 180, 600
BOUNDARY = "axial"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


class Server:
    """A server on loopback with every segmentation bundle from its zip, and a study for each."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.studies = folder, folder / "studies"
        self.models = folder / "apps" / "monaibundle" / "model"
        self.environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent / "standin")}
        self._monailabel("apps", "--download", "--name", "monaibundle", "--output", str(folder / "apps"))
        self.studies.mkdir()
        for name, bundle in BUNDLES.items():
            with zipfile.ZipFile(pack(bundle, folder / "zips")) as archive:
                archive.extractall(self.models)
            self._write_study(name)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def _monailabel(self, *arguments: str) -> None:
        command = [PYTHON, "-m", "monailabel.main", *arguments]
        subprocess.run(command, cwd=self.folder, env=self.environment, check=True, capture_output=True)

    def _write_study(self, name: str) -> None:
        """Write one phantom as ``<bundle>.nii.gz``; several modalities become channels."""
        data = self.folder / "data" / name
        WRITERS[name](data, 1, 7, kind=KINDS.get(name))
        images = [nibabel.load(path) for path in sorted(data.glob("*.nii.gz")) if not path.name.endswith("_label.nii.gz")]
        array = np.stack([np.asarray(image.dataobj) for image in images], -1) if len(images) > 1 else np.asarray(images[0].dataobj)
        save_nifti(self.studies / f"{name}.nii.gz", array, images[0].affine)

    def __enter__(self):
        self.log = (self.folder / "server.log").open("w")
        command = [
            PYTHON, "-m", "monailabel.main", "start_server", "--app", "apps/monaibundle", "--studies", "studies",
            "--conf", "models", ",".join(BUNDLES), "--conf", "zoo_source", "local", "--host", "127.0.0.1", "--port", str(self.port),
        ]  # fmt: skip
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True
        )
        limit = time.monotonic() + START_SECONDS
        while True:
            try:
                self.call("GET", "/info/")
                return self
            except (urllib.error.URLError, ConnectionError):
                if self.process.poll() is not None or time.monotonic() > limit:
                    raise AssertionError((self.folder / "server.log").read_text()[-3000:]) from None
                time.sleep(1)

    def __exit__(self, *_) -> None:
        os.killpg(self.process.pid, 15)
        self.process.wait(30)
        self.log.close()

    def call(self, method: str, path: str, body: bytes | None = None, kind: str = FORM) -> bytes:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=body, method=method, headers={"Content-Type": kind}
        )
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            return answer.read()


def form(params: dict, label: bytes | None = None) -> bytes:
    parts = [b'Content-Disposition: form-data; name="params"\r\n\r\n' + json.dumps(params).encode()]
    if label is not None:
        parts.append(b'Content-Disposition: form-data; name="label"; filename="a.nii.gz"\r\nContent-Type: a/b\r\n\r\n' + label)
    mark = f"--{BOUNDARY}".encode()
    return b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("label")) as running:
        yield running


def test_every_bundle_is_served_with_its_labels_and_settings(server):
    served = json.loads(server.call("GET", "/info/"))["models"]
    for name, bundle in BUNDLES.items():
        expected = {label.lower(): int(value) for value, label in bundle.classes.items() if label != "background"}
        assert served[name]["labels"] == expected
        assert "bfloat16" in served[name]["config"]


@pytest.mark.parametrize("name", BUNDLES)
def test_the_server_gives_the_voxels_of_the_bundle(server, name, tmp_path):
    answer = tmp_path / "answer.nii.gz"
    answer.write_bytes(server.call("POST", f"/infer/{name}?image={name}&output=image", form({"device": "cpu"})))
    root = server.models / name
    settings = {"bundle_root": root, "input": server.studies / f"{name}.nii.gz", "output_dir": tmp_path / "out"}
    run_bundle("inference", [str(root / "configs" / "inference.json")], tmp_path, **settings)
    found, expected = nibabel.load(answer), nibabel.load(tmp_path / "out" / f"{name}_seg.nii.gz")
    np.testing.assert_allclose(found.affine, expected.affine, atol=1e-5)
    assert np.array_equal(np.asarray(found.dataobj), np.asarray(expected.dataobj))
    assert np.asarray(found.dataobj).any()


def test_a_threshold_set_by_the_reader_has_an_effect(server, tmp_path):
    name = "spinal_cord_gray_matter_segmentation"
    volumes = []
    for threshold in (0.3, 0.9):
        path = tmp_path / f"{threshold}.nii.gz"
        request = form({"device": "cpu", "threshold": threshold})
        path.write_bytes(server.call("POST", f"/infer/{name}?image={name}&output=image", request))
        volumes.append(np.count_nonzero(nibabel.load(path).dataobj))
    assert volumes[0] > volumes[1] > 0


def test_a_saved_label_trains_over_rest(server):
    name = "spinal_muscles_mri_segmentation"
    label = next((server.folder / "data" / name).glob("*_label.nii.gz")).read_bytes()
    server.call("PUT", f"/datastore/label?image={name}&tag=final", form({}, label))
    assert (server.studies / "labels" / "final" / f"{name}.nii.gz").is_file()
    settings = {"max_epochs": 1, "val_split": 0, "device": "cpu", "multi_gpu": False, "tracking": "none"}
    server.call("POST", f"/train/{name}?run_sync=true", json.dumps(settings).encode(), "application/json")
    assert (server.models / name / "runs" / "model_average.pt").is_file()
