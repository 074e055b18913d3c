"""Write the class of a picture as JSON."""

from collections.abc import Hashable, Mapping
from pathlib import Path

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform

from ...cases.names import result_name
from ...results.write_result import write_json


class SavePredictiond(MapTransform):
    """Write ``<case>_pred.json`` with the class, its name and the probabilities of all classes.

    Args:
        keys: probabilities, ``(classes,)``.
        output_dir: folder to write to; made when missing.
        names: names of the classes.
    """

    def __init__(self, keys: KeysCollection, output_dir: str | Path, names: list[str]) -> None:
        super().__init__(keys)
        self.output_dir, self.names = Path(output_dir), names

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        for key in self.key_iterator(data):
            name = result_name(data, data["image"].meta)
            if name is None:
                continue
            probabilities = [round(float(value), 6) for value in data[key]]
            best = max(range(len(probabilities)), key=probabilities.__getitem__)
            content = {"case": name, "class": best, "name": self.names[best], "probabilities": probabilities}
            write_json(self.output_dir / f"{name}_pred.json", content)
        return data
