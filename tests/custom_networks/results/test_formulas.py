"""Tables are read back as they were written, and hold no formula for a spreadsheet."""

import csv

import pytest

from custom_networks.results.tables import as_cell, from_cell, read_rows, write_rows

FORMULAS = ["=1+1", '=HYPERLINK("http://x","y")', "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", "--help", "'=1", "''=1"]


@pytest.mark.parametrize("text", [*FORMULAS, "plain", "it's", "'quoted'", "", "ünï", 'a,b\n"c"'])
def test_texts_are_read_back(tmp_path, text):
    path = tmp_path / "t.csv"
    write_rows(path, ["case", f"{text}x"], [{"case": text, f"{text}x": "1"}])
    with path.open(newline="", encoding="utf-8") as stream:
        assert read_rows(stream) == (["case", f"{text}x"], [{"case": text, f"{text}x": "1"}])
    assert from_cell(as_cell(text)) == text


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_begins_a_formula(tmp_path, text):
    write_rows(tmp_path / "t.csv", [text], [{text: text}])
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as stream:
        assert [cell[0] for row in csv.reader(stream) for cell in row] == ["'", "'"]


@pytest.mark.parametrize("number", [-1.5, 3, "-12.30", "+1", "-inf", "nan", None])
def test_numbers_stay_as_they_are(number):
    assert as_cell(number) is number
