"""Lesions of other patients painted into a batch."""

from collections.abc import Sequence

import numpy as np
import torch
from nibabel.affines import from_matvec

from ....data.lesion_shapes import LesionMap
from ....data.patch_batches import apply_places, sample
from .fields import BatchTransform, blur, smooth_field

MATTER = 0.2  # least T1 of white matter, in standard deviations over the median of the brain
LEVELS = (0.25, 0.6)  # of the smoothed mask, above which a lesion is; it grows and shrinks by that


class BatchLesions(BatchTransform):
    """Paint lesions of another patient into white matter, at their place in the head or nearby, and mark them.

    Maps and scans lie in one space (MNI); a scan of another space gets lesions at whatever place falls into white matter, which is
    what T1 shows bright, outside lesions. What then lies elsewhere is left out. The contrast is drawn for each patch and varies
    smoothly; borders are soft, and the tissue's texture stays below.

    Args:
        maps: lesions of patients, see `load_lesion_maps`; without any, nothing is done.
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
        flair: tuple[float, float] = (0.9, 3.0),
        t1: tuple[float, float] = (-1.5, 0.1),
        shift: float = 6.0,
        scale: float = 0.15,
    ) -> None:
        super().__init__(prob=prob)
        self.maps, self.flair, self.t1, self.shift, self.scale = list(maps), flair, t1, shift, scale
        self._volumes: dict[int, torch.Tensor] = {}

    def __call__(self, batch: dict) -> dict:
        items = self.chosen(batch) if self.maps else ()
        if not len(items):
            return batch
        share = torch.zeros_like(batch["label"])
        for item in items:
            share[item] = self._share(batch["place"][item : item + 1], batch["label"].shape[2:])
        contrast = torch.cat([self.uniform(self.flair, share), self.uniform(self.t1, share)], 1)
        contrast = contrast * (1 + 0.25 * smooth_field(share, 4, 2)).clamp(0.3, 1.7)
        return paint_batch(batch, share > self.uniform(LEVELS, share), contrast)

    def _share(self, place: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
        number = self.R.randint(len(self.maps))
        if number not in self._volumes:
            share = torch.from_numpy(self.maps[number].share).to(place.device)
            self._volumes[number] = torch.stack([share, share])
        mirror = np.diag([self.R.choice([-1, 1]), 1, 1]) * self.R.uniform(1 - self.scale, 1 + self.scale)
        moved = from_matvec(mirror, self.R.normal(0, self.shift, 3))
        to_map = torch.tensor(np.linalg.inv(self.maps[number].affine) @ moved, dtype=torch.float32, device=place.device)
        whole = torch.cat([place[0], torch.tensor([[0, 0, 0, 1.0]], device=place.device)])
        return sample(self._volumes[number], apply_places((to_map @ whole)[None, :3], shape))[0, :1]


def paint_batch(batch: dict, lesions: torch.Tensor, contrast: torch.Tensor) -> dict:
    """Paint lesions where white matter is and no lesion yet, and mark them by 1.

    Args:
        batch: ``image`` ``(B, 2, X, Y, Z)``, FLAIR and T1; ``label`` and ``brain`` ``(B, 1, X, Y, Z)``.
        lesions: mask ``(B, 1, X, Y, Z)``.
        contrast: what is added to FLAIR and T1, ``(B, 2, X, Y, Z)`` or of sides 1.
    """
    image, label = batch["image"], batch["label"]
    white = blur((image[:, 1:2] > MATTER).float(), 0.8) > 0.5  # noise makes holes in white matter
    mask = lesions & white & (label == 0) & (batch["brain"] > 0)
    soft = torch.maximum(blur(mask.float(), 0.8), 0.6 * mask) * batch["brain"]
    return batch | {"image": image + soft * contrast, "label": torch.where(mask, 1.0, label)}
