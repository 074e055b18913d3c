"""Write what is known of every vertebra beside the mask."""

import json
from collections.abc import Hashable, Mapping
from pathlib import Path

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import SaveImaged

from ...cases.names import result_name
from ...geometry.regions import label_boxes
from ...geometry.voxels import voxel_volume
from ...results.write_result import write_json
from ...vertebrae.centroids import slicer_markups, verse_centroids
from ...vertebrae.names import NAMES


class SaveVertebraed(SaveImaged):
    """Write ``<case>_seg.json``: label, its probability, name, completeness, volume in mm3, centroid in mm of every vertebra.

    Above them stands what `Spine.describe` says: whether the numbers are certain, vertebrae that were missed, the second-best
    numbering, warnings.

    ``<case>_ctd.json`` holds the centroids as VerSe has them, ``<case>_centroids.mrk.json`` as 3D Slicer opens them.

    Volumes and centroids are those of the label map on the file's own grid; centroids are in the file's world coordinates (RAS+
    in NIfTI). A vertebra that left no voxel on that grid is listed with volume 0 and no centroid. A subclass of MONAI's
    ``SaveImaged`` because MONAI Label drops transforms of that class and writes results itself.

    Args:
        keys: label maps as `RestoreInstancesd` leaves them.
        output_dir: folder to write to; made when missing.

    Raises:
        UserError: when the file cannot be written.
    """

    def __init__(self, keys: KeysCollection, output_dir: str | Path) -> None:
        super().__init__(keys, output_dir=output_dir, print_log=False)
        self.output_dir = Path(output_dir)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            name = result_name(data, data[key].meta)
            if name is None:
                continue
            spine = json.loads(data[key].meta.get("spine", "{}"))
            rows = describe_vertebrae(data[key])
            affine = np.asarray(data[key].meta["original_affine"], dtype=float)
            write_json(self.output_dir / f"{name}_ctd.json", verse_centroids(rows, affine))
            write_json(self.output_dir / f"{name}_centroids.mrk.json", slicer_markups(rows))
            write_json(self.output_dir / f"{name}_seg.json", {"case": name} | spine | {"vertebrae": rows})
        return data


def describe_vertebrae(label: torch.Tensor) -> list[dict]:
    """Return one row a vertebra, from top to bottom of the sequence of numbers."""
    array = label[0].cpu().numpy()
    array = array if array.ndim == 3 else array[..., None]
    affine = np.asarray(label.meta["original_affine"], dtype=float)
    voxel = voxel_volume(affine)
    found = json.loads(label.meta.get("vertebrae", "[]"))
    boxes = dict(enumerate(label_boxes(array), start=1))
    rows = []
    for vertebra in sorted(found, key=lambda row: row["number"]):
        box = boxes.get(vertebra["number"])
        points = np.empty((0, 3))
        if box is not None:
            points = np.argwhere(array[box] == vertebra["number"]) + [part.start for part in box]
        centroid = (affine[:3, :3] @ points.mean(0) + affine[:3, 3]).round(2).tolist() if len(points) else None
        estimate = vertebra["estimate"]
        rows.append({
            "label": vertebra["number"],
            "name": NAMES[vertebra["number"]],
            "label_probability": vertebra["probability"],
            "complete": vertebra["complete"],
            "completeness": vertebra["completeness"],
            "estimated_label": None if estimate is None else round(estimate, 2),
            "volume_mm3": round(len(points) * voxel, 1),
            "centroid_mm": centroid,
            "steps": vertebra["steps"],
        })  # fmt: skip
    return rows
