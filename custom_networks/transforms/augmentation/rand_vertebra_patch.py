"""Draw the patches that iterative instance segmentation trains on."""

from collections.abc import Hashable, Mapping

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from scipy.ndimage import binary_erosion

from ...geometry.regions import crop, touches_border, vertebra_boxes
from ...vertebrae.names import check_direction, level_of

COMPLETE = 0.98  # share of a vertebra's voxels in the patch from which on it counts as complete


class RandVertebraPatchd(RandomizableTransform, MapTransform):
    """Cut a patch around one vertebra of a scan and say what the network is to do there.

    A vertebra is drawn; the memory holds all that come before it in the traversal; it is the target. The centre of the patch is
    drawn from what the traversal meets: anywhere in the vertebra's bounding box, close to its centre, or close to the centre of
    its predecessor, where the traversal looks for it first; the first of a scan may lie anywhere in the patch. Some patches are
    empty, with every vertebra in the memory and nothing to segment: at the end of the traversal, at any vertebra, or anywhere.
    Where a patch leaves the scan it is filled with ``outside``.

    Written are ``image`` (1 channel), ``label`` (target and memory, 2 channels), ``complete`` (1, 0, or -1 where nothing is to
    be segmented) and ``number`` (its level as `level_of` has it, 0 where there is none).

    Args:
        keys: image and label, in this order; ``(1, X, Y, Z)`` in RAS, labels are VerSe numbers.
        patch: side of the cubic patch in voxels.
        direction: ``"down"`` or ``"up"``, the traversal's.
        empty: share of empty patches.
        thin: probability of a patch that is lower than wide, to be stretched afterwards.
        thin_size: height of such a patch in voxels.
        worn_memory: probability that the memory is eroded or shifted by a voxel, as the traversal's own masks are not perfect.
        outside: value of the image beyond the scan.

    Reference:
        Lessmann et al., Medical Image Analysis 53:142-155, 2019, section 2.4; shares of the centres are ours.
    """

    def __init__(
        self,
        keys: KeysCollection,
        patch: int = 128,
        direction: str = "down",
        empty: float = 0.2,
        thin: float = 0.0,
        thin_size: int = 80,
        worn_memory: float = 0.0,
        outside: float = -1.0,
    ) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self)
        self.patch, self.direction, self.empty = patch, check_direction(direction), empty
        self.thin, self.thin_size, self.worn_memory, self.outside = thin, thin_size, worn_memory, outside

    def randomize(self, shape: tuple[int, ...], boxes: dict, order: list[int]) -> None:
        """Draw the patch's size and corner, the vertebra to segment, and how the memory is worn.

        Args:
            shape: of the scan.
            boxes: vertebrae and their bounding boxes.
            order: of the vertebrae in the traversal.
        """
        self.size = np.full(3, self.patch)
        if self.R.random() < self.thin:
            self.size[2] = self.thin_size
        nothing = not order or self.R.random() < self.empty
        self.chosen = None if nothing else order[self.R.randint(len(order))]
        centre = self._empty_centre(shape, boxes, order) if nothing else self._centre(boxes, order, self.chosen)
        self.corner = np.round(centre - self.size / 2).astype(int)
        self.worn = self.R.random() < self.worn_memory
        self.shift = None if self.worn and self.R.random() < 0.4 else self.R.randint(-1, 2, 3)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        data = dict(data)
        image_key, label_key = self.keys
        image, labels = data[image_key][0].numpy(), data[label_key][0].numpy().astype(np.uint8)
        boxes = vertebra_boxes(labels)
        order = sorted(boxes, key=lambda code: -_middle(boxes[code])[2] if self.direction == "down" else _middle(boxes[code])[2])
        self.randomize(labels.shape, boxes, order)
        chosen, corner, size = self.chosen, self.corner, self.size
        crop_labels = crop(labels, corner, size, 0)
        before = order if chosen is None else order[: order.index(chosen)]
        memory = np.isin(crop_labels, before)
        target = crop_labels == (chosen or 255)
        complete, number = -1.0, 0.0
        if target.any():
            visible = np.count_nonzero(target) / np.count_nonzero(labels[boxes[chosen]] == chosen)
            complete = float(visible >= COMPLETE and not touches_border(boxes[chosen], labels.shape))
            number = level_of(chosen)
        if self.worn:
            memory = worn(memory, self.shift)
        data[image_key] = torch.from_numpy(crop(image, corner, size, self.outside)[None])
        data[label_key] = torch.from_numpy(np.stack([target, memory]).astype(np.float32))
        return data | {"complete": complete, "number": number}

    def _centre(self, boxes: dict, order: list[int], chosen: int) -> np.ndarray:
        kind = self.R.random()
        box = boxes[chosen]
        if kind < 0.45:
            return np.array([self.R.uniform(part.start, part.stop) for part in box])
        position = order.index(chosen)
        if kind < 0.75 and not position:  # the first is met by a window that knows nothing of it
            return _middle(box) + self.R.uniform(-0.4, 0.4, 3) * self.patch
        if kind < 0.75:
            box = boxes[order[position - 1]]
        return _middle(box) + self.R.uniform(-4, 4, 3)

    def _empty_centre(self, shape, boxes: dict, order: list[int]) -> np.ndarray:
        """Half of the empty patches lie where the traversal ends, at or beyond the last vertebra, for there it must end."""
        kind = self.R.random()
        if not order or kind < 0.25:
            return np.array([self.R.uniform(0, n) for n in shape])
        if kind < 0.5:
            return _middle(boxes[order[self.R.randint(len(order))]]) + self.R.uniform(-10, 10, 3)
        step = self.R.uniform(-0.1, 0.6) * self.patch
        beyond = np.array([0, 0, -step if self.direction == "down" else step])
        return _middle(boxes[order[-1]]) + beyond + self.R.uniform(-10, 10, 3)


def worn(memory: np.ndarray, shift: np.ndarray | None) -> np.ndarray:
    """Return a memory that is shifted by voxels, or eroded where no shift is given."""
    return binary_erosion(memory) if shift is None else np.roll(memory, shift, axis=(0, 1, 2))


def _middle(box: tuple[slice, ...]) -> np.ndarray:
    return np.array([(part.start + part.stop) / 2 for part in box])
