"""The colours of labels, the same in masks, pictures, DICOM Segmentation, .seg.nrrd and report."""

COLOURS = (  # bright on gray, and each unlike those before and after it
    "ffd400", "00b4ff", "ff5ea8", "59d94c", "ff8c1a", "a46bff", "19d3c5", "e0322b", "b3d334", "4f7dff",
    "ffb3c8", "8c6d31", "c44fd6", "9fe3ff", "f2e6a0", "2f9e62", "d98880", "6f8fa8", "ff6f3c", "7f7fd5",
)  # fmt: skip


def label_colour(value: int) -> tuple[float, float, float]:
    """Return the colour of a label from 1, red, green and blue from 0 to 1; colours come round after `COLOURS` ends."""
    red, green, blue = bytes.fromhex(COLOURS[(int(value) - 1) % len(COLOURS)])
    return red / 255, green / 255, blue / 255
