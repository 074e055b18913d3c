"""Where in its region a vertebra stands."""

import pytest

from custom_networks.vertebrae.kinds import KINDS, UNKNOWN, kinds_in_view, kinds_of
from custom_networks.vertebrae.variants import VARIANTS


def names(numbers):
    return [KINDS[kind] if kind != UNKNOWN else None for kind in kinds_in_view(numbers).values()]


def ends(variant) -> dict[str, int]:
    return {KINDS[kind]: number for number, kind in zip(variant.numbers, variant.kinds, strict=True) if "t " in KINDS[kind]}


def test_every_variant_has_one_vertebra_at_each_end_of_a_region():
    for variant in VARIANTS:
        found = ends(variant)
        assert list(found) == ["last cervical", "first thoracic", "last thoracic", "first lumbar", "last lumbar"]
        assert KINDS[variant.kinds[-1]] == "sacrum"
    assert ends(VARIANTS[0]) == {
        "last cervical": 7, "first thoracic": 8, "last thoracic": 19, "first lumbar": 20, "last lumbar": 24
    }  # fmt: skip


@pytest.mark.parametrize(("numbers", "number", "kind"), [
    ([*range(1, 20), 28, *range(20, 25)], 28, "last thoracic"),
    ([*range(1, 19), *range(20, 25)], 18, "last thoracic"),
    ([*range(1, 24)], 23, "last lumbar"),
    ([*range(1, 26)], 25, "last lumbar"),
])  # fmt: skip
def test_spines_of_unusual_people(numbers, number, kind):
    assert KINDS[kinds_of(numbers)[numbers.index(number)]] == kind


def test_what_the_scan_does_not_show_is_unknown():
    assert names([17, 18, 19]) == ["thoracic", None, None]  # T11 is the last of some
    assert names([17, 18, 19, 20]) == ["thoracic", "thoracic", "last thoracic", "first lumbar"]
    assert names([22, 23, 24]) == ["lumbar", None, None]
    assert sorted(names([22, 23, 24, 26])) == ["last lumbar", "lumbar", "lumbar", "sacrum"]
    assert names([1, 2, 3, 7, 8]) == ["C1", "C2", "cervical", "last cervical", "first thoracic"]
