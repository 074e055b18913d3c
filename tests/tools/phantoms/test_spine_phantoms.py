"""Analytic spines and CT made from label maps."""

import json

import nibabel
import numpy as np
import pytest
from conftest import save_nifti
from scipy.ndimage import binary_dilation
from scipy.ndimage import label as connected

from custom_networks import UserError
from tools.layout.mixing import merge
from tools.phantoms.spine import make_spine_labels, make_spine_phantom
from tools.phantoms.spine_anatomy import COUNTS, L6, SHORTEST, T13, Person, draw_part, draw_unusual_person, sequence
from tools.synthesis import codes
from tools.synthesis.painting import BONES, paint_ct
from tools.synthesis.scanner import average_pool, pool_instances, scan
from tools.synthesis.surroundings import surround
from tools.synthesis.write import find_sources, write_synthetic


@pytest.fixture(scope="module")
def abdomen():
    return make_spine_labels(np.random.default_rng(0), "abdomen", Person())


def test_every_vertebra_once_and_from_top_to_bottom(abdomen):
    numbers = [n for n in np.unique(abdomen) if n and n != codes.SACRUM and n != codes.BONE]
    assert numbers == list(range(18, 25))
    heights = [np.argwhere(abdomen == n)[:, 2].mean() for n in numbers]
    assert heights == sorted(heights, reverse=True)
    volumes = [np.count_nonzero(abdomen == n) / 1000 for n in numbers]
    assert all(25 < volume < 110 for volume in volumes) and volumes[-1] > volumes[0]


def test_instances_are_in_one_piece_at_2_mm(abdomen):
    pooled = pool_instances(abdomen, 2, codes.VERTEBRAE)
    for n in range(18, 25):
        assert connected(pooled == n, np.ones((3, 3, 3)))[1] == 1
    assert not np.isin(pooled, (codes.SACRUM, codes.BONE)).any()


def test_spinous_processes_point_to_the_back(abdomen):
    for n in (21, 22):
        points = np.argwhere(abdomen == n)
        middle = np.median(points[:, 0])
        behind = points[points[:, 1] == points[:, 1].min()]
        assert np.abs(behind[:, 0] - middle).max() < 8


def test_a_fracture_lowers_the_front():
    plain, broken = (
        make_spine_labels(np.random.default_rng(0), "abdomen", Person(fractured=loss)) == 21 for loss in ({}, {21: 0.5})
    )
    assert np.count_nonzero(broken) < 0.92 * np.count_nonzero(plain)


@pytest.mark.parametrize(("extra", "neighbour"), [(T13, 19), (L6, 24)])
def test_transitional_anatomy(extra, neighbour):
    labels = make_spine_labels(np.random.default_rng(0), "abdomen", Person(extra=extra))
    heights = {n: np.argwhere(labels == n)[:, 2].mean() for n in (neighbour, extra)}
    assert heights[extra] < heights[neighbour]


def test_screws_and_hip_implants_are_metal():
    labels = make_spine_labels(np.random.default_rng(0), "abdomen", Person(screws=(21,), hip_implant=True), (230, 150))
    metal = np.argwhere(labels == codes.METAL)
    assert len(metal) > 1000
    ct = paint_ct(labels, np.random.default_rng(0))
    assert ct[labels == codes.METAL].min() > 1500


def test_whole_body_has_a_skull_and_legs():
    labels = make_spine_labels(np.random.default_rng(0), "body", Person())
    vertebrae = np.flatnonzero(np.isin(labels, codes.VERTEBRAE).any(axis=(0, 1)))
    assert labels[..., : vertebrae[0] - 200].any() and labels[..., vertebrae[-1] + 100 :].any()
    assert labels.shape[2] > 1000


def test_ct_has_the_tissues_it_should(abdomen):
    random = np.random.default_rng(1)
    everything = surround(abdomen, random)
    assert not (everything == codes.UNKNOWN).any()
    assert np.array_equal(everything[abdomen > 0], abdomen[abdomen > 0])
    assert {codes.AIR, codes.FAT, codes.MUSCLE, codes.DISC, codes.CANAL} <= set(np.unique(everything))
    ct = paint_ct(everything, random)
    assert ct[everything == codes.AIR].mean() < -950 and -130 < ct[everything == codes.FAT].mean() < -60
    bone = np.isin(everything, BONES)
    assert ct[bone].mean() > ct[everything == codes.MUSCLE].mean() + 60


def test_contrast_medium_is_as_bright_as_pale_bones_beside_it(abdomen):
    everything = surround(abdomen, np.random.default_rng(1), enhanced=True)
    ct = paint_ct(everything, np.random.default_rng(1), enhanced=True)
    vessel, bone = everything == codes.VESSEL, np.isin(everything, codes.VERTEBRAE)
    assert (binary_dilation(vessel, iterations=3) & bone).any()
    assert ct[vessel].mean() > np.median(ct[bone])
    assert 150 < ct[vessel].mean() < 430
    plain = paint_ct(everything, np.random.default_rng(1))
    assert ct[bone].mean() < plain[bone].mean() - 50


def test_family_of_contrast_medium_lies_below_the_neck():
    phantom = make_spine_phantom(np.random.default_rng(3), "contrast", factor=4)
    numbers = set(np.unique(phantom.label).tolist()) - {0}
    assert len(numbers) >= SHORTEST - 1 and min(numbers) >= 8


def test_scanned_image_keeps_its_place(abdomen):
    """Blur, thick slices and noise move no edge: a slab's centre of mass stays."""
    slab = np.full((30, 30, 60), -1000.0, np.float32)
    slab[:, :, 20:35] = 1000
    for seed in range(8):
        image = scan(slab, np.random.default_rng(seed), 2.0)
        profile = np.clip(image.mean(axis=(0, 1)) + 1000, 0, None)
        assert abs(np.average(np.arange(60), weights=profile) - 27) < 0.6


def test_average_pool():
    array = np.arange(64, dtype=float).reshape(4, 4, 4)
    assert average_pool(array, 2)[0, 0, 0] == array[:2, :2, :2].mean()


def test_pool_instances_by_hand():
    labels = np.zeros((4, 2, 2), np.uint8)
    labels[0, 0] = 20  # 2 of 8: less than half
    labels[2:, :, 0] = 21  # 4 of 8
    assert pool_instances(labels, 2, codes.VERTEBRAE).ravel().tolist() == [0, 21]


def test_phantom_is_reproducible_and_consistent():
    first, second = (make_spine_phantom(np.random.default_rng(4), "cervical") for _ in range(2))
    assert np.array_equal(first.image, second.image) and np.array_equal(first.label, second.label)
    assert first.image.shape == first.label.shape and first.image.dtype == np.int16
    np.testing.assert_allclose(np.abs(np.diag(first.affine)[:3]), 2)


def test_unknown_family():
    with pytest.raises(UserError, match="no such family"):
        make_spine_labels(np.random.default_rng(0), "tail")


@pytest.fixture
def label_folder(tmp_path, abdomen):
    folder = tmp_path / "masks"
    folder.mkdir()
    part = np.where(np.isin(abdomen, codes.VERTEBRAE), abdomen, 0)[::2, ::2, ::2].astype(np.uint8)
    save_nifti(folder / "one.nii.gz", part[..., 60:140], np.diag([2.0, 2.0, 2.0, 1.0]))
    return folder


def test_synthetic_ct_from_label_maps(tmp_path, label_folder):
    paths = [write_synthetic(tmp_path / name, find_sources([label_folder], None, 0), 2, seed=3) for name in ("a", "b")]
    entries = [json.loads(path.read_text())["training"] for path in paths]
    assert len(entries[0]) == 2
    for entry in entries[0]:
        image, label = (nibabel.load(tmp_path / "a" / entry[key]) for key in ("image", "label"))
        assert image.shape == label.shape and np.allclose(image.header.get_zooms(), 2)
        array, labels = np.asarray(image.dataobj), np.asarray(label.dataobj)
        assert set(np.unique(labels)) <= {0, *range(18, 25)} and labels.any()
        assert array[labels > 0].mean() > array[labels == 0].mean() + 100
        again = nibabel.load(tmp_path / "b" / entry["image"])
        assert np.array_equal(array, np.asarray(again.dataobj))


def test_deformed_copies_of_a_scan(tmp_path, label_folder):
    """The deformed label stays on the deformed bone."""
    labels = np.asarray(nibabel.load(label_folder / "one.nii.gz").dataobj)
    source = tmp_path / "scan"
    source.mkdir()
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    save_nifti(source / "ct.nii.gz", np.where(labels > 0, 600, -50).astype(np.int16), affine)
    save_nifti(source / "mask.nii.gz", labels, affine)
    entry = {"image": "ct.nii.gz", "label": "mask.nii.gz"}
    (source / "dataset.json").write_text(json.dumps({"training": [entry]}))
    path = write_synthetic(tmp_path / "out", find_sources([source], None, 0), 3, seed=0)
    for entry in json.loads(path.read_text())["training"]:
        ct, label = (np.asarray(nibabel.load(tmp_path / "out" / entry[key]).dataobj) for key in ("image", "label"))
        bright = ct > 250
        both = np.count_nonzero(bright & (label > 0))
        assert 2 * both / (np.count_nonzero(bright) + np.count_nonzero(label)) > 0.8


def test_thirteenth_thoracic_vertebra_has_ribs():
    labels = np.zeros((160, 120, 80), np.uint8)
    labels[60:100, 40:80, 25:55] = T13
    ribs = surround(labels, np.random.default_rng(0)) == codes.BONE
    assert ribs[:60].any() and ribs[100:].any()
    labels[labels == T13] = 20
    assert not (surround(labels, np.random.default_rng(0)) == codes.BONE).any()


def test_floating_ribs_are_shorter_and_nothing_else_changes():
    labels = np.zeros((200, 160, 140), np.uint8)
    for code, height in ((20, 10), (19, 45), (18, 80), (17, 115)):
        labels[80:120, 60:100, height : height + 25] = code
    full, floating = (surround(labels, np.random.default_rng(1), floating=floats) for floats in (False, True))
    assert np.isin(full[full != floating], codes.BONE).all() and (full != floating).any()
    only_thoracic = np.where(labels == 20, 0, labels)  # which ribs are the last ones is not known
    ribs = [surround(only_thoracic, np.random.default_rng(1), floating=floats) for floats in (False, True)]
    np.testing.assert_array_equal(*ribs)


def test_parts_of_unusual_spines():
    """Any part, from above, from below or between; a sacrum only below the person's own last lumbar vertebra."""
    random = np.random.default_rng(3)
    people = [draw_unusual_person(random) for _ in range(60)]
    assert {(person.extra, person.lacking) for person in people} == set(COUNTS)
    tall = Person(extra=L6)
    parts = [draw_part(sequence("unusual", tall), random) for _ in range(40)]
    assert {part[0] for part in parts} > {1} and {part[-1] for part in parts} > {L6}
    assert all(len(part) >= SHORTEST for part in parts)
    labels = make_spine_labels(np.random.default_rng(5), "unusual", tall)
    assert (codes.SACRUM in labels) == (L6 in labels)


def test_mix_weighs_by_folder(tmp_path):
    for name, count in (("a", 2), ("b", 4)):
        (tmp_path / name).mkdir()
        entries = [{"image": f"{i}.nii.gz", "label": f"{i}l.nii.gz"} for i in range(count)]
        sections = {"training": entries, "validation": [{"image": "v.nii.gz", "label": "vl.nii.gz"}], "test": []}
        (tmp_path / name / "dataset.json").write_text(json.dumps(sections))
    data = json.loads(merge(tmp_path / "mix", {tmp_path / "a": 0.75, tmp_path / "b": 0.25}).read_text())
    assert [entry["weight"] for entry in data["training"]] == [0.375] * 2 + [0.0625] * 4
    assert len(data["validation"]) == 2 and "weight" not in data["validation"][0]
    data = json.loads(merge(tmp_path / "late", {tmp_path / "a": 0.5, tmp_path / "b": 0.5}, after={tmp_path / "b": 0.8}).read_text())
    assert [entry.get("after") for entry in data["training"]] == [None] * 2 + [0.8] * 4
    data = json.loads(merge(tmp_path / "all", {tmp_path / "a": 0.75, tmp_path / "b": 0.25}, whole=True).read_text())
    assert [entry["weight"] for entry in data["training"]] == [0.25] * 3 + [0.05] * 5
    assert not data["validation"] and not data["test"]
    with pytest.raises(UserError, match=r"c/dataset\.json: not found"):
        merge(tmp_path / "other", {tmp_path / "c": 1.0})
