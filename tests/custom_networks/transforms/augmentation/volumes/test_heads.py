import nibabel
import numpy as np
import torch

from custom_networks import BatchHeads, LoadHeadLabelsd
from custom_networks.data.head_labels import brain_of
from custom_networks.transforms.augmentation.volumes.heads import scale_by_quantiles


def head() -> np.ndarray:
    """Scalp (515), fluid (24), cortex (3), white matter (2), ventricle (4), a sulcus of fluid."""
    axes = np.meshgrid(*[np.arange(n) - n / 2 + 0.5 for n in (40, 48, 36)], indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in axes))
    labels = np.select([radius < 4, radius < 9, radius < 12, radius < 14, radius < 17], [4, 2, 3, 24, 515], 0)
    labels[(radius > 8) & (radius < 14) & (np.abs(axes[0]) < 1)] = 24
    return labels


def test_the_brain_holds_ventricles_and_sulci_and_not_the_fluid_around():
    labels = head()
    brain = brain_of(labels, spacing=2.0)
    assert brain[20, 24, 18] and brain[20, 34, 18]  # ventricle, sulcus
    assert not brain[labels == 515].any() and (labels[brain] == 24).mean() < 0.1
    assert brain[np.isin(labels, (2, 3, 4))].all()


def test_labels_are_loaded_in_ras_and_outside_ones_are_lowered(tmp_path):
    flipped = nibabel.Nifti1Image(np.ascontiguousarray(head()[::-1]).astype(np.int16), np.diag([-2.0, 2, 2, 1]))
    nibabel.save(flipped, tmp_path / "head.nii.gz")
    item = LoadHeadLabelsd("label")({"label": str(tmp_path / "head.nii.gz")})
    expected = np.where(head() == 515, 215, head())
    np.testing.assert_array_equal(item["label"][0].numpy(), expected)
    np.testing.assert_array_equal(item["brain"][0].numpy() > 0, brain_of(head(), 2.0))


def test_heads_are_drawn_within_bounds_and_the_brain_is_the_label():
    codes = torch.from_numpy(np.where(head() == 515, 215, head())).float()[None, None].repeat(3, 1, 1, 1, 1)
    brain = torch.from_numpy(brain_of(head(), 2.0)).float()[None, None].repeat(3, 1, 1, 1, 1)
    transform = BatchHeads(stripped=1.0, bias=0.0)
    transform.set_random_state(0)
    drawn = transform({"image": brain, "label": codes, "brain": brain})
    assert drawn["image"].shape == codes.shape and torch.equal(drawn["label"], brain)
    assert float(drawn["image"].min()) == 0 and float(drawn["image"].max()) <= 1
    assert float(drawn["image"][codes == 215].mean()) < float(drawn["image"][brain > 0].mean()) / 2  # black scalp
    assert not torch.equal(drawn["image"][0], drawn["image"][1])


def test_images_are_scaled_by_their_own_quantiles():
    image = torch.linspace(10, 30, 16**3).reshape(1, 1, 16, 16, 16)
    scaled = scale_by_quantiles(torch.cat([image, 5 * image]))
    torch.testing.assert_close(scaled[0], scaled[1])
    assert float(scaled.min()) == 0 and float(scaled.max()) == 1 and abs(float(scaled.mean()) - 0.5) < 0.05
