"""A MONAI Deploy application: a DICOM series in, DICOM Segmentation out, by the folder of a bundle.

``python app.py BUNDLE_FOLDER DICOM_FOLDER OUTPUT_FOLDER``; it imports nothing of Axial.
"""

import json
import sys
from pathlib import Path

from monai.deploy.conditions import CountCondition
from monai.deploy.core import Application
from monai.deploy.core.domain import Image
from monai.deploy.core.io_type import IOType
from monai.deploy.operators import (
    DICOMDataLoaderOperator,
    DICOMSegmentationWriterOperator,
    DICOMSeriesSelectorOperator,
    DICOMSeriesToVolumeOperator,
    IOMapping,
    MonaiBundleInferenceOperator,
)
from monai.deploy.operators.dicom_seg_writer_operator import SegmentDescription
from pydicom.sr.coding import Code


def describe_segments(metadata: dict) -> list[SegmentDescription]:
    """Return one description for every value up to the last class; the writer takes a label map's values for their numbers."""
    classes = metadata["network_data_format"]["outputs"]["pred"]["channel_def"]
    named = {int(value): codes for value, codes in metadata["segment_codes"].items()}
    unused = next(iter(named.values()))
    return [
        SegmentDescription(
            segment_label=classes.get(str(value), "unused"),
            segmented_property_category=Code(
                named.get(value, unused)["category"][0], "SCT", named.get(value, unused)["category"][1]
            ),
            segmented_property_type=Code(named.get(value, unused)["type"][0], "SCT", named.get(value, unused)["type"][1]),
            algorithm_name=metadata["name"],
            algorithm_version=metadata["version"],
        )
        for value in range(1, max(named) + 1)
    ]


class SegmentSeries(Application):
    """Load, select, convert, infer, write: the operators of the SDK as they are."""

    def __init__(self, bundle: Path, source: Path, target: Path) -> None:
        self.bundle, self.source, self.target = bundle, source, target
        super().__init__()

    def compose(self) -> None:
        metadata = json.loads((self.bundle / "configs" / "metadata.json").read_text())
        load = DICOMDataLoaderOperator(self, CountCondition(self, 1), input_folder=self.source, name="load")
        select = DICOMSeriesSelectorOperator(self, rules="", name="select")
        convert = DICOMSeriesToVolumeOperator(self, name="convert")
        infer = MonaiBundleInferenceOperator(
            self,
            input_mapping=[IOMapping("image", Image, IOType.IN_MEMORY)],
            output_mapping=[IOMapping("pred", Image, IOType.IN_MEMORY)],
            app_context=Application.init_app_context([]),
            bundle_path=self.bundle,
            name="infer",
        )
        write = DICOMSegmentationWriterOperator(
            self, segment_descriptions=describe_segments(metadata), output_folder=self.target, name="write"
        )
        self.add_flow(load, select, {("dicom_study_list", "dicom_study_list")})
        self.add_flow(select, convert, {("study_selected_series_list", "study_selected_series_list")})
        self.add_flow(select, write, {("study_selected_series_list", "study_selected_series_list")})
        self.add_flow(convert, infer, {("image", "image")})
        self.add_flow(infer, write, {("pred", "seg_image")})


if __name__ == "__main__":
    SegmentSeries(*map(Path, sys.argv[1:4])).run()
