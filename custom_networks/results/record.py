"""Say what made a result, in a file beside it."""

import datetime
import hashlib
import json
import math
import platform
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import torch

from ..cases.cases import is_dicom_file
from ..cases.names import split_series
from ..inferers.precision import precision_name
from ..quality.model import Quality
from .write_result import write_json

RECORD_SUFFIX = ".record.json"
SOFTWARE = ("torch", "monai", "numpy", "nibabel", "pydicom")
MAKERS = {"bundle": "bundle", "version": "version of the bundle", "weights_sha256": "weights"}  # beside settings and input


def record_path(result: Path) -> Path:
    """Return the record of a result: ``CASE_seg.record.json`` beside ``CASE_seg.nii.gz``."""
    return result.with_name(result.name.removesuffix(".gz").rpartition(".")[0] + RECORD_SUFFIX)


def read_record(result: Path) -> dict | None:
    """Return the record of a result, None where there is none or it is no record."""
    try:
        content = json.loads(record_path(result).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and "complete" in content else None


class ResultRecord:
    """What makes the results of a run: bundle, weights, settings, software and machine.

    Args:
        bundle_root: the bundle's folder; its name and the version in its metadata.json are recorded.
        weights: file of the weights.
        settings: name to value of what a user may set.
        device: of the network.
    """

    def __init__(self, bundle_root: str | Path, weights: str | Path, settings: Mapping, device: torch.device | str = "cpu") -> None:
        self.bundle_root, self.weights = Path(bundle_root), Path(weights)
        self.settings, self.device = dict(settings), torch.device(device)
        self.described: Callable[[str], str] = str  # what the record says for a source's path
        self.job = ""  # name of a run that is shared among processes

    @cached_property
    def maker(self) -> dict:
        """What must be equal for two results to be mixed in one folder."""
        try:
            number = json.loads((self.bundle_root / "configs" / "metadata.json").read_text(encoding="utf-8"))["version"]
        except (OSError, ValueError, KeyError):
            number = "unknown"
        digest = file_digest(self.weights) if self.weights.is_file() else "none"
        return {
            "bundle": self.bundle_root.resolve().name,
            "version": number,
            "weights_sha256": digest,
            "settings": json.loads(json.dumps(self.settings, default=str)),
        }

    def start(self, result: Path, name: str, image: str | Sequence) -> dict:
        """Write the record of a result that is about to be made, which counts as incomplete, and return it."""
        record = {
            "case": name,
            "source": [self.described(str(path)) for path in _sources(image)],
            "input_sha256": input_digest(image),
            **self.maker,
            "weights": str(self.weights),
            "software": {"python": platform.python_version()} | {package: _version(package) for package in SOFTWARE},
            "machine": f"{platform.system()} {platform.machine()}, {_device(self.device)}",
            "precision": self._precision(),
            "run": f"{self.job}{uuid.uuid4().hex}",
            "complete": False,
        }
        write_json(record_path(result), record)
        return record

    def finish(self, result: Path, record: dict, seconds: float, warnings: Sequence[str], quality: Quality | None = None) -> None:
        """Write the record of a result that is whole."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        made = {"result_sha256": file_digest(result), "seconds": round(seconds, 2), "warnings": list(warnings), "written": now}
        judged = {} if quality is None else {"quality": asdict(quality)}
        write_json(record_path(result), record | made | judged | {"complete": True})

    def differences(self, record: Mapping, image: str | Sequence) -> list[str]:
        """Return what made a recorded result otherwise than this run would, in words; nothing where all is equal."""
        found = [text for key, text in MAKERS.items() if record.get(key) != self.maker[key]]
        before = _settings(record)
        names = sorted({*before, *self.maker["settings"]})
        found += [
            f"{name} {before.get(name)} where it is {self.maker['settings'].get(name)} now"
            for name in names
            if before.get(name) != self.maker["settings"].get(name)
        ]
        return found + (["another input"] if record.get("input_sha256") != input_digest(image) else [])

    def is_of_this_job(self, record: Mapping | None) -> bool:
        """Tell whether a record is that of a whole result which another process of the same job made."""
        return bool(self.job and record and record["complete"] and record["run"].startswith(self.job))

    def _precision(self) -> str:
        return precision_name(self.device, self.settings.get("precision", "float32"))


def quality_of(record: Mapping | None) -> Quality | None:
    """Return the quality that a result's record has; None where there is no record, or the result was not judged."""
    said = (record or {}).get("quality")
    said = said if isinstance(said, Mapping) else {"value": said}  # of a bundle's own making
    value = said.get("value")
    value = float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None
    reason, about = (str(said.get(name) or "") for name in ("reason", "about"))
    if value is None and not reason:
        return None
    return Quality(value, reason, bool(said.get("doubtful")), said.get("features") or {}, about)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def input_digest(image: str | Path | Sequence) -> str:
    """Return the SHA-256 of an image's file; of the digests of all its files where there are several."""
    files = [file for source in _sources(image) for file in _files(split_series(source)[0])]
    digests = [file_digest(file) for file in files]
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _settings(record: Mapping) -> dict:
    """Return the settings of a record, in today's words: until 0.2.0 precision was called bfloat16, true or false."""
    settings = dict(record.get("settings") or {})
    if "bfloat16" in settings:
        settings["precision"] = "auto" if settings.pop("bfloat16") else "float32"
    return settings


def _sources(image: str | Path | Sequence) -> list[str | Path]:
    return [image] if isinstance(image, (str, Path)) else [path for path in image if path is not None]


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path] if path.is_file() else []
    return [file for file in sorted(path.iterdir()) if file.is_file() and is_dicom_file(file)]


def _version(package: str) -> str:
    try:
        return version(package)
    except ImportError:
        return "none"


def _device(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"{device.type}, {torch.get_num_threads()} threads"
