"""Write a mask as RT Structure Set beside its source series.

Own code, for highdicom has no structure sets, and rt-utils outlines by the centres of the outermost pixels, which takes half a
pixel off every side, and brings OpenCV.
"""

import datetime
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid
from pydicom.valuerep import format_number_as_ds

from custom_networks.errors import UserError
from custom_networks.results.palette import label_colour
from custom_networks.results.write_result import write_result

from ..bundles import Bundle
from .contours import outline
from .export_dicom import MANUFACTURER, SERIES_NUMBER
from .labelled_series import REPEATED, LabelledSeries, read_labelled_series

STUDY = "1.2.840.10008.3.1.2.3.1"  # class of a study, as structure sets refer to it
KEPT = (*REPEATED, "StudyInstanceUID", "FrameOfReferenceUID", "PositionReferenceIndicator")  # of the source
TO_LPS = np.diag([-1.0, -1.0, 1.0])


def write_rtstruct(bundle: Bundle, source: str | Path, mask_path: Path, target: Path) -> None:
    """Write a label map of a DICOM series as RT Structure Set, one region a class that was found, its contours slice by slice.

    Regions carry the class's name, colour and SNOMED CT code; every contour refers to the image that it lies on. Holes are joined
    to the contour around them (`outline`). UIDs are new at every call.

    Args:
        bundle: bundle that made the mask.
        source: the DICOM series' folder, its file or its zip; ``path#number`` where there are several series.
        mask_path: the label map on the series' own grid, as the bundle writes it.
        target: file to write.

    Raises:
        UserError: for a radiograph, an image without frame of reference, no DICOM, and a mask that is empty or of another grid.
    """
    labelled = read_labelled_series(source, mask_path)
    first = labelled.places[0][0]
    if labelled.affine is None:
        raise UserError(f"{source}: a radiograph has no place in space, which structure sets need.", "Use --dicom-seg.")
    now = datetime.datetime.now()
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = RTStructureSetStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    for name in KEPT:
        setattr(dataset, name, first.get(name, ""))
    if "SpecificCharacterSet" in first:
        dataset.SpecificCharacterSet = first.SpecificCharacterSet
    dataset.Modality, dataset.SeriesInstanceUID = "RTSTRUCT", generate_uid()
    dataset.SeriesNumber, dataset.InstanceNumber, dataset.OperatorsName = SERIES_NUMBER, 1, ""
    dataset.SeriesDescription = f"{bundle.metadata['name']} (research only)"[:64]
    dataset.Manufacturer, dataset.ManufacturerModelName, dataset.SoftwareVersions = MANUFACTURER, bundle.name[:64], bundle.version
    dataset.DeviceSerialNumber = "none"
    dataset.StructureSetLabel, dataset.StructureSetName = "SEGMENTATION", bundle.metadata["name"][:64]
    dataset.StructureSetDate, dataset.StructureSetTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = dataset.StructureSetDate, dataset.StructureSetTime
    dataset.ReferencedFrameOfReferenceSequence = [_frame_of_reference(labelled, first)]
    dataset.StructureSetROISequence, dataset.ROIContourSequence, dataset.RTROIObservationsSequence = [], [], []
    for number, value in enumerate(labelled.values, 1):
        dataset.StructureSetROISequence.append(_region(bundle, first, number, value))
        dataset.ROIContourSequence.append(_contours(labelled, number, value))
        dataset.RTROIObservationsSequence.append(_observation(bundle, number, value))
    write_result(target, lambda path: dataset.save_as(path, enforce_file_format=True), ".dcm")


def _frame_of_reference(labelled: LabelledSeries, first: pydicom.Dataset) -> Dataset:
    series, study, frame = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = first.SeriesInstanceUID
    series.ContourImageSequence = [_reference(image) for image in labelled.images]
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = STUDY, first.StudyInstanceUID
    study.RTReferencedSeriesSequence = [series]
    frame.FrameOfReferenceUID, frame.RTReferencedStudySequence = first.FrameOfReferenceUID, [study]
    return frame


def _reference(image: pydicom.Dataset, number: int | None = None) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    if number is not None:
        item.ReferencedFrameNumber = number + 1
    return item


def _region(bundle: Bundle, first: pydicom.Dataset, number: int, value: int) -> Dataset:
    item = Dataset()
    item.ROINumber, item.ReferencedFrameOfReferenceUID = number, first.FrameOfReferenceUID
    item.ROIName, item.ROIGenerationAlgorithm = bundle.classes[str(value)][:64], "AUTOMATIC"
    item.ROIGenerationDescription = f"{bundle.name} {bundle.version}"[:64]
    return item


def _contours(labelled: LabelledSeries, number: int, value: int) -> Dataset:
    item = Dataset()
    item.ReferencedROINumber, item.ROIDisplayColor = number, [round(255 * part) for part in label_colour(value)]
    item.ContourSequence = []
    found = labelled.array == value
    for index in np.flatnonzero(found.any(axis=(0, 1))):
        for polygon in outline(found[..., index]):
            contour = Dataset()
            contour.ContourImageSequence = [_reference(*labelled.places[index])]
            contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", len(polygon)
            points = np.column_stack([polygon, np.full(len(polygon), float(index))])
            points = (points @ labelled.affine[:3, :3].T + labelled.affine[:3, 3]) @ TO_LPS
            contour.ContourData = [format_number_as_ds(round(float(part), 4)) for part in points.ravel()]
            item.ContourSequence.append(contour)
    return item


def _observation(bundle: Bundle, number: int, value: int) -> Dataset:
    item = Dataset()
    item.ObservationNumber = item.ReferencedROINumber = number
    item.RTROIInterpretedType, item.ROIInterpreter = "", ""
    codes = bundle.metadata.get("segment_codes", {}).get(str(value))
    if codes is not None:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = codes["type"][0], "SCT", codes["type"][1]
        item.RTROIIdentificationCodeSequence = [code]
    return item
