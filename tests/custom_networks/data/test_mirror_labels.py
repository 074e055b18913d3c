import pytest

from custom_networks import mirror_labels


def test_sides_are_swapped_and_the_middle_stays():
    names = ["vertebral body", "right psoas major", "left psoas major", "left multifidus", "right multifidus"]
    assert mirror_labels(names) == [0, 1, 3, 2, 5, 4]


def test_a_side_without_a_partner():
    with pytest.raises(ValueError, match="'left heart'"):
        mirror_labels(["right heart"])
