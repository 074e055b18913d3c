"""Names and colours of labels inside a NIfTI file."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

import nibabel

from .palette import label_colour


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
