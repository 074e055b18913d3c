"""The bench of a page opens it in a real browser."""

import re

import pytest
from conftest import DIGITS
from pages import CHROMIUM

from custom_networks import UserError
from tools.benchmarks import page
from tools.bundles import Bundle


def test_a_page_is_opened_sorted_and_filtered(monkeypatch):
    pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    monkeypatch.setattr(page, "TURNS", 1)
    said = page.bench_page(Bundle(DIGITS), 3)
    seconds = "opened in {0}, of these on the processor {0}, sorted in {0}, filtered in {0}".format(r"(\d+\.\d\d) s")
    found = re.fullmatch(rf"page of 3 cases, 0\.1 MB: {seconds} \(median of 1\)", said)
    assert found and float(found[1]) > float(found[2]), said


def test_a_machine_without_a_browser_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(page.shutil, "which", lambda name: None)
    with pytest.raises(UserError, match="no browser to open the page in"):
        page.bench_page(Bundle(DIGITS), 3)
