"""The slices of a data set, ready to be augmented in batches."""

import logging
from collections.abc import Callable, Sequence

import torch
from monai.transforms import SpatialPad
from torch.utils.data import Dataset

from ..errors import UserError

logger = logging.getLogger("axial")


class SliceDataset(Dataset):
    """Preprocess every case once and keep its labelled slices, all of one size, on a device.

    Slices are cut or filled up around the middle of their labels, so that what augmentation can draw lies around the structure.

    Args:
        data: entries of a data list, each with ``image``, ``label`` and perhaps ``weight``.
        transform: brings an entry to ``image`` and ``label`` ``(1, X, Y, Z)`` of one grid.
        size: X and Y of the slices; None where all have one size already.
        padding: ``"edge"`` or ``"constant"`` (zeros), what fills an image up; labels are filled with ``background``.
        background: label of what fills up.
        labelled: slices without one of these labels are left out; None keeps all.
        device: where the slices are kept.

    Raises:
        UserError: when no slice is kept.

    Attributes:
        weights: of the slices; those of a case sum up to the weight of its entry.
        on_gpu: whether they are kept on a GPU.
    """

    def __init__(
        self,
        data: Sequence[dict],
        transform: Callable,
        size: Sequence[int] | None = None,
        padding: str = "edge",
        background: int = 0,
        labelled: Sequence[int] | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.data, self.on_gpu = data, torch.device(device).type == "cuda"
        self.slices: list[dict[str, torch.Tensor]] = []
        self.weights: list[float] = []
        for entry in data:
            case = transform(dict(entry))
            image = case["image"].as_subclass(torch.Tensor).float()
            label = case["label"].as_subclass(torch.Tensor).to(torch.uint8)
            kept = [
                z
                for z in range(label.shape[3])
                if labelled is None or bool(torch.isin(label[..., z], torch.tensor(labelled, dtype=torch.uint8)).any())
            ]
            if not kept:
                logger.warning("%s: no slice has a label to learn; left out.", entry.get("image"))
                continue
            if size is not None:
                image, label = cut_around_label(image, label, size, padding, background)
            self.slices += [{"image": image[..., z].to(device), "label": label[..., z].to(device)} for z in kept]
            self.weights += [float(entry.get("weight", len(kept))) / len(kept)] * len(kept)
        if not self.slices:
            raise UserError("no slice of the training cases has a label to learn.", "Check their labels.")

    def __len__(self) -> int:
        return len(self.slices)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return self.slices[index]


def cut_around_label(
    image: torch.Tensor, label: torch.Tensor, size: Sequence[int], padding: str = "edge", background: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut and fill up image and label ``(1, X, Y, Z)`` to X and Y of a size, around the middle of what is not background."""
    drawn = (label != background).any(3)[0]
    for axis, side in enumerate(size):
        places = torch.nonzero(drawn.any(1 - axis))[:, 0]
        middle = float(places.float().mean()) if len(places) else (label.shape[axis + 1] - 1) / 2
        length = label.shape[axis + 1]
        start = min(max(round(middle - (side - 1) / 2), 0), max(length - side, 0))
        image, label = (array.narrow(axis + 1, start, min(side, length)) for array in (image, label))
    extent = (*size, label.shape[3])
    image = SpatialPad(extent, mode=padding)(image)
    label = SpatialPad(extent, mode="constant", value=background)(label)
    return image.as_subclass(torch.Tensor), label.as_subclass(torch.Tensor)
