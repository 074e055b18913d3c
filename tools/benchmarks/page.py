"""How fast the list of hundreds of cases opens, sorts and filters in a browser."""

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from custom_networks.engines.case_evaluator import CaseResult
from custom_networks.errors import UserError

from ..bundles import Bundle
from ..results.kinds import CaseFiles, ResultKind
from ..results.report.page import ReportPage
from ..results.report.section import SectionWriter
from ..results.report.view import View, view_picture

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TURNS = 5
PATIENCE = 180_000  # ms
STRUCTURES, MEASURES = 12, 5  # of a case: all that a page itself holds
ROWS = ".cases tbody tr"


class _Drawn(ResultKind):
    """Cases that all show one picture of noise, which no format makes small, with a square in it."""

    def view(self, case: CaseFiles) -> View:
        labels = np.zeros((100, 150), np.uint8)
        labels[25:75, 40:100] = 1
        return view_picture(np.random.default_rng(0).random(labels.shape).astype(np.float32), labels)


def find_browser() -> str | None:
    """Return where Chromium is on this machine."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def write_page(bundle: Bundle, folder: Path, cases: int) -> Path:
    """Write the page of cases that have as many measures as fit onto it, and two warnings each; nothing is segmented."""
    page, sections = ReportPage(bundle, "0" * 64, folder), SectionWriter(_Drawn(), folder)
    for number in range(cases):
        name = f"case {number:03}"
        row = {"case": name, "slice": "", "unit": "mm3"}
        rows = tuple(
            row | {"structure": f"structure {n}", "measure": f"measure {m}", "value": f"{number * n:.1f}"}
            for n in range(STRUCTURES)
            for m in range(MEASURES)
        )
        result = CaseResult(name, f"scans/{name}.nii.gz", 1.0, None, warnings=("of a kind that is rare",) * 2, measures=rows)
        page.add(sections.write(result, CaseFiles(name, name, folder / f"{name}_seg.nii.gz", {"1": "square"})))
    page.write(lambda name: True)
    return page.target


def bench_page(bundle: Bundle, cases: int) -> str:
    """Return the size of a page of many cases, and the seconds that Chromium takes to open, sort and filter it.

    Raises:
        UserError: when Chromium or Playwright is not installed.
    """
    browser = find_browser()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = None
    if browser is None or sync_playwright is None:
        raise UserError("no browser to open the page in.", "Install Chromium, and Playwright by `pip install playwright`.")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as driver:
        page = write_page(bundle, Path(scratch), cases)
        chromium = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        turns = [_turn(chromium, page.as_uri(), cases) for _ in range(TURNS)]
        chromium.close()
        size = page.stat().st_size
    said = ", ".join(f"{name} {median(turn[name] for turn in turns):.2f} s" for name in turns[0])
    return f"page of {cases} cases, {size / 1e6:.1f} MB: {said} (median of {TURNS})"


def _turn(chromium, address: str, cases: int) -> dict[str, float]:
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE)
    try:
        window = context.new_page()
        inspector = context.new_cdp_session(window)
        inspector.send("Performance.enable", {"timeDomain": "threadTicks"})
        opened = _seconds(lambda: window.goto(address), lambda: window.locator(ROWS).nth(cases - 1).wait_for())
        metrics = {entry["name"]: entry["value"] for entry in inspector.send("Performance.getMetrics")["metrics"]}
        times = {"opened in": opened, "of these on the processor": metrics["TaskDuration"]}
        head = window.locator(".cases button[data-name=case]")
        times["sorted in"] = _seconds(head.click, lambda: window.locator(ROWS, has_text=f"case {cases - 1:03}").first.wait_for())
        search = window.get_by_role("searchbox")
        times["filtered in"] = _seconds(lambda: search.fill("case 001"), lambda: window.locator(ROWS).first.wait_for())
        return times
    finally:
        context.close()


def _seconds(act: Callable[[], object], wait: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    wait()
    return time.perf_counter() - start
