"""The report is one page without addresses outside itself, and its viewer scrolls in a real browser."""

import re
import shutil
import subprocess

import pytest
from conftest import GRAY_MATTER
from rich.console import Console

from tools.bundles import Bundle
from tools.phantoms.write import write_cord_phantoms
from tools.results.segmenting import segment_cases

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SCROLL = """<script>
  const range = document.querySelector("input[type=range]");
  const before = document.querySelector(".viewer img").src;
  range.value = 0;
  range.dispatchEvent(new Event("input"));
  const changed = document.querySelector(".viewer img").src !== before;
  document.title = document.querySelector(".place").textContent + (changed ? " other" : " same");
</script></html>"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_cord_phantoms(folder / "data", 1, seed=3)
    (folder / "<b>bad.nii.gz").write_bytes(b"no image")
    inputs = [folder / "<b>bad.nii.gz", folder / "data" / "phantom_000_image.nii.gz"]
    quiet = Console(quiet=True)
    segment_cases(Bundle(GRAY_MATTER), inputs, folder / "out", False, {}, quiet, quiet)
    return folder / "out" / "report.html"


def test_the_page_needs_no_other_file(page):
    text = page.read_text()
    addresses = re.findall(r"(?:src|href)=\"([^\"]{0,30})", text)
    assert addresses and all(address.startswith("data:image/") for address in addresses)
    assert "cannot be read as an image" in text and "<b>bad" not in text
    assert Bundle(GRAY_MATTER).version in text and "SHA-256" in text and "mm3" in text


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_the_viewer_scrolls(page, tmp_path):
    driven = tmp_path / "driven.html"
    driven.write_text(page.read_text().replace("</html>", SCROLL))
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run([*command, "--dump-dom", driven.as_uri()], capture_output=True, text=True, timeout=120)
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None and re.fullmatch(r"slice \d+ other", title.group(1)), done.stderr[-2000:]
