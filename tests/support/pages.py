"""Pages in a real browser; tests import the fixtures `browser` and `visit`."""

import time

import pytest

from tools.benchmarks.page import find_browser

CHROMIUM = find_browser()
OPTIONS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]  # WebGL without a GPU
SIZES = {"desktop": (1080, 720), "phone": (390, 844)}
PATIENCE = 180_000  # ms, for machines that others use too
NO_WEBGL = """
    const getContext = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        return kind === "webgl2" ? null : getContext.call(this, kind, ...rest);
    };
"""


@pytest.fixture(scope="module")
def browser():
    """A Chromium that draws WebGL; the test is skipped where it or Playwright is not there."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield started
        started.close()


@pytest.fixture
def visit(browser):
    """Open a file in a window of a size; what the page says on the console, and addresses that are no files, fail the test."""
    said, contexts = [], []

    def call(path, size: str = "desktop", fragment: str = "", script: str = ""):
        width, height = SIZES[size]
        contexts.append(browser.new_context(viewport={"width": width, "height": height}))
        contexts[-1].set_default_timeout(PATIENCE)
        page = contexts[-1].new_page()
        page.add_init_script(script)
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("requestfailed", lambda request: said.append(f"failed: {request.url}"))
        page.on("request", lambda request: request.url.startswith(("file:", "data:", "blob:")) or said.append(request.url))
        page.goto(path.as_uri() + fragment)
        settle(page)
        return page

    yield call
    for context in contexts:
        context.close()
    assert said == []


def settle(page) -> None:
    """Wait until the case that is open is there."""
    deadline = time.monotonic() + PATIENCE / 1000
    while page.query_selector("[aria-busy]"):
        assert time.monotonic() < deadline, "the case does not open"
        time.sleep(0.05)


def open_case(page, name: str) -> None:
    """Follow a case's link in the list, and wait until the case is there: a click is done before the address has changed."""
    page.get_by_role("link", name=name).click()
    page.get_by_role("heading", name=name, exact=True).wait_for()
    settle(page)
