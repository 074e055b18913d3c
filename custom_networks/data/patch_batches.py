"""Batches of patches, cut out of whole scans on the device that trains."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product

import numpy as np
import torch
from monai.transforms import Randomizable, Transform
from nibabel.affines import apply_affine
from scipy.spatial.transform import Rotation
from torch.nn.functional import grid_sample, interpolate
from torch.utils.data import IterableDataset

from .data_list import case_weights
from .lesion_shapes import LesionMap

CANDIDATES = 50000  # places kept of a scan's lesions, and of its brain, to draw centres from
MNI_CENTRE = np.array([0.0, -18.0, 5.0])  # mm; middle of the box around a brain in the MNI space
FAR = 30.0  # mm, from which a scan is taken to lie in another space
BENDING_POINTS = 5  # control points of the bending along an axis
FARTHEST = 4.0  # standard deviations that nothing is bent further than


class PatchBatches(IterableDataset, Randomizable):
    """Draw whole batches of turned, scaled, bent and mirrored patches; scans stay in the memory of one device.

    Each patch is resampled once from its scan, and what augments it afterwards works on the whole batch, so that a GPU is not kept
    waiting by the CPU. Load it with ``DataLoader(..., batch_size=None, num_workers=0)``.

    Args:
        data: entries of a data list; `case_weights` tells how often each is drawn. One that names ``after``, a share of the epochs,
            is not drawn before that.
        transform: makes of an entry ``image`` ``(C, X, Y, Z)``, and ``label`` and ``brain`` ``(1, X, Y, Z)``, all of 1 mm in RAS.
        patch: side of the patches in voxels, or three.
        batch_size: patches.
        length: batches an epoch.
        foreground: share of the patches whose centre is a voxel of label 1, or, where the scan has none, of `maps`.
        rotate: largest angle in radians, about a random axis.
        scale: largest relative change of size, of each axis.
        shift: largest distance in voxels of the patch's centre from the voxel drawn.
        bend: standard deviation in voxels of a smooth displacement.
        flip: whether half of the patches are mirrored left to right.
        maps: lesions of patients in the MNI space, whose places count as those of scans without any.
        augment: applied to a batch ``{"image", "label", "brain", "place"}``; ``place`` ``(B, 3, 4)``, in the computer's own memory,
            maps voxels of each patch to mm of its scan, moved to where the MNI space has the brain if it lies elsewhere.
        device: where scans are kept and batches are made.

    Shape:
        image ``(B, C, P, P, P)``, label and brain ``(B, 1, P, P, P)``, float32.
    """

    def __init__(
        self,
        data: Sequence[dict],
        transform: Transform,
        patch: int | Sequence[int],
        batch_size: int,
        length: int,
        foreground: float = 0.4,
        rotate: float = 0.35,
        scale: float = 0.15,
        shift: float = 12.0,
        bend: float = 1.5,
        flip: bool = True,
        maps: Sequence[LesionMap] = (),
        augment: Callable[[dict], dict] | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.data, self.transform = data, transform
        self.patch = np.broadcast_to(np.asarray(patch, int), 3)
        self.batch_size, self.length, self.foreground = batch_size, length, foreground
        self.rotate, self.scale, self.shift, self.bend, self.flip = rotate, scale, shift, bend, flip
        self.maps, self.augment, self.device = maps, augment, torch.device(device)
        self.scans: list[dict] = []
        self.progress = 1.0

    def __len__(self) -> int:
        return self.length

    def set_epoch(self, epoch: int, epochs: int) -> None:
        """Say which epoch, counted from 1, of how many is drawn next."""
        self.progress = epoch / epochs

    def draws_late(self) -> bool:
        """Tell whether entries that come late are drawn in this epoch."""
        return any(0 < entry.get("after", 0) < self.progress for entry in self.data)

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> "PatchBatches":
        super().set_random_state(seed, state)
        if isinstance(self.augment, Randomizable):
            self.augment.set_random_state(seed, state)
        return self

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        if not self.scans:
            self.scans = [self._load(entry) for entry in self.data]
        self.set_random_state(int(np.random.randint(2**31 - 1)))
        weights = np.asarray(case_weights(self.data)) * [self.progress > entry.get("after", 0) for entry in self.data]
        for _ in range(self.length):
            scans = self.R.choice(len(self.scans), self.batch_size, p=weights / weights.sum())
            matrices = np.stack([self._draw(self.scans[index]) for index in scans])
            batch = self._cut(scans, matrices)
            yield batch if self.augment is None else self.augment(batch)

    def _load(self, entry: dict) -> dict:
        item = self.transform(entry)
        affine = np.asarray(getattr(item["image"], "affine", np.eye(4)), float)
        image, label, brain = (torch.as_tensor(item[key]).as_subclass(torch.Tensor) for key in ("image", "label", "brain"))
        places = {}
        for name, mask in (("lesion", label[0] == 1), ("brain", brain[0] > 0)):
            found = torch.nonzero(mask).numpy()
            places[name] = found[np.random.RandomState(0).permutation(len(found))[:CANDIDATES]]  # the same in every process
        affine = near_mni(affine, places["brain"])
        if not len(places["lesion"]):
            places["lesion"] = _likely(self.maps, affine, brain[0].numpy() > 0)
        kept = torch.cat([image, brain.to(image), label.to(image)]).to(self.device, torch.float16)
        return {"volume": kept, "affine": affine} | places

    def _draw(self, scan: dict) -> np.ndarray:
        """Return the matrix ``(3, 4)`` from voxels of a patch to those of the scan."""
        wanted = scan["lesion"] if len(scan["lesion"]) and self.R.random() < self.foreground else scan["brain"]
        centre = wanted[self.R.randint(len(wanted))] + self.R.uniform(-self.shift, self.shift, 3)
        axis = self.R.normal(size=3)
        turn = Rotation.from_rotvec(axis / np.linalg.norm(axis) * self.R.uniform(-self.rotate, self.rotate)).as_matrix()
        sizes = self.R.uniform(1 - self.scale, 1 + self.scale) * self.R.uniform(1 - self.scale / 3, 1 + self.scale / 3, 3)
        sizes[0] *= -1 if self.flip and self.R.random() < 0.5 else 1
        matrix = turn * sizes
        return np.concatenate([matrix, (centre - matrix @ (self.patch - 1) / 2)[:, None]], 1)

    def _cut(self, scans: np.ndarray, matrices: np.ndarray) -> dict[str, torch.Tensor]:
        coordinates = self._coordinates(sent(matrices.astype(np.float32), self.device))
        first = self.scans[scans[0]]["volume"]
        cut = torch.empty((len(scans), len(first), *self.patch), device=self.device)
        for index in np.unique(scans):
            members = np.flatnonzero(scans == index)
            low, high = self._limits(matrices[members])
            index_of = sent(members, self.device)
            cut[index_of] = sample(self.scans[index]["volume"], coordinates[index_of], low, high)
        affines = np.stack([self.scans[index]["affine"][:3] for index in scans])
        offsets = affines[:, :, :3] @ matrices[:, :, 3:] + affines[:, :, 3:]
        place = np.concatenate([affines[:, :, :3] @ matrices[:, :, :3], offsets], 2)
        return {
            "image": cut[:, :-2] * (cut[:, -2:-1] > 0.5),
            "brain": (cut[:, -2:-1] > 0.5).float(),
            "label": cut[:, -1:],
            "place": torch.tensor(place, dtype=torch.float32),
        }

    def _limits(self, matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and highest place, ``(3,)``, that the patches of matrices ``(N, 3, 4)`` come to in the scan."""
        corners = np.array(list(product((0, 1), repeat=3))) * (self.patch - 1)
        places = np.einsum("nij,kj->nki", matrices[:, :, :3], corners) + matrices[:, None, :, 3]
        return places.min((0, 1)) - FARTHEST * self.bend, places.max((0, 1)) + FARTHEST * self.bend

    def _coordinates(self, matrices: torch.Tensor) -> torch.Tensor:
        """Return where in the scan each voxel of each patch lies, ``(B, P, P, P, 3)`` in voxels, bending included."""
        coordinates = apply_places(matrices, self.patch)
        if self.bend:
            points = torch.randn(len(matrices), 3, *[BENDING_POINTS] * 3, device=self.device)
            points = points.clamp(-FARTHEST, FARTHEST) * self.bend
            coordinates = coordinates + interpolate(points, tuple(self.patch), mode="trilinear", align_corners=True).movedim(1, -1)
        return coordinates


def _likely(maps: Sequence[LesionMap], affine: np.ndarray, brain: np.ndarray) -> np.ndarray:
    """Return the voxels ``(N, 3)`` of a brain ``(X, Y, Z)`` where patients have lesions, each as often as patients do."""
    if not len(maps):
        return np.empty((0, 3), int)
    places = np.concatenate([apply_affine(lesions.affine, np.argwhere(lesions.share > 0.5)) for lesions in maps])
    voxels = np.round(apply_affine(np.linalg.inv(affine), places)).astype(int)
    voxels = voxels[((voxels >= 0) & (voxels < brain.shape)).all(1)]
    voxels = voxels[brain[tuple(voxels.T)]]
    return voxels[np.random.RandomState(0).permutation(len(voxels))[:CANDIDATES]]


def near_mni(affine: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return an affine that puts a brain's voxels ``(N, 3)`` about where the MNI space has them: itself, or one moved."""
    if not len(places):
        return affine
    centre = affine[:3, :3] @ (places.min(0) + places.max(0)) / 2 + affine[:3, 3]
    moved = affine.copy()
    moved[:3, 3] += MNI_CENTRE - centre
    return moved if np.linalg.norm(MNI_CENTRE - centre) > FAR else affine


def apply_places(matrices: torch.Tensor, patch: Sequence[int]) -> torch.Tensor:
    """Return what matrices ``(B, 3, 4)`` make of the voxels of a patch, ``(B, X, Y, Z, 3)``."""
    axes = [torch.arange(int(side), dtype=torch.float32, device=matrices.device) for side in patch]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)
    return torch.einsum("bij,xyzj->bxyzi", matrices[:, :, :3], grid) + matrices[:, None, None, None, :, 3]


def sent(values: np.ndarray, device: torch.device) -> torch.Tensor:
    """Return an array as a tensor on a device, without waiting for what the device still has to do."""
    tensor = torch.from_numpy(values)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def sample(
    volume: torch.Tensor, coordinates: torch.Tensor, lowest: Sequence[float] | None = None, highest: Sequence[float] | None = None
) -> torch.Tensor:
    """Sample a volume, the last channel by nearest neighbour, the others linearly, with 0 outside.

    Args:
        volume: ``(C, X, Y, Z)``.
        coordinates: in its voxels, ``(N, P, P, P, 3)``.
        lowest: that coordinates may be, ``(3,)``, so that float32 is made of no more of the volume than is needed.
        highest: that they may be; None is everywhere.

    Returns:
        ``(N, C, P, P, P)``, float32.
    """
    last = np.array(volume.shape[1:]) - 1
    low, high = np.zeros_like(last), last
    if lowest is not None and highest is not None:
        low = np.clip(np.floor(lowest), 0, np.maximum(last - 1, 0)).astype(int)
        high = np.minimum(np.maximum(np.ceil(highest).astype(int), low + 1), last)
    volume = volume[:, *(slice(start, end + 1) for start, end in zip(low, high, strict=True))]
    first, steps = sent(np.stack([low, np.maximum(high - low, 1)]).astype(np.float32), coordinates.device)
    grid = (2 * (coordinates - first) / steps - 1).flip(-1)
    grid = grid.flatten(0, 1)[None]  # patches one below the other, so that the volume is not repeated
    parts = [
        grid_sample(part[None].float(), grid, mode=mode, align_corners=True)
        for part, mode in ((volume[:-1], "bilinear"), (volume[-1:], "nearest"))
    ]
    joined = torch.cat(parts, 1)[0]
    return joined.reshape(len(joined), *coordinates.shape[:-1]).transpose(0, 1)
