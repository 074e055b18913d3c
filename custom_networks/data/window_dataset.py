"""All windows of a grid over the brains of a data set."""

import itertools
from collections.abc import Sequence

from monai.data import CacheDataset
from monai.transforms import Transform
from torch.utils.data import Dataset


class WindowDataset(Dataset):
    """Cut every window of a regular grid whose centre lies in the brain out of preprocessed scans, as the seed does.

    Args:
        data: entries of a data list.
        transform: preprocessing of an entry; the scans are kept in memory.
        keys: images ``(C, X, Y, Z)`` to cut.
        mask_key: mask of the brain.
        window: side of the windows in voxels.
        step: voxels from one window to the next.
    """

    def __init__(
        self, data: list[dict], transform: Transform, keys: Sequence[str], mask_key: str, window: int = 32, step: int = 16
    ) -> None:
        self.data, self.scans = data, CacheDataset(data, transform, progress=False)
        self.keys, self.window = tuple(keys), window
        self.places = []
        for index in range(len(data)):
            mask = self.scans[index][mask_key][0]
            starts = [range(0, max(size - window, 0) + 1, step) for size in mask.shape]
            for start in itertools.product(*starts):
                if mask[tuple(low + window // 2 for low in start)]:
                    self.places.append((index, tuple(slice(low, low + window) for low in start)))

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, number: int) -> dict:
        index, box = self.places[number]
        scan = self.scans[index]
        return {key: scan[key][(slice(None), *box)] for key in self.keys}
