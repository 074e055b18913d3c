"""A real archive, Orthanc, on this machine for as long as a test."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

PROGRAM = shutil.which("Orthanc")
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
IS_THERE = PROGRAM is not None and PLUGIN.exists()
USER, PASSWORD = "reader", "fifty words"
START_SECONDS = 60


class Orthanc:
    """Orthanc of Debian with its DICOMweb plugin, on loopback, in a folder of its own.

    Args:
        folder: of its data.
        users: whether it asks for `USER` and `PASSWORD`.
    """

    def __init__(self, folder: Path, users: bool = False) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = folder
        self.settings = {
            "Name": "Axial's test", "StorageDirectory": str(folder / "data"), "IndexDirectory": str(folder / "data"),
            "Plugins": [str(PLUGIN)], "HttpPort": self.port, "DicomServerEnabled": False, "RemoteAccessAllowed": False,
            "AuthenticationEnabled": users, "RegisteredUsers": {USER: PASSWORD} if users else {},
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"}, "ConcurrentJobs": 1,
        }  # fmt: skip

    @property
    def address(self) -> str:
        """Of its DICOMweb service, as `axial segment` takes it."""
        return f"dicomweb+http://127.0.0.1:{self.port}/dicom-web"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Orthanc":
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "orthanc.json").write_text(json.dumps(self.settings))
        self.log = (self.folder / "log").open("w")
        self.process = subprocess.Popen([PROGRAM, str(self.folder / "orthanc.json")], stdout=self.log, stderr=subprocess.STDOUT)
        limit = time.monotonic() + START_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/system", timeout=5).close()
                return self
            except urllib.error.HTTPError:  # it asks for credentials, so it runs
                return self
            except (urllib.error.URLError, ConnectionError):
                if self.process.poll() is not None or time.monotonic() > limit:
                    raise AssertionError((self.folder / "log").read_text()[-2000:]) from None
                time.sleep(0.1)

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait(30)
        self.log.close()

    def put(self, *files: Path) -> None:
        """Store DICOM files by Orthanc's own interface."""
        for file in files:
            request = urllib.request.Request(f"{self.url}/instances", data=file.read_bytes(), method="POST")
            if self.settings["AuthenticationEnabled"]:
                import base64

                request.add_header("Authorization", "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode())
            urllib.request.urlopen(request, timeout=30).close()
