import csv
import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from conftest import CHEST, DIGITS, GRAY_MATTER, LESIONS
from rich.console import Console

from custom_networks import NoPoolASPP, UserError
from custom_networks.heads.raw_heads import is_cut_out
from custom_networks.networks.fusion import fuse
from tools.benchmarks import against, many
from tools.benchmarks.cases import full_field_cases, raw_head
from tools.benchmarks.history import draw, keep
from tools.benchmarks.peak import operations_counter
from tools.benchmarks.processes import Usage, run_python
from tools.benchmarks.record import Record
from tools.benchmarks.run import bench
from tools.benchmarks.stages import Result, Stages
from tools.bundles import Bundle
from tools.scoring.dice import label_dice

STAGES = Stages(load=1.0, preprocess=2.0, network=4.0, postprocess=2.0, save=1.0)


def result(float32=5.0, dice=0.9995, bundle="a") -> Result:
    return Result(bundle, "4x4", STAGES, STAGES, 6e9, 2e9, float32, dice, 100.0)


@pytest.mark.parametrize(
    ("float32", "dice", "gate"), [(5.0, 0.9995, "passed"), (3.0, 1.0, "failed"), (5.0, 0.9985, "failed"), (None, None, "")]
)
def test_bfloat16_must_be_faster_and_the_same(float32, dice, gate):
    assert result(float32, dice).gate == gate


def test_memory_of_a_process_is_its_own_not_of_the_one_that_measures():
    held = np.ones(300 * 2**20, np.uint8)  # in use while the other process starts
    small, large = (run_python(["-c", f"b'x' * {size}"]).memory for size in (1, 50 * 2**20))
    assert held.all() and small < 60 and 45 < large - small < 60


def test_memory_that_a_process_tells_of_itself_is_not_of_the_one_that_started_it():
    held = np.ones(300 * 2**20, np.uint8)
    code = "from tools.benchmarks.processes import own_peak_memory; print(own_peak_memory())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert held.all() and 1 < float(told) < 200


def test_ratios_are_of_the_machines_own_peak():
    assert (result().needed, result().of_peak, result().outside) == pytest.approx((3.0, 0.75, 0.6))


def test_label_maps_are_compared_label_by_label():
    first, second = np.array([0, 1, 1, 2, 2]), np.array([0, 1, 0, 2, 3])
    assert label_dice(first, second, np.union1d(first, second)) == pytest.approx([2 / 3, 2 / 3, 0])
    assert STAGES.total == 10


def test_history_keeps_other_releases_and_replaces_its_own(tmp_path):
    path = tmp_path / "bench" / "history.csv"
    keep(path, "1.0", [result(bundle="a"), result(bundle="b")])
    keep(path, "2.0", [result(bundle="a")])
    rows = keep(path, "1.0", [result(bundle="b")])
    assert sorted((row["release"], row["bundle"]) for row in rows) == [("1.0", "a"), ("1.0", "b"), ("2.0", "a")]
    with path.open(newline="") as stream:
        assert list(csv.DictReader(stream)) == rows
    assert rows[0]["of peak"] == "0.75" and rows[0]["case over network at peak"] == "3.33"
    draw(rows, tmp_path / "history.png")
    assert (tmp_path / "history.png").read_bytes().startswith(b"\x89PNG")


def test_history_is_drawn_without_measuring(tools, tmp_path):
    path, picture = tmp_path / "history.csv", tmp_path / "docs" / "history.png"
    code, text = tools("bench", "--draw", picture, "--history", path)
    assert code == 2 and "history.csv: no ratios to draw. " in " ".join(text.split()) + " " and not picture.exists()
    keep(path, "1.0", [result(bundle="a")])
    assert tools("bench", "--draw", picture, "--history", path)[0] == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    for given, drawn in ((tmp_path, picture), (tmp_path / "other.csv", picture), (path, picture.with_suffix(".svg"))):
        code, text = tools("bench", "--draw", drawn, "--history", given)
        assert code == 2 and "fault" not in text and not picture.with_suffix(".svg").exists()
    code, text = tools("bench", "digits", "--draw", picture, "--history", path)
    assert code == 2 and "without effect beside --draw" in text


def test_cords_have_a_whole_field_of_view(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("tools.benchmarks.cases.make_cord_phantom", lambda *arguments: drawn.append(arguments[2:]) or small())
    assert len(full_field_cases(Bundle(GRAY_MATTER), tmp_path)) == 2
    assert drawn == [((200 / 256, 150 / 192), (200.0, 150.0), 20), ((0.5, 0.5), (224.0, 224.0), 15)]


def small():
    class Phantom:
        image = label = np.zeros((3, 4, 2), np.uint8)
        affine = np.eye(4)

    return Phantom()


def test_tables_of_the_smallest_bundle(tmp_path, monkeypatch):
    monkeypatch.setattr("tools.benchmarks.run.bench_startup", lambda radiograph: [f"radiograph: {radiograph}"])
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n")
    out, history = tmp_path / "out", tmp_path / "history.csv"
    bench([Bundle(DIGITS)], Console(quiet=True), out, readme, history=history)
    content = json.loads((out / "benchmark.json").read_text())
    measured = content["bundles"][DIGITS.name]
    assert measured["bundle"] == DIGITS.name and all(seconds >= 0 for seconds in measured["steady"].values())
    assert measured["memory"] > 100 and measured["operations"] > 1e5 and measured["of_peak"] > 0
    assert content["notes"] == {"start": ["radiograph: False"]} and "float32" in content["rates"]
    assert history.exists() and (out / "history.png").exists()
    text = readme.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text and f"| {DIGITS.name} |" in text
    readme.write_text("no marks")
    with pytest.raises(UserError, match="no lines"):
        bench([], Console(quiet=True), None, readme)


@pytest.fixture
def measured(monkeypatch):
    """Measure nothing; return what was asked for."""
    asked = []
    monkeypatch.setattr("tools.benchmarks.run.bench_startup", lambda radiograph: asked.append("start") or ["quick"])
    for part in ("network", "bound"):
        told = lambda bundle, part=part: asked.append(f"{bundle.name}: {part}") or ["fast"]  # noqa: E731
        monkeypatch.setattr(f"tools.benchmarks.run.bench_{part}", told)

    def measure(bundle, data):
        asked.append(bundle.name)
        return result(bundle=bundle.name)

    monkeypatch.setattr("tools.benchmarks.run._measure", measure)
    return asked


def test_a_run_that_was_stopped_goes_on(tmp_path, measured, monkeypatch):
    out, history, readme = tmp_path / "out", tmp_path / "history.csv", tmp_path / "README.md"
    readme.write_text("<!-- bench -->\n<!-- /bench -->\n")

    def stop(bundle, count):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("tools.benchmarks.run.bench_many", stop)
        bench([Bundle(DIGITS), Bundle(CHEST)], Console(quiet=True), out, readme, history=history, many=20)
    first = [DIGITS.name, CHEST.name, f"{CHEST.name}: network", f"{CHEST.name}: bound"]
    assert measured == first and json.loads((out / "benchmark.json").read_text())["notes"] == {name: ["fast"] for name in first[2:]}
    assert len(history.read_text().splitlines()) == 3 and readme.read_text() == "<!-- bench -->\n<!-- /bench -->\n"
    monkeypatch.setattr("tools.benchmarks.run.bench_many", lambda bundle, count: [f"{count} of {bundle.name}"])
    bench([Bundle(CHEST)], Console(quiet=True), out, readme, history=history, many=20, resume=True)
    assert measured == [*first, "start"]
    table, notes = readme.read_text().split("\nMeasured on ")
    assert [line.split(" | ")[0] for line in table.splitlines()[3:]] == [f"| {CHEST.name}", f"| {DIGITS.name}"]
    assert [line for line in notes.splitlines() if line.startswith("- ")] == [
        f"- {CHEST.name}: 20 of {CHEST.name}", f"- {CHEST.name}: fast", f"- {CHEST.name}: fast", "- start: quick",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"), [("{}", "not a record"), ("[1", "not a record"), ("[]", "not a record"), (None, "measured on other")]
)
def test_what_cannot_be_gone_on_from(tmp_path, measured, text, reason):
    if text is None:
        Record("other", "", path=tmp_path / "benchmark.json").add("x", ["y"])
    else:
        (tmp_path / "benchmark.json").write_text(text)
    before = (tmp_path / "benchmark.json").read_bytes()
    with pytest.raises(UserError, match=reason):
        bench([Bundle(DIGITS)], Console(quiet=True), tmp_path, resume=True)
    assert not measured and (tmp_path / "benchmark.json").read_bytes() == before


def test_to_go_on_needs_a_folder(tools):
    code, text = tools("bench", "digits", "--resume")
    assert code == 2 and "--resume: without --output" in text


def test_a_record_is_read_as_it_was_written(tmp_path):
    written = Record("here", "fast", path=tmp_path / "benchmark.json")
    written.add("a", result())
    written.add("a: part", ["slow"])
    read = Record("here", "", path=tmp_path / "benchmark.json")
    read.resume()
    assert read == written and "a" in read and "b" not in read


def test_brains_are_stripped_and_heads_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr("tools.benchmarks.cases.BRAIN", (91, 109, 91))
    monkeypatch.setattr("tools.benchmarks.cases.BRAIN_VOLUME", 160e3)
    (images,) = full_field_cases(Bundle(LESIONS), tmp_path)
    flair, t1 = (np.asarray(nibabel.load(path).dataobj, np.float32) for path in images)
    assert flair.shape == (91, 109, 91) and np.count_nonzero(flair) == pytest.approx(160e3, rel=0.02) and is_cut_out(flair)
    heads = [np.asarray(nibabel.load(path).dataobj, np.float32) for path in raw_head(tmp_path / "raw")]
    assert not any(is_cut_out(head) for head in heads)
    np.testing.assert_array_equal(heads[0][flair > 400], flair[flair > 400])
    np.testing.assert_array_equal(np.roll(heads[1], -3, 2)[t1 > 400], t1[t1 > 400])


def test_data_needs_the_name_of_its_bundle(tools, tmp_path):
    code, text = tools("bench", "--data", str(tmp_path))
    assert code == 2 and "of which bundle?" in text


def test_value_needs_the_name_of_its_bundle(tools):
    code, text = tools("bench", "--against", "abc")
    assert code == 2 and "--against abc: of which bundle?" in text


def test_fused_convolutions_are_counted():
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(4, 2, 2, stride=2)).eval()
    counted = []
    for form in (network, fuse(network)):
        with torch.inference_mode(), operations_counter() as counter:
            form(torch.ones(2, 1, 8, 6))
        counted.append(counter.get_total_flops())
    assert counted == [2 * 2 * (48 * 4 * 9 + 12 * 2 * 16)] * 2


def test_what_stands_for_a_norm_is_not_counted():
    network = NoPoolASPP(filters=4).eval()
    counted = []
    for form in (network, fuse(network)):
        with torch.inference_mode():
            form(torch.ones(1, 1, 10, 10))  # makes what is kept
            with operations_counter() as counter:
                form(torch.ones(1, 1, 10, 10))
        counted.append(counter.get_total_flops())
    assert counted[0] == counted[1] > 0


def test_a_process_is_measured():
    usage = run_python(("-c", "bytearray(100 << 20)"))
    assert usage.memory > 100 and 0 < usage.seconds < 10
    with pytest.raises(UserError, match="ended with 3"):
        run_python(("-c", "raise SystemExit(3)"))
    assert run_python(("-c", "raise SystemExit(3)"), codes=(3,)).memory > 1


def test_an_earlier_state_segments_in_turns(tmp_path, monkeypatch):
    there, asked = tmp_path / "then", []

    @contextmanager
    def checkout(commit):
        yield there

    def run(arguments, folder):
        asked.append((folder.name, arguments[:4]))
        return Usage(2.0 + len(asked), 300.0) if folder == there else Usage(1.5, 150.0)

    monkeypatch.setattr(against, "checkout", checkout)
    monkeypatch.setattr(against, "run_python", run)
    (note,) = against.bench_against(Bundle(DIGITS), "abc")
    assert [name for name, _ in asked] == [against.HERE.name, "then"] * 2
    assert asked[0][1] == ("-m", "tools", "segment", DIGITS.name)
    assert note.endswith("150 MiB; at abc 4.0 s and 300 MiB: 0.38 of the time, 0.50 of the memory")


def test_an_unknown_commit():
    with pytest.raises(UserError, match="worktree add"), against.checkout("no-such-commit"):
        pass


def test_memory_is_compared_over_many_cases(monkeypatch):
    counts = []

    def run(arguments):
        counts.append(len(list(Path(arguments[4]).iterdir())))
        return Usage(1.0, 600.0 + counts[-1])

    monkeypatch.setattr(many, "run_python", run)
    assert many.bench_many(Bundle(DIGITS), 12) == ["peak memory 610 MiB with 10 cases, 612 MiB with 12"]
    assert counts == [10, 12]
