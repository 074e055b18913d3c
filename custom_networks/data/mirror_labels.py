"""Which label a structure gets in a mirrored picture."""

from collections.abc import Sequence


def mirror_labels(names: Sequence[str]) -> list[int]:
    """Return for every label, background first, the label of the same structure on the other side.

    Names that begin with "right" or "left" and are equal otherwise are a pair; all others keep their label.

    Args:
        names: of the classes 1, 2, ...

    Raises:
        ValueError: when a structure of one side has no partner.
    """
    other = {"right": "left", "left": "right"}
    labels = [0]
    for value, name in enumerate(names, 1):
        side, _, structure = name.partition(" ")
        if side not in other:
            labels.append(value)
            continue
        partner = f"{other[side]} {structure}"
        if partner not in names:
            raise ValueError(f"{name!r} has no {partner!r} among {list(names)}; a mirrored picture would show it.")
        labels.append(list(names).index(partner) + 1)
    return labels
