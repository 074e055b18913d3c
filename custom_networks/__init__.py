"""Python components of the Axial bundles; configs name them as ``scripts.custom_networks.NAME``."""

from .data.cases import PICTURE_SUFFIXES, VOLUME_SUFFIXES, case_name, find_cases
from .data.data_list import case_weights, load_data_list
from .engines.case_evaluator import CaseEvaluator, CaseResult
from .errors import UserError, explain
from .handlers.curves import TrainingCurves
from .handlers.load_pretrained import LoadPretrained
from .handlers.resume_training import ResumeTraining
from .handlers.scgm_report import ScgmReport
from .handlers.snapshot_average import SnapshotAverage
from .inferers.autocast_inferer import AutocastInferer
from .inferers.cord_search import CordSearch
from .inferers.cord_window_inferer import CordWindowInferer
from .metrics.scgm import SCGM_METRICS, scgm_metrics
from .networks.le_net import LeNet
from .networks.no_pool_aspp import NoPoolASPP
from .readers.dicom_series import DicomSeriesReader
from .transforms.bright_on_dark import BrightOnDarkd
from .transforms.check_label import CheckLabeld
from .transforms.check_volume import CheckVolumed
from .transforms.ensure_volume import EnsureVolumed
from .transforms.load_volume import LoadVolumed
from .transforms.rand_tissue_contrast import RandTissueContrastd
from .transforms.save_label_map import SaveLabelMapd
from .transforms.save_prediction import SavePredictiond

__all__ = [name for name in dir() if not name.startswith("_")]
