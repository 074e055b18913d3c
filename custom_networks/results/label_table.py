"""Names and colours of labels inside a NIfTI file."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

import nibabel

COLOURS = (  # matplotlib's tab20
    "1f77b4", "aec7e8", "ff7f0e", "ffbb78", "2ca02c", "98df8a", "d62728", "ff9896", "9467bd", "c5b0d5",
    "8c564b", "c49c94", "e377c2", "f7b6d2", "7f7f7f", "c7c7c7", "bcbd22", "dbdb8d", "17becf", "9edae5",
)  # fmt: skip


def label_colour(value: int) -> tuple[float, float, float]:
    """Return the colour of a label from 1, red, green and blue from 0 to 1."""
    red, green, blue = bytes.fromhex(COLOURS[(value - 1) % len(COLOURS)])
    return red / 255, green / 255, blue / 255


def label_table(names: Sequence[str | None]) -> nibabel.nifti1.Nifti1Extension:
    """Return a header extension with the Caret label table that Connectome Workbench and TotalSegmentator write.

    Args:
        names: of the labels from 1; 0 is background, None a number that is not used.
    """
    root = ET.Element("CaretExtension")
    table = ET.SubElement(ET.SubElement(root, "VolumeInformation", Index="0"), "LabelTable")
    for value, name in enumerate(names, start=1):
        if name is None:
            continue
        red, green, blue = (f"{part:.4f}" for part in label_colour(value))
        ET.SubElement(table, "Label", Key=str(value), Red=red, Green=green, Blue=blue, Alpha="1").text = name
    ET.SubElement(root[0], "VolumeType").text = "Label"
    return nibabel.nifti1.Nifti1Extension("comment", ET.tostring(root, encoding="utf-8", xml_declaration=True))
