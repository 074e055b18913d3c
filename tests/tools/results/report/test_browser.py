"""The page in a real browser: from a file, at a desktop's and a phone's width, with and without WebGL."""

import io
import json
from pathlib import Path
from urllib.request import url2pathname

import numpy as np
import pytest
from conftest import save_nifti
from pages import NO_WEBGL, SIZES, browser, open_case, visit
from PIL import Image
from rich.console import Console
from tiny_bundle import make_tiny_bundle

from custom_networks.results.palette import label_colour
from tools.bundles import Bundle
from tools.demo import Section, _render
from tools.results.segmenting import segment_cases

COLOUR = tuple(round(part * 255) for part in label_colour(1))
QUIET = Console(quiet=True)
NAME = "a #1 é"
FITS = "document.documentElement.scrollWidth <= innerWidth"  # nothing runs off the window


def boxed(first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a volume stored from right to left, front to back and from the head down, with its affine.

    Its box, on slices ``first`` to ``last`` of the file, is at the patient's right and front.
    """
    image = np.random.default_rng(0).random((24, 20, 8)).astype(np.float32) * 0.3
    image[2:8, 3:9, first : last + 1] = 1
    return image, np.diag([-1.0, -1, -3, 1])


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Results of three cases, one of which failed, in a folder that was moved after the page was written."""
    folder = tmp_path_factory.mktemp("results")
    bundle = Bundle(make_tiny_bundle(folder / "spots_segmentation", "slices"))
    inputs = [
        save_nifti(folder / f"{NAME}.nii.gz", *boxed(2, 3)),
        save_nifti(folder / "b.nii.gz", *boxed(1, 5)),
        folder / "<b>bad.nii.gz",
    ]
    inputs[2].write_bytes(b"no image")
    segment_cases(bundle, inputs, folder / "out", False, {}, QUIET, QUIET)
    return (folder / "out").rename(folder / "moved to #2 %41")


@pytest.fixture
def page(results):
    return results / "report.html"


def quarters(page) -> np.ndarray:
    """How many pixels of the picture have the label's colour, in each quarter."""
    picture = np.asarray(Image.open(io.BytesIO(page.locator(".canvas canvas").screenshot())).convert("RGB"))
    same = (np.abs(picture.astype(int) - COLOUR).max(-1) <= 2).astype(int)
    halves = [np.array_split(half, 2, axis=1) for half in np.array_split(same, 2)]
    return np.array([[part.sum() for part in half] for half in halves])


def slide(page, axis: int, index: int) -> None:
    slider = page.locator(f"[data-axis='{axis}']")
    slider.evaluate("(range, index) => { range.value = index; range.dispatchEvent(new Event('input')); }", index)


@pytest.mark.parametrize("size", SIZES)
def test_a_known_slice_has_the_labels_colour_where_it_belongs(visit, page, size):
    window = visit(page, size)
    window.evaluate("document.querySelector('.cases td[data-name]').dataset.name = 'area of a structure of a long name '.repeat(4)")
    assert window.evaluate(FITS)
    open_case(window, NAME)
    window.locator("[data-view=axial]").click()
    window.locator(".toolbar [type=range]").fill("100")
    window.get_by_text("further measures").click()
    window.locator(".slices tr", has_text="area").get_by_role("button", name="3", exact=True).click()
    assert window.locator(".place").first.text_content() == "3"
    (upper_left, upper_right), lower = quarters(window)
    assert upper_left > 300 and upper_right == 0 and lower.sum() == 0  # patient's right and front
    slide(window, 2, 7)  # the head's end, which the file stores first
    assert window.locator(".place").first.text_content() == "0" and quarters(window).sum() == 0
    window.locator(".legend button").click()
    assert window.locator(".place").first.text_content() in "23" and quarters(window)[0, 0] > 300
    assert window.locator(".readout").text_content().endswith("1 · spot.")
    window.locator(".legend input").uncheck()
    assert quarters(window).sum() == 0
    assert window.evaluate(FITS)


def test_the_demos_page_fits_a_phone_and_leads_to_the_results(visit, results, tmp_path):
    row = {"case": "phantom_000_image", "vertebra": "T12", "found as": "missed", "Dice": "0.912", "at the border": "yes"}
    page = tmp_path / "report.html"
    page.write_text(_render([Section("Vertebrae", "text", tmp_path / "bundle #1", [], [row])], tmp_path), encoding="utf-8")
    window = visit(page, "phone")
    assert window.evaluate(FITS)
    assert window.get_by_role("link").evaluate("(link) => link.href") == (tmp_path / "bundle #1" / "report.html").as_uri()


def test_outlines_views_windows_and_keys(visit, page):
    window = visit(page, fragment="#case=b")
    canvas = window.locator(".canvas canvas")
    whole = canvas.screenshot()
    window.locator(".toolbar [type=range]").fill("0")
    window.locator("[data-view=axial]").click()
    outlined = quarters(window)[0, 0]
    window.get_by_label("outlines").uncheck()
    assert outlined > 50 and quarters(window).sum() == 0
    canvas.focus()
    for key in ("o", "+"):
        window.keyboard.press(key)
    assert quarters(window)[0, 0] != outlined > 0
    before = window.locator(".place").first.text_content()
    window.keyboard.press("ArrowUp")
    assert window.locator(".place").first.text_content() != before
    for key in ("4", "5"):
        window.keyboard.press(key)
        assert window.locator("[aria-pressed=true][data-view]").text_content() == {"4": "all", "5": "3D"}[key]
    assert canvas.screenshot() != whole
    window.get_by_label("window width").fill("0.1")
    window.get_by_label("window width").press("Enter")
    assert window.get_by_label("window", exact=True).input_value() == "own"
    window.keyboard.press("Escape")
    window.locator(".cases tbody tr").first.wait_for()
    assert window.locator(".cases tbody tr").count() == 3 and not window.locator("h2:visible").count()


def test_the_list_sorts_filters_and_keeps_marks(visit, page, tmp_path):
    window = visit(page)
    names = lambda: window.locator(".cases .name").all_text_contents()  # noqa: E731
    assert names() == ["<b>bad", NAME, "b"] and "cannot be read" in window.locator(".cases .bad").text_content()
    for expected in (NAME, "b"):
        window.get_by_role("button", name="spot: volume").click()
        assert names()[0] == expected and names()[-1] == "<b>bad"
    window.get_by_label("measure", exact=True).select_option("spot: volume (mm3)")
    window.get_by_label("at least").fill("300")
    assert names() == ["b"]
    window.get_by_label("at least").fill("")
    window.get_by_label("measure", exact=True).select_option("any measure")
    window.get_by_label("state", exact=True).select_option("failed")
    assert names() == ["<b>bad"]
    open_case(window, "<b>bad")
    window.keyboard.press("f")
    window.get_by_label("note").fill('=1+1, "odd"')
    window.reload()
    assert window.locator("[aria-pressed=true]").text_content() == "✗ fail"
    window.get_by_role("link", name="all cases").click()
    files = {}
    for kind in ("CSV", "JSON"):
        with window.expect_download() as download:
            window.get_by_role("button", name=f"export {kind}").click()
        files[kind] = tmp_path / f"marks.{kind.lower()}"
        download.value.save_as(files[kind])
    (row,) = json.loads(files["JSON"].read_text())
    assert (row["case"], row["mark"], row["note"]) == ("<b>bad", "fail", '=1+1, "odd"')
    assert files["CSV"].read_text().splitlines()[1].startswith('"<b>bad","fail","\'=1+1, ""odd"""')
    for file in files.values():
        window.evaluate("localStorage.clear()")
        window.get_by_label("file of marks").set_input_files(file)
        window.get_by_text("1 marks taken").wait_for()
        assert (
            "✗ fail" in window.locator(".cases tbody").text_content()
            and '=1+1, "odd"' in window.locator(".cases tbody").text_content()
        )
        window.get_by_label("search").fill("zz")
        window.get_by_label("search").fill("")


def test_links_lead_to_the_files_of_a_moved_folder(visit, page, results):
    window = visit(page, fragment="#case=b")
    links = window.locator(".links a, footer a, section.case > .picture")
    addresses = links.evaluate_all("(links) => links.map((link) => link.href || link.src)")
    assert len(addresses) > 6
    for address in addresses:
        file = Path(url2pathname(address.removeprefix("file://")))
        assert file.parent == results and file.exists()


def test_without_webgl_the_page_shows_one_plane_and_says_so(visit, page):
    window = visit(page, fragment="#case=b", script=NO_WEBGL)
    assert "cannot draw volumes" in window.locator(".notice").text_content()
    window.locator(".toolbar [type=range]").fill("100")
    (upper_left, upper_right), lower = quarters(window)
    assert upper_left > 300 and upper_right == 0 and lower.sum() == 0
    window.locator("[data-view=sagittal]").click()
    assert quarters(window)[:, 0].sum() > 300 and quarters(window)[:, 1].sum() == 0  # the front on the left
