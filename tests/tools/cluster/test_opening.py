"""Clusters of this machine: how many processes, on which GPUs, and what is said where there can be none."""

import pytest
import torch
from simulated_gpu import SimulatedGPUs

from tools.cluster import gpus, opening
from tools.cluster.opening import GIB, UserError

PLENTY = 100 * GIB


@pytest.mark.parametrize(
    ("jobs", "memory", "gpu_count", "device", "expected", "said"),
    [
        (3, PLENTY, 0, None, 3, ""),
        (8, 7 * GIB, 0, None, 3, "3 processes in place of 8: each needs 2.0 GiB of 7.0"),
        (4, PLENTY, 2, None, 2, "2 processes in place of 4: one a GPU"),
        (4, PLENTY, 2, "cpu", 4, ""),
        (1, PLENTY, 2, None, 1, ""),
    ],
)
def test_processes_are_as_many_as_memory_and_gpus_carry(monkeypatch, jobs, memory, gpu_count, device, expected, said):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpu_count)
    lines = []
    assert opening._local_workers(jobs, 2 * GIB, memory, device, lines.append) == expected
    assert said in "".join(lines) and bool(said) == bool(lines)


def test_a_machine_without_memory_for_one_case():
    with pytest.raises(UserError, match=r"has 1\.0 GiB, and a case may take 2\.0"):
        opening._local_workers(2, 2 * GIB, GIB, None, print)


def test_every_process_has_a_gpu_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setattr(gpus.tempfile, "gettempdir", lambda: str(tmp_path))
    assert gpus.claim_device() == torch.device("cpu") or torch.cuda.is_available()
    with SimulatedGPUs(count=2):
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: type("Properties", (), {"uuid": f"GPU-{index}"}))
        claims: list[dict] = [{}, {}, {}]  # three processes
        for process, device in zip(claims, ("cuda:0", "cuda:1"), strict=False):
            monkeypatch.setattr(gpus, "_claims", process)
            assert gpus.claim_device() == gpus.claim_device() == torch.device(device)
        monkeypatch.setattr(gpus, "_claims", claims[2])
        with pytest.raises(UserError, match="every GPU of this machine has a worker"):
            gpus.claim_device()
        claims[0].pop(0).close()  # the first process ends
        assert gpus.claim_device() == torch.device("cuda:0")


def test_what_is_missing_is_named_with_its_remedy(monkeypatch, tools, tmp_path):
    monkeypatch.setattr(opening, "find_spec", lambda name: None)
    for option in (("--jobs", "2"), ("--scheduler", "tcp://10.0.0.1:8786")):
        code, printed = tools("segment", "digits", tmp_path, "-o", tmp_path / "out", *option)
        assert code == 2 and 'pip install "axial-bundles[cluster]"' in printed and not (tmp_path / "out").exists()
    code, printed = tools("segment", "digits", tmp_path, "-o", tmp_path / "out", "--jobs", "2", "--scheduler", "tcp://a:1")
    assert code == 2 and "only one of them" in printed


def test_a_scheduler_that_is_not_there(monkeypatch, tools, tmp_path):
    monkeypatch.setattr(opening, "REACH", 0.5)
    code, printed = tools("segment", "digits", tmp_path, "-o", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9")
    assert code == 2 and "--scheduler tcp://127.0.0.1:9: cannot be reached" in printed
    code, printed = tools("segment", "digits", tmp_path, "-o", tmp_path / "out", "--scheduler", "what")
    assert code == 2 and "Traceback" not in printed
