"""Write a mask as DICOM Segmentation beside its source series."""

from importlib.metadata import version
from pathlib import Path

import highdicom
import numpy as np
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from pydicom.sr.coding import Code
from pydicom.uid import UID, ExplicitVRLittleEndian

from custom_networks.errors import UserError
from custom_networks.results.palette import label_colour
from custom_networks.results.write_result import write_result

from ..bundles import Bundle
from .labelled_series import read_labelled_series

MANUFACTURER, SERIES_NUMBER = "Axial", 900


def write_dicom_seg(bundle: Bundle, source: str | Path, mask_path: Path, target: Path) -> None:
    """Write a label map of a DICOM series as DICOM Segmentation, binary, one segment a class that was found.

    Segments carry the class's name and the SNOMED CT codes of metadata.json (``segment_codes``), reference the slices of the series
    and lie where they lie. The tracking and instance numbers are new at every call.

    Args:
        bundle: bundle that made the mask.
        source: the DICOM series' folder, its file or its zip; ``path#number`` where there are several series; or a radiograph.
        mask_path: the label map on the series' own grid, as the bundle writes it.
        target: file to write.

    Raises:
        UserError: when the source is no DICOM or lacks its frame of reference, the mask is empty or of another grid, or a class
            has no code.
    """
    labelled = read_labelled_series(source, mask_path)
    values, images = labelled.values, labelled.images
    for image in images:
        if not UID(image.SOPClassUID).name.endswith("Storage"):
            raise UserError(f"{source}: images of a class that DICOM does not know ({image.SOPClassUID}).", "Use --seg-nrrd.")
        if not image.get("SliceThickness") and labelled.affine is not None:
            image.SliceThickness = float(np.linalg.norm(labelled.affine[:3, 2]))
    array = labelled.array
    if len(images) == 1:  # frames of a multi-frame image in its own order
        array = array[..., np.argsort([number or 0 for _, number in labelled.places])]
    frames = array.transpose(2, 1, 0)
    pixels = np.stack([frames == value for value in values], axis=-1).astype(np.uint8)
    segmentation = Segmentation(
        source_images=images,
        pixel_array=pixels,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[_describe(bundle, number, value) for number, value in enumerate(values, 1)],
        series_instance_uid=highdicom.UID(),
        series_number=SERIES_NUMBER,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=bundle.name,
        software_versions=bundle.version,
        device_serial_number="none",
        transfer_syntax_uid=ExplicitVRLittleEndian,
        content_label="SEGMENTATION",
        content_description=bundle.metadata["name"][:64],
        series_description=f"{bundle.metadata['name']} (research only)"[:64],
    )
    if labelled.affine is None:
        segmentation.PatientOrientation = images[0].get("PatientOrientation", "")
    write_result(target, segmentation.save_as, ".dcm")


def _describe(bundle: Bundle, number: int, value: int) -> SegmentDescription:
    codes = bundle.metadata.get("segment_codes", {}).get(str(value))
    if codes is None:
        raise UserError(f"{bundle.name}: class {value} has no code in metadata.json.", "Add it to segment_codes.")
    category, kind = (Code(codes[name][0], "SCT", codes[name][1]) for name in ("category", "type"))
    description = SegmentDescription(
        segment_number=number,
        segment_label=bundle.classes[str(value)][:64],
        segmented_property_category=category,
        segmented_property_type=kind,
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=highdicom.AlgorithmIdentificationSequence(
            name=bundle.name,
            version=bundle.version,
            family=Code("123110", "DCM", "Artificial Intelligence"),
            source=f"Axial, monai {version('monai')}",
        ),
        tracking_uid=highdicom.UID(),
        tracking_id=bundle.classes[str(value)],
        display_color=CIELabColor.from_rgb(*(round(255 * part) for part in label_colour(value))),
    )
    if "modifier" in codes:
        side = highdicom.sr.CodedConcept(codes["modifier"][0], "SCT", codes["modifier"][1])
        description.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [side]
    return description
