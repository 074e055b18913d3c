"""Write segmentations as BIDS derivatives."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from custom_networks.engines.case_evaluator import CaseResult
from custom_networks.errors import UserError
from custom_networks.results.palette import label_colour
from custom_networks.results.record import read_record
from custom_networks.results.write_result import write_json, write_result

from .. import __version__
from ..bundles import Bundle
from .dataset import BidsImage
from .names import BidsName, segmentation_name

BIDS_VERSION = "1.10.0"
COLUMNS = {
    "index": {"Description": "value in the segmentation"},
    "name": {"Description": "name of the structure"},
    "color": {"Description": "colour of the structure, sRGB in hexadecimal notation"},
}
RAW = "raw"  # what links call the data set that was segmented


class Derivatives:
    """A data set of derivatives: a discrete segmentation with a sidecar for each image, and a table of the labels.

    The bundle's usual results (table, page, pictures, records) lie in a folder of the bundle's name, which ``.bidsignore`` names.

    Args:
        folder: of the derivatives.
        root: of the data set that is segmented.
        bundle: that segments.

    Raises:
        UserError: when another data set is in the folder.
    """

    def __init__(self, folder: Path, root: Path, bundle: Bundle) -> None:
        self.folder, self.root, self.bundle = Path(folder), root, bundle
        self.results = self.folder / bundle.name
        words = bundle.name.removesuffix("_segmentation").split("_")
        self.desc = words[0] + "".join(word.capitalize() for word in words[1:])
        self.description = self._read_description()

    def names(self, images: Sequence[BidsImage]) -> list[BidsName]:
        """Return the names of the images' segmentations, no two alike."""
        names = [segmentation_name(image.name, self.desc, False) for image in images]
        shared = Counter(map(str, names))
        return [
            name if shared[str(name)] == 1 else segmentation_name(image.name, self.desc, True)
            for image, name in zip(images, names, strict=True)
        ]

    def begin(self) -> None:
        """Write what belongs to the data set as a whole."""
        mine = {"Name": "axial", "Version": __version__, "Description": f"{self.bundle.name} {self.bundle.version}"}
        others = [
            made
            for made in self.description.get("GeneratedBy", ())
            if made.get("Description", "").split()[:1] != [self.bundle.name]
        ]
        link = os.path.relpath(self.root, self.folder).replace(os.sep, "/")
        write_json(
            self.folder / "dataset_description.json",
            {
                "Name": "Segmentations by Axial",
                "BIDSVersion": BIDS_VERSION,
                "DatasetType": "derivative",
                "GeneratedBy": [*others, mine],
                "SourceDatasets": [{"URL": link}],
                "DatasetLinks": {RAW: link},
            },
        )
        ignored = self.folder / ".bidsignore"
        lines = ignored.read_text(encoding="utf-8").split("\n") if ignored.exists() else []
        if self.bundle.name not in lines:
            _write(ignored, "\n".join([*filter(None, lines), self.bundle.name, ""]))
        if not (self.folder / "README.md").exists():
            _write(self.folder / "README.md", README)

    def write(self, image: BidsImage, name: BidsName, result: CaseResult) -> Path:
        """Write the segmentation of one image; return its path."""
        target = self.folder / name.folder / "anat" / f"{name}.nii.gz"
        write_result(target, lambda path: shutil.copyfile(result.path, path), ".nii.gz")
        write_json(target.with_name(f"{name}.json"), self._sidecar(image, result))
        table = self.folder / f"desc-{name.entities['desc']}_dseg.tsv"
        _write(table, _table(self.bundle.classes))
        write_json(table.with_suffix(".json"), COLUMNS)  # columns alone, as masks inherit what else it says
        return target

    def _sidecar(self, image: BidsImage, result: CaseResult) -> dict:
        files = [file for file in (image.path, *image.others) if file is not None]
        sources = [f"bids:{RAW}:{Path(os.path.abspath(file)).relative_to(self.root).as_posix()}" for file in files]
        record = read_record(result.path) or {}
        return {
            "Description": f"{self.bundle.metadata['task']} (research only)",
            "Sources": sources,
            "SpatialReference": sources[0],
            "Manual": False,
            "Axial": {
                key: record[key]
                for key in ("bundle", "version", "weights_sha256", "settings", "warnings", "quality")
                if key in record
            },
        }

    def _read_description(self) -> Mapping:
        path = self.folder / "dataset_description.json"
        if not path.exists():
            return {}
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            ours = found["DatasetType"] == "derivative" and any(made.get("Name") == "axial" for made in found["GeneratedBy"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            ours = False
        if not ours:
            raise UserError(
                f"{self.folder}: another data set is there.", "Give -o a folder of its own, such as DATASET/derivatives/axial."
            )
        return found


def _table(classes: Mapping[str, str]) -> str:
    """Return the labels as BIDS has them: index, name, colour."""
    rows = ["index\tname\tcolor"]
    for value, name in classes.items():
        parts = (0, 0, 0) if value == "0" else [round(255 * part) for part in label_colour(int(value))]
        rows.append(f"{value}\t{name}\t#{bytes(parts).hex()}")
    return "\n".join([*rows, ""])


def _write(target: Path, text: str) -> None:
    write_result(target, lambda path: path.write_text(text, encoding="utf-8"))


README = """# Segmentations by Axial

`sub-*/[ses-*/]anat/*_dseg.nii.gz` are label maps on the grids of the images that their sidecars name; `desc-*_dseg.tsv` names the
labels. The folder of each bundle's name holds its measures, pictures, records and report. Research only: no medical device.
"""
