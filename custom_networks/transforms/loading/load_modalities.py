"""Load the images of a study as the channels of one."""

import logging
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, ResampleToMatch

from ...errors import UserError
from ...heads.raw_heads import RawHeads
from .load_volume import LoadVolumed

logger = logging.getLogger("axial")


class LoadModalitiesd(MapTransform):
    """Load a list of files, one a modality, into one image ``(C, X, Y, Z)`` on the grid of the first.

    An image of another grid is resampled, and the log says so. A single file must hold all modalities as channels along its
    fourth axis, which is how MONAI Label passes them.

    Args:
        keys: lists of paths, or single paths.
        modalities: names in the order of the channels.
        tolerance: difference of affines in mm from which an image is resampled.
        modality: that DICOM files should be of, as for `LoadVolumed`; the names above are those of sequences.
        any_modality: whether DICOM files of another modality are taken all the same.
        optional: those that may be missing; their channel is 0 then, and the log says that the answer is less sure. A single
            volume is then taken for the first modality.
        heads: tells heads with skull from stripped brains by the first modality. The other images are then registered to it, the
            brain is cut out and the bias field corrected, and the log says so. None takes images as they are.

    Raises:
        UserError: when an image is missing or damaged, is no volume, is given twice, lies elsewhere than the first, or has no
            orientation and another grid.
    """

    def __init__(
        self,
        keys: KeysCollection,
        modalities: Sequence[str],
        tolerance: float = 1e-2,
        modality: str | None = None,
        any_modality: bool = False,
        optional: Sequence[str] = (),
        heads: RawHeads | None = None,
    ) -> None:
        super().__init__(keys)
        self.modalities, self.optional, self.tolerance = tuple(modalities), tuple(optional), tolerance
        self.heads = heads
        self.load, self.resample = (
            LoadVolumed("image", modality, any_modality),
            ResampleToMatch(mode="bilinear", padding_mode="zeros"),
        )

    def __call__(self, data: Mapping[Hashable, object]) -> dict[Hashable, object]:
        data = dict(data)
        for key in self.key_iterator(data):
            paths = data[key] if isinstance(data[key], (list, tuple)) else [data[key]]
            data[key] = self._single(paths[0]) if len(paths) == 1 else self._join([p and str(p) for p in paths])
        return data

    def _single(self, source: str | Path | torch.Tensor) -> MetaTensor:
        image = self.load({"image": source})["image"]
        path = "image" if isinstance(source, torch.Tensor) else str(source)
        expected = len(self.modalities)
        if image.ndim == 3 and self.optional == self.modalities[1:] and self.optional:
            return self._join([path, *[None] * (expected - 1)], image)
        if image.ndim != 4 or image.shape[-1] != expected:
            shape = "x".join(str(size) for size in image.shape)
            names = " and ".join(self.modalities)
            raise UserError(f"{path}: shape {shape}.", f"Give the folder with {names}, or one file of {expected} channels.")
        channels = image.movedim(-1, 0)
        first, *others = (MetaTensor(channel[None].as_tensor(), affine=image.affine, meta=dict(image.meta)) for channel in channels)
        brain = self._brain(first, path)
        if brain is None:
            return _tensor(channels, image)
        aligned = [self._match(self.heads.aligned(other, first, path), first, path, path) for other in others]
        return _tensor(self._stripped([first, *aligned], brain, first), image)

    def _brain(self, first: MetaTensor, path: str) -> np.ndarray | None:
        """Return the mask of the brain of a head with its skull, None for what was stripped or is no head."""
        brain = None if self.heads is None else self.heads.find_brain(first)
        if brain is not None:
            logger.warning(
                "%s: a head with skull. The brain was cut out, other images were registered to it, the bias field was corrected; "
                "look at the mask.", path
            )  # fmt: skip
        return brain

    def _stripped(self, channels: Sequence[torch.Tensor], brain: np.ndarray, first: MetaTensor) -> torch.Tensor:
        return self.heads.stripped(torch.cat([torch.as_tensor(channel) for channel in channels]).float(), brain, first.affine)

    def _join(self, paths: list[str | None], given: MetaTensor | None = None) -> MetaTensor:
        """Return one image of several files; ``given`` is the first where it was loaded before."""
        first, brain = None, None
        channels: list[torch.Tensor] = []
        for name, path in zip(self.modalities, paths, strict=True):
            if path is None and name in self.optional and first is not None:
                logger.warning("%s: no %s beside it; results from %s alone are less certain.", paths[0], name, self.modalities[0])
                channels.append(torch.zeros_like(channels[0]))
                continue
            if path is None:
                raise UserError(f"{paths[0]}: no {name} image beside it.", f"Name it as this file, with {name} in its place.")
            image = given if first is None and given is not None else self.load({"image": path})["image"]
            if image.ndim != 3:
                raise UserError(f"{path}: an image of {image.ndim} axes.", "Give one volume a file.")
            image = image.unsqueeze(0)
            if first is None:
                first, brain = image, self._brain(image, path)
            elif brain is not None:
                image = self.heads.aligned(image, first, path)
            image = self._match(image, first, path, paths[0])
            for other, channel in zip(paths, channels, strict=False):
                if other is not None and torch.equal(channel, image.as_tensor()):
                    raise UserError(f"{path}: the same image as {other}.", f"Give {' and '.join(self.modalities)} of one person.")
            channels.append(image.as_tensor())
        return _tensor(torch.cat(channels) if brain is None else self._stripped(channels, brain, first), first)

    def _match(self, image: MetaTensor, first: MetaTensor, path: str, first_path: str) -> MetaTensor:
        difference = np.abs(np.asarray(image.affine) - np.asarray(first.affine)).max()
        if image.shape == first.shape and difference <= self.tolerance:
            return image
        for one, file, other in ((image, path, first_path), (first, first_path, path)):
            if _lies_nowhere(one):
                raise UserError(
                    f"{file}: its header has no orientation, so it cannot be laid over {other}.", "Convert both again from DICOM."
                )
        matched = self.resample(image, first)
        if not bool(matched.any()):
            raise UserError(f"{path}: does not overlap with {first_path}.", "Give images of one person and session.")
        if path != first_path:
            logger.warning("%s: has another grid than %s; resampled to it.", path, first_path)
        return matched


def _lies_nowhere(image: MetaTensor) -> bool:
    """Tell whether an image is a NIfTI file with neither sform nor qform."""
    return image.meta.get("sform_code") == 0 and image.meta.get("qform_code") == 0


def _tensor(channels: torch.Tensor, first: MetaTensor) -> MetaTensor:
    """Return channels with the meta data of the first image, as a loader leaves them."""
    meta = {key: value for key, value in first.meta.items() if key not in ("affine", "spatial_shape", "original_channel_dim")}
    meta |= {"spatial_shape": np.asarray(channels.shape[1:]), "original_channel_dim": 0}
    return MetaTensor(torch.as_tensor(channels).as_subclass(torch.Tensor), affine=first.affine, meta=meta)
