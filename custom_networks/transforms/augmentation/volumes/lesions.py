"""Lesions of other patients painted into a batch."""

from collections.abc import Sequence

import numpy as np
import torch
from nibabel.affines import from_matvec
from scipy import ndimage
from torch.nn.functional import max_pool3d

from ....data.lesion_shapes import LesionMap
from ....data.patch_batches import apply_places, sample, sent
from ....metrics.lesions import CONNECTIVITY
from .fields import BatchTransform, blur, smooth_field

MATTER = 0.2  # least T1 of white matter, in standard deviations over the median of the brain
FLUID = -1.8  # most T1 of fluid
RIM = 2  # voxels, how far from fluid and from white matter alike the wall of a ventricle is
MOST_KEPT = 1.5  # share of a patient's lesions; a third of the patches get them all
LEVELS = (0.25, 0.6)  # of the smoothed mask, above which a lesion is; it grows and shrinks by that


class BatchLesions(BatchTransform):
    """Paint lesions of another patient into white matter, at their place in the head or nearby, and mark them.

    Maps and scans lie in one space (MNI); a scan of another space gets lesions at whatever place falls into white matter, which is
    what T1 shows bright, or the walls of the ventricles beside it, outside lesions. What then lies elsewhere is left out. The
    contrast is drawn for each patch and varies smoothly; borders are soft, and a random share of the tissue's texture stays below.
    Of a patient's lesions each patch gets a random share, from none to all, as low loads teach to leave alone what is no lesion.

    Args:
        maps: lesions of patients, see `load_lesion_maps`; without any, nothing is done. They are drawn by the root of their volume.
        prob: probability that a patch gets lesions.
        flair: range of the contrast to white matter on FLAIR, in standard deviations of the brain.
        t1: the same on T1.
        shift: standard deviation in mm of the displacement.
        scale: largest relative change of size.
    """

    def __init__(
        self,
        maps: Sequence[LesionMap] = (),
        prob: float = 0.4,
        flair: tuple[float, float] = (1.0, 3.0),
        t1: tuple[float, float] = (-2.4, 0.1),
        shift: float = 6.0,
        scale: float = 0.15,
    ) -> None:
        super().__init__(prob=prob)
        self.maps, self.flair, self.t1, self.shift, self.scale = list(maps), flair, t1, shift, scale
        load = np.sqrt([np.sum(lesions.share) for lesions in self.maps])
        self.weights = load / load.sum() if len(load) else load
        self._volumes: dict[int, tuple[torch.Tensor, int]] = {}  # share and number of the nearest lesion; how many lesions

    def __call__(self, batch: dict) -> dict:
        items = self.chosen(batch) if self.maps else ()
        if not len(items):
            return batch
        share = torch.zeros_like(batch["label"])
        for item in items:
            share[item] = self._share(batch["place"][item].numpy(), share, self.R.uniform(0, MOST_KEPT))
        contrast = torch.cat([self.uniform(self.flair, share), self.uniform(self.t1, share)], 1)
        contrast = contrast * (1 + 0.3 * smooth_field(share, 4, 2)).clamp(0.5, 1.6)
        return paint_batch(batch, share > self.uniform(LEVELS, share), contrast, self.uniform((0, 1), share))

    def _share(self, place: np.ndarray, like: torch.Tensor, kept: float) -> torch.Tensor:
        number = self.R.choice(len(self.maps), p=self.weights)
        if number not in self._volumes:
            share = self.maps[number].share
            nearest = nearest_lesions(share)
            self._volumes[number] = torch.from_numpy(np.stack([share, nearest])).to(like.device), int(nearest.max())
        volume, count = self._volumes[number]
        mirror = np.diag([self.R.choice([-1, 1]), 1, 1]) * self.R.uniform(1 - self.scale, 1 + self.scale)
        moved = from_matvec(mirror, self.R.normal(0, self.shift, 3))
        to_map = np.linalg.inv(self.maps[number].affine) @ moved @ np.concatenate([place, [[0, 0, 0, 1]]])
        places = apply_places(sent(to_map[None, :3].astype(np.float32), like.device), like.shape[2:])
        share, lesions = sample(volume, places)[0].split(1)
        chosen = sent((self.R.random(count + 1) < kept).astype(np.float32), like.device)
        return share * chosen[lesions.round().long()]


def nearest_lesions(share: np.ndarray) -> np.ndarray:
    """Number the lesions of a map from 1, and give every voxel ``(X, Y, Z)`` the number of the nearest one, float32."""
    numbers, count = ndimage.label(share > 0.5, CONNECTIVITY)
    if not count:
        return np.zeros_like(share)
    nearest = ndimage.distance_transform_edt(numbers == 0, return_distances=False, return_indices=True)
    return numbers[tuple(nearest)].astype(np.float32)


def paint_batch(batch: dict, lesions: torch.Tensor, contrast: torch.Tensor, texture: torch.Tensor | float = 1.0) -> dict:
    """Paint lesions where white matter or the wall of a ventricle is and no lesion yet, and mark them by 1.

    Args:
        batch: ``image`` ``(B, 2, X, Y, Z)``, FLAIR and T1; ``label`` and ``brain`` ``(B, 1, X, Y, Z)``.
        lesions: mask ``(B, 1, X, Y, Z)``.
        contrast: to the patch's white matter on FLAIR and T1, ``(B, 2, X, Y, Z)`` or of sides 1.
        texture: share of what tells the tissue from the patch's white matter that stays in lesions, ``(B, 1, 1, 1, 1)``; of a wall
            nothing stays, since fluid shares its voxels.
    """
    image, label = batch["image"], batch["label"]
    white = blur((image[:, 1:2] > MATTER).float(), 0.8) > 0.5  # noise makes holes in white matter
    wall = walls(image[:, 1:2], white) * batch["brain"]
    mask = lesions & (white | (wall > 0)) & (label == 0) & (batch["brain"] > 0)
    level = (image * white).sum((2, 3, 4), keepdim=True) / white.sum((2, 3, 4), keepdim=True).clamp(min=1)
    change = contrast + (1 - texture * (wall == 0)) * (level - image)
    soft = torch.maximum(blur(mask.float(), 0.8), 0.6 * mask) * batch["brain"]
    return batch | {"image": image + soft * change, "label": torch.where(mask, 1.0, label)}


def walls(t1: torch.Tensor, white: torch.Tensor) -> torch.Tensor:
    """Return 1 between white matter and fluid, where voxels hold some of both, ``(B, 1, X, Y, Z)``."""
    fluid = t1 < FLUID
    near = torch.cat([fluid, white]).float()
    for axis in range(3):  # one after the other they are much faster than a cube, and the same
        sides = [RIM if other == axis else 0 for other in range(3)]
        near = max_pool3d(near, [2 * side + 1 for side in sides], 1, sides)
    return near[: len(t1)] * near[len(t1) :] * ~(fluid | white)
