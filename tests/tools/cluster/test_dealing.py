"""Cases on three workers of a local Dask cluster: some die, none of the cases is lost, none is done twice."""

import json
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from dask import config
from distributed import Client, LocalCluster
from troubled_bundle import make_troubled_bundle, write_scans

from custom_networks.errors import UserError
from custom_networks.results.write_result import mark
from tools import __version__
from tools.bundles import Bundle
from tools.cluster.dealing import DaskCluster, _Dealt
from tools.cluster.opening import LOCAL, _start_quickly
from tools.cluster.worker import _Ready
from tools.results.job import Job
from tools.results.segmenting import Segmenter

pytestmark = pytest.mark.slow
GIB = 2**30


@pytest.fixture(scope="module")
def cluster():
    """A scheduler and three workers of 1 GiB each."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with config.set(LOCAL):
        _start_quickly(config)
        options = {"threads_per_worker": 1, "memory_limit": "1GiB", "dashboard_address": "127.0.0.1:0"}
        with LocalCluster(n_workers=3, silence_logs=logging.CRITICAL, **options) as cluster:
            yield cluster


@pytest.fixture
def troubled(tmp_path):
    return make_troubled_bundle(tmp_path / "spots_segmentation", tmp_path / "notes"), tmp_path / "notes"


def kill_when_begun(note) -> threading.Thread:
    """Kill the worker that begins a case."""

    def kill() -> None:
        while not note.exists() or not note.read_text():
            time.sleep(0.02)
        os.kill(int(note.read_text()), signal.SIGKILL)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    return thread


def shared_run(cluster, bundle, scans, output) -> tuple:
    """Return what is typed to share scans among a cluster's workers."""
    scheduler = ("--scheduler", cluster.scheduler_address)
    return ("segment", bundle, scans, "-o", output, *scheduler, "--trust", "--case-memory", 1)


@pytest.mark.parametrize("count", [24, pytest.param(200, marks=pytest.mark.exhaustive)])
def test_none_is_lost_none_done_twice_and_the_bytes_are_those_of_one_process(cluster, troubled, tmp_path, count):
    bundle, notes = troubled
    scans = write_scans(tmp_path / "scans", count, _7="killed", _11="large", _13="lacking")
    killer = kill_when_begun(notes / "case007_killed")
    with Client(cluster) as client:
        segmenter = Segmenter(Bundle(bundle), device="cpu")
        results = segmenter.segment([scans], tmp_path / "many", cluster=DaskCluster(client, GIB))
        offered = client.run(lambda dask_worker: dask_worker.state.total_resources["axial-case"])
        assert set(offered.values()) == {0}  # taken back
    killer.join()
    names = [f"case{index:03}" for index in range(count)]
    assert [result.name[:7] for result in results] == names and not any(result.error for result in results)
    assert sorted(line[:7] for line in (notes / "done").read_text().split()) == names
    begun = {path.name: path.read_text().split() for path in notes.iterdir() if path.name != "done"}
    again = {name.rpartition("_")[2]: pids for name, pids in begun.items() if len(pids) > 1}
    assert again.keys() == {"killed", "large", "lacking"}
    assert all(len(set(pids)) == len(pids) for pids in again.values()), again  # never the same worker

    alone = Segmenter(Bundle(bundle), device="cpu").segment([scans], tmp_path / "one")
    assert [result.measures for result in alone] == [result.measures for result in results]
    one, many = ({path.name: path for path in (tmp_path / folder).iterdir() if path.is_file()} for folder in ("one", "many"))
    assert one.keys() == many.keys()
    same = [name for name in one if not name.endswith((".json", ".html"))]
    assert len(same) == 2 * count + 1 and all(one[name].read_bytes() == many[name].read_bytes() for name in same)
    page = many["report.html"].read_text()
    assert page.count("<!-- case ") == count and f"{count} of {count} done" in page
    assert all(json.loads(path.read_text())["complete"] for name, path in many.items() if name.endswith(".record.json"))


def test_what_no_worker_can_do_is_said_and_what_was_done_is_kept(cluster, troubled, tmp_path, tools):
    bundle, notes = troubled
    scans = write_scans(tmp_path / "scans", 4, _1="never")
    (scans / "broken.nii.gz").write_bytes(b"no scan")
    options = shared_run(cluster, bundle, scans, tmp_path / "out")
    code, printed = tools(*options)
    assert code == 1 and "dashboard http://" in printed and "3 of 5 cases done" in printed
    assert "case001_never.nii.gz: too little memory on every worker that tried it." in printed and "cannot be read" in printed
    assert len(set((notes / "case001_never").read_text().split())) == 3  # each worker once
    code, printed = tools(*options, "--json")
    summary, _ = json.JSONDecoder().raw_decode(printed[printed.index("{") :])
    assert code == 1 and [case["state"] for case in summary["cases"]] == ["failed", "kept", "failed", "kept", "kept"]
    assert (notes / "done").read_text().count("\n") == 3


def test_a_job_that_no_worker_can_do_ends_in_one_line(cluster, troubled, tmp_path, tools):
    bundle, _ = troubled
    scans = write_scans(tmp_path / "scans", 2)
    options = shared_run(cluster, bundle, scans, tmp_path / "out")
    code, printed = tools(*options, "--device", "cuda:7")
    assert code == 2 and "no worker can do this" in printed and "--device cuda:7: not a device" in printed
    assert not list((tmp_path / "out").glob("*_seg.nii.gz"))
    assert tools(*options)[0] == 0  # the workers offer themselves again


def test_a_worker_of_another_version_gets_no_cases_and_is_named(cluster, troubled, tmp_path, tools):
    bundle, notes = troubled
    scans = write_scans(tmp_path / "scans", 4)
    with Client(cluster) as client:
        set_version = lambda version: setattr(sys.modules["tools.cluster.worker"], "__version__", version)  # noqa: E731
        odd = sorted(client.scheduler_info()["workers"])[0]
        client.run(set_version, "0.0.1", workers=[odd])
        code, printed = tools(*shared_run(cluster, bundle, scans, tmp_path / "some"))
        assert code == 0 and "4 of 4 cases done" in printed and (notes / "done").read_text().count("\n") == 4
        assert printed.count("It gets no cases") == printed.count(odd) <= 1  # none where the others were quicker
        client.run(set_version, "0.0.1")
        code, printed = tools(*shared_run(cluster, bundle, scans, tmp_path / "none"))
        client.run(set_version, __version__)
    assert code == 2 and f"Axial 0.0.1 is installed there, {__version__} here. Install the same." in printed
    assert not list((tmp_path / "none").glob("*seg*")) and not list((tmp_path / "none").glob(".*"))


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({"version": "0.0.1"}, f"Axial {__version__} is installed there, 0.0.1 here. Install the same."),
        ({"mark": "away/mark"}, "out is another folder there. Give -o one that all machines share, under the same path."),
        ({"source": "away"}, "away is not there. Have all machines see the images under the same path."),
        ({"weights": "away/model.pt"}, "away/model.pt"),
        ({"bundle": "away"}, "away"),
    ],
)
def test_a_worker_that_sees_other_folders_is_unfit(troubled, tmp_path, seen, said):
    bundle, _ = troubled
    weights, out = bundle / "models" / "model.pt", tmp_path / "out"
    with mark(tmp_path) as marked:
        job = Job(bundle, {}, weights, out, "_seg.nii.gz", (), False, mark=marked, source=tmp_path)
        _Ready(job).stack.close()
        job = replace(job, **{name: value if name == "version" else tmp_path / value for name, value in seen.items()})
        with pytest.raises(UserError) as raised:
            _Ready(job)
    assert said in str(raised.value) and not marked.exists()


def test_a_case_whose_workers_are_gone_is_taken_back():
    cancelled = []
    future = lambda key: SimpleNamespace(cancel=lambda: cancelled.append(key))  # noqa: E731
    cases = {
        key: _Dealt({"case": key}, ["a"] if where else [], where) for key, where in (("1", ["b"]), ("2", ["b", "c"]), ("3", []))
    }
    dealer = DaskCluster(None, GIB)
    dealer.running = {key: (future(key), dealt) for key, dealt in cases.items()}
    assert dealer._take_back({"a": 1, "b": 1, "c": 1}) == dealer._take_back({}) == []
    assert dealer._take_back({"a": 1, "c": 1}) == [cases["1"]]
    assert cancelled == ["1"] and dealer.running.keys() == {"2", "3"}


def test_overwritten_results_are_made_once_a_job(cluster, troubled, tmp_path):
    """A worker may be lost after its result is whole and before that is known; whoever gets the case then keeps the result."""
    bundle, notes = troubled
    (scan,) = write_scans(tmp_path / "scans", 1).iterdir()
    out = tmp_path / "out"
    job = Job(bundle, {}, bundle / "models" / "model.pt", out, "_seg.nii.gz", (), overwrite=True, device="cpu")
    for _ in range(2):
        ready = _Ready(job)
        finished = ready.segment({"image": str(scan), "case": "case000_plain"})
        ready.stack.close()
        assert not finished.result.skipped and finished.result.seconds > 0 and not finished.result.error
    assert (notes / "done").read_text() == "case000_plain\n"
