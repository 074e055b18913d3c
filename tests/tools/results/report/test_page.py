"""The page and its files: one beside the other or all in one, kept and changed by later runs, of names that are odd."""

import base64
import gzip
import json
import re

import nibabel
import numpy as np
import pytest
from conftest import save_nifti
from pages import browser, visit
from rich.console import Console
from tiny_bundle import make_tiny_bundle

from custom_networks.engines.case_evaluator import CaseResult
from tools.benchmarks.page import write_page
from tools.bundles import Bundle
from tools.results.kinds import CaseFiles, ResultKind
from tools.results.report.page import ReportPage
from tools.results.report.section import SectionWriter
from tools.results.report.view import view_picture
from tools.results.segmenting import segment_cases

QUIET = Console(quiet=True)
HOSTILE = "</noscript></script><img src=x onerror=alert(1)>-->"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return Bundle(make_tiny_bundle(tmp_path_factory.mktemp("tiny") / "spots_segmentation", "slices"))


@pytest.fixture
def run(bundle, tmp_path):
    """Segment a scan of a name into one folder; return its page."""

    def call(name: str, **options) -> str:
        image = np.random.default_rng(0).random((9, 8, 5)).astype(np.float32) * 0.4
        image[2:5, 3:6, 1:3] = 1
        source = save_nifti(tmp_path / f"{name}.nii.gz", image)
        (result,) = segment_cases(bundle, [source], tmp_path / "out", False, {}, QUIET, QUIET, **options)
        assert result.error is None
        return (tmp_path / "out" / "report.html").read_text()

    return call


def embedded(page: str) -> list[dict]:
    return [json.loads(text) for text in re.findall(r'<script type="application/json" class="data">(.*?)</script>', page)]


def image_of(data: dict, name: str = "image") -> np.ndarray:
    return np.asarray(nibabel.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(data["view"][name]))).dataobj)


def test_a_single_file_holds_everything(run, tmp_path):
    page = run("a b", single_file=True)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a b_overlay.png", "a b_seg.nii.gz", "a b_seg.record.json", "measures.csv", "report.html",
    ]  # fmt: skip
    assert "BSD 2-Clause License" in page and 'class="picture"' in page and 'src="data:image/png;base64,' in page
    (data,) = embedded(page)
    assert np.array_equal(image_of(data, "mask"), np.asarray(nibabel.load(tmp_path / "out" / "a b_seg.nii.gz").dataobj))
    assert data["view"]["labels"] == [[1, "spot", "#ffd400"]]
    assert [row[:3] for row in data["rows"]] == [["spot", "area", 1], ["spot", "area", 2]]


def test_later_runs_keep_cases_whatever_form_the_page_has(run, tmp_path):
    first = run("a")
    cases = tmp_path / "out" / "report_files" / "cases"
    before = (cases / "a.js").read_bytes()
    assert embedded(first) == [] and before.startswith(b'axialCase("a",{')
    both = run("b", single_file=True)
    assert len(embedded(both)) == 2 and not cases.exists() and both.count('src="data:image/png') == 2
    assert embedded(run("a", single_file=True)) == embedded(both)
    again = run("b")
    assert embedded(again) == [] and (cases / "a.js").read_bytes() == before and (cases / "b.js").exists()
    assert 'src="data:image/png' not in again and 'src="./a_overlay.png"' in again
    (tmp_path / "out" / "a_seg.nii.gz").unlink()
    run("b")
    assert not (cases / "a.js").exists()


def test_what_strangers_wrote_is_text(run, bundle, tmp_path, visit):
    page = run("a")
    assert "<img src=x" not in page
    kind = ResultKind()
    report = ReportPage(bundle, "0" * 64, tmp_path / "hostile", single_file=True)
    kind.view = lambda case: view_picture(np.zeros((4, 5)), np.eye(4, 5, dtype=np.uint8))
    row = {"case": "c", "structure": HOSTILE, "measure": HOSTILE, "slice": "", "value": HOSTILE, "unit": HOSTILE}
    result = CaseResult("c", HOSTILE, 0.0, None, warnings=(HOSTILE,), measures=(row, row | {"slice": HOSTILE}))
    files = CaseFiles("c", HOSTILE, tmp_path / "hostile" / "c_seg.nii.gz", {"1": HOSTILE})
    report.add(SectionWriter(kind, tmp_path / "hostile").write(result, files))
    report.write(lambda name: True)
    text = report.target.read_text()
    assert "<img src=x" not in text and text.count("-->") == 2
    window = visit(report.target, fragment="#case=c")
    assert window.locator(".legend").text_content().strip() == HOSTILE and window.locator("img[onerror]").count() == 0
    assert window.locator(".slices td").first.text_content() == HOSTILE


def test_a_warning_does_not_repeat_whose_it_is(tmp_path):
    result = CaseResult(
        "c", "/a/long/way/c.nii.gz", 0.0, "no image", warnings=("/a/long/way/c.nii.gz: hardly Hounsfield", "another")
    )
    files = CaseFiles("c", result.source, tmp_path / "c_seg.nii.gz", {"1": "spot"})
    text = SectionWriter(ResultKind(), tmp_path).write(result, files).content.decode()
    assert re.findall('<p class="warning">(.*?)</p>', text) == ["hardly Hounsfield", "another"]


def test_a_page_of_another_makes_no_other_file_part_of_it(run, tmp_path):
    run("a")
    page = tmp_path / "out" / "report.html"
    (tmp_path / "secret.png").write_bytes(b"secret")
    page.write_text(page.read_text().replace('data-file="./a_overlay.png"', 'data-file="./../secret.png"'))
    later = run("b", single_file=True)
    assert base64.b64encode(b"secret").decode() not in later


@pytest.mark.parametrize("name", ["../../kept", "../cases/kept", "/kept"])
def test_a_page_of_another_touches_no_file_elsewhere(run, tmp_path, name):
    run("a")
    page = tmp_path / "out" / "report.html"
    (tmp_path / "kept.js").write_text("kept")
    (tmp_path / "out" / "report_files" / "cases" / "kept.js").write_text("kept")
    mark = f'<!-- case {{"name":"{name}","source":"gone","done":false,"format":2}} -->\n'
    data = '<script type="application/json" class="data">{}</script>\n'
    page.write_text(page.read_text().replace("<!-- case ", f"{mark}{data}</section>\n<!-- /case -->\n<!-- case "))
    for options in ({}, {"single_file": True}):
        assert '"gone"' not in run("b", **options)
    assert (tmp_path / "kept.js").read_text() == "kept" and not (tmp_path / "out" / "kept.js").exists()


def test_the_quality_of_a_record_is_told_and_filtered_by(run, tmp_path, visit):
    for name in ("a", "b", "c"):
        run(name)
    for name, quality in (
        ("a", {"value": 0.314, "reason": "unlike <b>what</b> was trained on", "doubtful": True}),
        ("b", {"value": 0.9}),
        ("c", {"value": None, "reason": "only looks", "doubtful": False}),
    ):
        path = tmp_path / "out" / f"{name}_seg.record.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"quality": quality}))
        page = run(name)
    assert "quality 0.31: unlike &lt;b&gt;what&lt;/b&gt; was trained on" in page and "quality 0.90<" in page
    assert "no quality number: only looks<" in page
    window = visit(tmp_path / "out" / "report.html")
    window.get_by_role("button", name="quality").click()
    assert window.locator(".cases .name").all_text_contents() == ["a", "b", "c"]
    window.get_by_label("quality below").fill("0.5")
    assert window.locator(".cases .name").all_text_contents() == ["a"]


def test_three_hundred_cases_open_at_once_and_are_small(bundle, tmp_path, visit):
    page = write_page(bundle, tmp_path, 300)
    assert page.stat().st_size < 5e6
    window = visit(page)
    assert window.locator(".cases tbody tr").count() == 300
    inspector = window.context.new_cdp_session(window)
    inspector.send("Performance.enable", {"timeDomain": "threadTicks"})  # of the processor, as other tests run beside this one
    window.reload()
    window.locator(".cases tbody tr").last.wait_for()
    measured = {entry["name"]: entry["value"] for entry in inspector.send("Performance.getMetrics")["metrics"]}
    assert 0 < measured["TaskDuration"] < 2 and measured["Nodes"] < 40_000, measured  # cells of measures alone would be 144,000
    head = window.get_by_role("button", name="structure 1: measure 0 (mm3)")
    window.locator("summary", has_text="columns").click()
    window.get_by_label("structure 1: measure 0 (mm3)").check()
    head.click()
    head.click()
    assert window.locator(".cases .name").first.text_content() == "case 299"  # 99.0 is less
    window.locator(".cases .name a").first.click()
    window.locator(".measures:visible").wait_for()
    assert window.locator(".measures:visible tbody tr").count() == 60


def test_without_scripts_all_is_there(run, browser, tmp_path):
    run("a")
    run("b")
    context = browser.new_context(java_script_enabled=False)
    window = context.new_page()
    window.goto((tmp_path / "out" / "report.html").as_uri())
    assert window.locator("section.case:visible").count() == window.locator(".thumb img:visible").count() == 2
    assert window.locator(".measures tr:visible td").first.text_content() == "spot"
    context.close()
