"""Bad cases in a row, at the start and at the end, leave the others untouched."""

import numpy as np
import pytest
import torch
from conftest import save_nifti
from monai.inferers import SimpleInferer
from monai.transforms import Compose, EnsureChannelFirstd

from custom_networks import CaseEvaluator, CheckVolumed, LoadVolumed, SaveLabelMapd, find_cases


def evaluator(folder, names, **settings) -> CaseEvaluator:
    return CaseEvaluator(
        device="cpu",
        cases=[{"image": str(folder / f"{name}.nii.gz")} for name in names],
        preprocessing=Compose(
            [LoadVolumed("image"), EnsureChannelFirstd("image", channel_dim="no_channel"), CheckVolumed("image")]
        ),
        network=torch.nn.Identity(),
        inferer=SimpleInferer(),
        postprocessing=Compose([lambda data: data | {"pred": data["pred"] > 0.5}, SaveLabelMapd("pred", folder / "out")]),
        output_dir=folder / "out",
        **settings,
    )


@pytest.fixture
def folder(tmp_path):
    for name in ("good", "fine", "nice"):
        save_nifti(tmp_path / f"{name}.nii.gz", np.random.rand(4, 5, 3).astype(np.float32))
    for name in ("bad", "worse", "worst"):
        (tmp_path / f"{name}.nii.gz").write_bytes(b"no image")
    return tmp_path


def test_bad_cases_in_any_place_are_reported_and_the_others_done(folder):
    names = ["bad", "worse", "good", "worst", "fine", "nice", "missing"]
    results = evaluator(folder, names).run()
    assert [result.name for result in results] == names
    assert [result.name for result in results if not result.error] == ["good", "fine", "nice"]
    assert all(f"{result.name}.nii.gz" in result.error for result in results if result.error)
    assert sorted(path.name for path in (folder / "out").iterdir()) == [f"{name}_seg.nii.gz" for name in ("fine", "good", "nice")]


def test_exit_code_is_one_when_a_case_failed(folder):
    engine = evaluator(folder, ["good", "bad"])
    engine.run()
    with pytest.raises(SystemExit) as end:
        engine.exit_if_failed()
    assert end.value.code == 1
    engine = evaluator(folder, ["good"])
    engine.run()
    engine.exit_if_failed()


def test_results_that_exist_are_kept_unless_overwritten(folder):
    (folder / "out").mkdir()
    target = folder / "out" / "good_seg.nii.gz"
    target.write_bytes(b"kept")
    assert evaluator(folder, ["good"]).run()[0].skipped
    assert target.read_bytes() == b"kept"
    assert not evaluator(folder, ["good"], overwrite=True).run()[0].skipped
    assert target.read_bytes() != b"kept"


def test_nothing_to_do_is_wrong_use(folder, caplog):
    engine = evaluator(folder, [])
    engine.cases = lambda: find_cases(folder / "nowhere")
    with pytest.raises(SystemExit) as end:
        engine.run()
    assert end.value.code == 2
    assert "nowhere: no such file or folder" in caplog.text


@pytest.mark.parametrize("answer", [float("nan"), float("inf")])
def test_an_answer_that_is_no_number_is_no_mask(folder, answer):
    """Such as float16 gives where it overflows."""
    engine = evaluator(folder, ["good", "fine"])
    calls = iter([answer, 1.0])
    engine.inferer = lambda image, network: image * next(calls)
    results = engine.run()
    assert "good.nii.gz: the network's answer holds NaN" in results[0].error and results[1].error is None
    assert [path.name for path in (folder / "out").iterdir()] == ["fine_seg.nii.gz"]
