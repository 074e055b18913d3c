"""A MONAI Label server with the bundles' zips, on loopback, in an environment of its own."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Sequence
from pathlib import Path

from conftest import REPOSITORY

from tools.bundles import Bundle, all_bundles
from tools.sharing.packing import pack

PYTHON = os.environ.get("AXIAL_LABEL_PYTHON")
BUNDLES = {bundle.name: bundle for bundle in all_bundles() if bundle.is_segmentation}
STANDIN = REPOSITORY / "tests" / "label" / "standin"
START_SECONDS, ANSWER_SECONDS = 900, 3600  # of a machine that others use too
BOUNDARY = "axial"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def has_torchvision() -> bool:
    """Tell whether the server's environment has a torchvision that fits its torch; PyPI's does not fit a torch for CPUs alone."""
    return subprocess.run([PYTHON, "-c", "import torchvision"], capture_output=True).returncode == 0


class LabelServer:
    """A server with bundles from their zips.

    Args:
        folder: of the app, the models and the log.
        bundles: to serve.
        studies: folder of images, or the address of a DICOMweb archive.
        settings: of MONAI Label, variables of the environment.
    """

    def __init__(self, folder: Path, bundles: Sequence[Bundle], studies: str | Path, **settings: str) -> None:
        self.folder, self.studies, self.bundles = folder, studies, [bundle.name for bundle in bundles]
        self.models = folder / "apps" / "monaibundle" / "model"
        path = os.pathsep.join([str(Path(PYTHON).parent), os.environ["PATH"]])  # where dcmqi's programs are
        self.environment = {**os.environ, "PATH": path, **settings}
        if not has_torchvision():
            self.environment["PYTHONPATH"] = str(STANDIN)
        self._monailabel("apps", "--download", "--name", "monaibundle", "--output", str(folder / "apps"))
        for bundle in bundles:
            with zipfile.ZipFile(pack(bundle, folder / "zips")) as archive:
                archive.extractall(self.models)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def _monailabel(self, *arguments: str) -> None:
        command = [PYTHON, "-m", "monailabel.main", *arguments]
        subprocess.run(command, cwd=self.folder, env=self.environment, check=True, capture_output=True)

    def __enter__(self) -> "LabelServer":
        self.log = (self.folder / "server.log").open("w")
        command = [
            PYTHON, "-m", "monailabel.main", "start_server", "--app", "apps/monaibundle", "--studies", str(self.studies),
            "--conf", "models", ",".join(self.bundles), "--conf", "zoo_source", "local",
            "--host", "127.0.0.1", "--port", str(self.port),
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
