"""Bundles that were made segment as the others do: on the scan's own grid, with picture, measures, record and maps."""

import json

import nibabel
import numpy as np
import pytest
import torch
from conftest import save_nifti
from own_data import write_nnunet, write_pairs, write_pictures

from tools.bundles import Bundle
from tools.planning.making import make_bundle
from tools.results.segmenting import Segmenter


def give_weights(folder) -> Bundle:
    """Save the network as it begins."""
    bundle = Bundle(folder)
    with bundle.parser("inference.json") as parser:
        torch.save(parser.get_parsed_content("network_def").state_dict(), folder / "models" / "model.pt")
    return bundle


LAYOUTS = {
    "pairs": (write_pairs, {}, "case_0_image.nii.gz", "case_0_image"),
    "planes of a volume": (write_pairs, {"dimensions": 2}, "case_0_image.nii.gz", "case_0_image"),
    "channels": (write_nnunet, {}, "imagesTr/case_0_0000.nii.gz", "case_0_0000"),
    "pictures": (write_pictures, {}, "images/0.png", "0"),
}


@pytest.mark.parametrize(("write", "options", "image", "name"), LAYOUTS.values(), ids=list(LAYOUTS))
def test_every_layout_is_segmented_on_its_own_grid(tmp_path, write, options, image, name):
    data = write(tmp_path / "data")
    bundle = give_weights(make_bundle("two_balls", data, tmp_path, **options).folder)
    (result,) = Segmenter(bundle, maps=True).segment([data / image], tmp_path / "out", exports=["seg-nrrd"])
    assert result.error is None, result.error
    mask = nibabel.load(tmp_path / "out" / f"{name}_seg.nii.gz")
    if image.endswith(".png"):
        assert mask.shape == (64, 48)
    else:
        source = nibabel.load(data / image)
        assert mask.shape == source.shape and np.allclose(mask.affine, source.affine)
    assert set(np.unique(mask.dataobj)) <= {0, *map(int, bundle.classes)}
    for ending in ("_overlay.png", "_seg.record.json", "_probability.nii.gz", ".seg.nrrd"):
        assert (tmp_path / "out" / f"{name}{ending}").is_file()
    table = (tmp_path / "out" / "measures.csv").read_text()
    assert all(f",{structure}," in table for structure in list(bundle.classes.values())[1:] if structure in table)
    assert name in table


def test_labels_of_many_classes_are_chosen_before_the_way_back(tmp_path):
    (tmp_path / "data").mkdir()
    random, affine = np.random.default_rng(0), np.diag([1.5, 1.5, 3.0, 1.0])
    label = np.arange(20 * 18 * 10).reshape(20, 18, 10) % 8
    for number in range(3):
        save_nifti(tmp_path / "data" / f"{number}_image.nii.gz", random.normal(size=label.shape).astype(np.float32), affine)
        save_nifti(tmp_path / "data" / f"{number}_label.nii.gz", label.astype(np.uint8), affine)
    made = make_bundle("seven_classes", tmp_path / "data", tmp_path)
    steps = json.loads((made.folder / "configs" / "inference.json").read_text())["postprocessing"]["transforms"]
    assert [step["_target_"] for step in steps[:2]] == ["AsDiscreted", "Invertd"] and made.plan.argmax_first
    assert made.plan.mirror == [1, 2]  # classes that nobody named may have sides
    bundle = give_weights(made.folder)
    (result,) = Segmenter(bundle).segment([tmp_path / "data" / "0_image.nii.gz"], tmp_path / "out")
    assert result.error is None and nibabel.load(result.path).shape == label.shape
    with pytest.raises(Exception, match="has no probabilities of voxels"):
        Segmenter(bundle, maps=True)
