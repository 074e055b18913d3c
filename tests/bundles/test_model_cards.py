"""READMEs of bundles are model cards after one template, and their numbers are those of numbers.json."""

import re

import pytest
from conftest import REPOSITORY
from PIL import Image

from tools.bundles import all_bundles
from tools.scoring.numbers import read_numbers

HEADINGS = ["Scores", "For whom", "When it fails", "How to use", "Licence"]
LINES = 70
PICTURE = 60_000  # bytes
NUMBER = re.compile(r"(?<![\d.,])[01]\.\d{3}(?!\d)")


@pytest.fixture(params=all_bundles(), ids=lambda bundle: bundle.name)
def bundle(request):
    return request.param


def card(bundle) -> str:
    return (bundle.folder / "docs" / "README.md").read_text()


def section(text: str, heading: str) -> str:
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.S | re.M)[1]


def told(bundle) -> set[str]:
    return {f"{value:.3f}" for entry in read_numbers(bundle) for value in entry.told().values()}


def test_a_card_follows_the_template(bundle):
    """What it is, a picture, scores, for whom, when it fails with a picture, how to use, licence: a screen and a half."""
    text = card(bundle)
    assert re.findall(r"^## (.*)$", text, re.M) == HEADINGS
    assert len(text.splitlines()) <= LINES
    beginning = text[: text.index("## Scores")]
    assert "](example.png)" in beginning and "no medical device" in beginning and "](weights.md)" in beginning
    assert "](failure.png)" in section(text, "When it fails")
    assert "python -m tools segment" in section(text, "How to use")
    assert "](data_license.txt)" in section(text, "Licence")
    scores = section(text, "Scores")
    assert re.search(r"\bn\b", scores) and ("interval" in scores or "preview" in scores.lower())
    assert "python -m tools reproduce" in scores.replace("\n", " ")
    assert re.search(r"\bage\b", section(text, "For whom"))


def test_how_the_weights_came_to_be_has_a_page_of_its_own(bundle):
    text = (bundle.folder / "docs" / "weights.md").read_text()
    assert text.startswith("# Method and weights\n") and "\n## How the weights were made\n" in text


def test_the_picture_of_a_failure_is_small(bundle):
    path = bundle.folder / "docs" / "failure.png"
    assert path.stat().st_size < PICTURE
    with Image.open(path) as picture:
        assert min(picture.size) > 100


def test_links_lead_somewhere(bundle):
    """To files, and in them to headings."""
    folder = bundle.folder / "docs"
    for page in folder.glob("*.md"):
        for target, heading in re.findall(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)", page.read_text()):
            path = folder / target if target else page
            assert path.is_file(), (page.name, target)
            if heading:
                titles = re.findall(r"^#+ (.*)$", path.read_text(), re.M)
                anchors = {"#" + re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
                assert heading in anchors, (page.name, target, heading)


def test_every_score_of_a_card_says_how_it_came_to_be(bundle):
    """numbers.json has the command, the data or the source of it."""
    assert set(NUMBER.findall(section(card(bundle), "Scores"))) <= told(bundle)


def test_every_number_stands_in_the_card_or_beside_it(bundle):
    texts = card(bundle) + (bundle.folder / "docs" / "weights.md").read_text()
    for entry in read_numbers(bundle):
        for name, value in entry.told().items():
            if not name.endswith((".count", ".deviation")):
                assert f"{value:.3f}" in texts or f"{value:g}" in texts, (entry.title, name)


def test_metadata_and_numbers_agree(bundle):
    entries = read_numbers(bundle)
    assert bundle.metadata["eval_metrics"] == {name: value for entry in entries for name, value in entry.metadata().items()}


def test_the_first_table_of_the_readme_agrees(bundle):
    readme = (REPOSITORY / "README.md").read_text()
    (row,) = [line for line in readme.splitlines() if line.startswith(f"| [{bundle.name}]")]
    assert set(NUMBER.findall(row)) <= told(bundle) and re.search(r"n = \d", row)
    people = min(int(count) for count in re.findall(r"n = (\d+)", row))
    assert people >= 5 or "preview" in row.lower()


def test_what_is_measured_again_names_configs_that_there_are(bundle):
    for entry in read_numbers(bundle):
        assert all((bundle.folder / overlay).is_file() for overlay in entry.overlays)
        assert entry.section in ("training", "validation", "test")
        assert entry.folds is None or (bundle.folder / entry.folds["weights"]).is_dir()
