"""Python components of the Axial bundles; configs name them as ``scripts.custom_networks.NAME``."""

from .data.cases import PICTURE_SUFFIXES, VOLUME_SUFFIXES, case_name, find_cases
from .data.data_list import case_weights, load_data_list
from .data.label_counts import label_counts
from .data.lesion_shapes import load_lesion_maps, load_lesion_shapes
from .data.mirror_labels import mirror_labels
from .data.share_cases import share_cases
from .data.studies import find_studies
from .data.vertebra_names import VERTEBRA_NAMES
from .data.window_dataset import WindowDataset
from .engines.case_evaluator import CaseEvaluator, CaseResult
from .errors import UserError, explain
from .handlers.curves import TrainingCurves
from .handlers.label_map_report import LabelMapReport
from .handlers.lesion_report import LesionReport
from .handlers.load_pretrained import LoadPretrained
from .handlers.resume_training import ResumeTraining
from .handlers.scgm_report import ScgmReport
from .handlers.snapshot_average import SnapshotAverage
from .handlers.vertebra_report import VertebraReport
from .inferers.autocast_inferer import AutocastInferer
from .inferers.brain_window_inferer import BrainWindowInferer
from .inferers.cord_search import CordSearch
from .inferers.cord_window_inferer import CordWindowInferer
from .inferers.iterative_vertebra_inferer import IterativeVertebraInferer
from .inferers.mirrored_plane_inferer import MirroredPlaneInferer
from .inferers.multi_scale_inferer import MultiScaleInferer
from .inferers.plane_inferer import PlaneInferer
from .losses.class_weights import class_weights
from .losses.ignore_label import IgnoreLabel
from .losses.iterative_instance_loss import IterativeInstanceLoss
from .losses.multi_stage_dice_loss import MultiStageDiceLoss
from .metrics.dice import dice_coefficients
from .metrics.lesions import LesionScores, find_lesions, lesion_scores
from .metrics.scgm import SCGM_METRICS, scgm_metrics
from .metrics.vertebra_progress import VertebraProgress
from .metrics.vertebra_scores import VertebraMatch, match_vertebrae
from .networks.fully_conv_net import FullyConvNet
from .networks.iterative_fcn import IterativeFCN
from .networks.le_net import LeNet
from .networks.lesion_unet import LesionUNet
from .networks.light_unet import LightUNet
from .networks.multi_scale_pyramid import MultiScalePyramid
from .networks.no_pool_aspp import NoPoolASPP
from .readers.dicom_series import DicomSeriesReader
from .readers.picture import PictureReader
from .readers.radiograph import RadiographReader
from .transforms.anti_alias import AntiAliasd
from .transforms.brain_mask import BrainMaskd
from .transforms.bright_on_dark import BrightOnDarkd
from .transforms.check_hounsfield import CheckHounsfieldd
from .transforms.check_label import CheckLabeld
from .transforms.check_volume import CheckVolumed
from .transforms.ensure_volume import EnsureVolumed
from .transforms.keep_channel import KeepChanneld
from .transforms.load_modalities import LoadModalitiesd
from .transforms.load_radiograph import LoadRadiographd
from .transforms.load_volume import LoadVolumed
from .transforms.orient_radiograph import OrientRadiographd
from .transforms.pad_to_square import PadToSquared
from .transforms.rand_affine_noise import RandAffineNoised
from .transforms.rand_field_of_view import RandFieldOfViewd
from .transforms.rand_film_objects import RandFilmObjectsd
from .transforms.rand_lesion_fill import RandLesionFilld
from .transforms.rand_lesion_load import RandLesionLoadd
from .transforms.rand_lesion_transplant import RandLesionTransplantd
from .transforms.rand_lung_opacity import RandLungOpacityd
from .transforms.rand_mirror import RandMirrord
from .transforms.rand_tissue_contrast import RandTissueContrastd
from .transforms.rand_tissue_shift import RandTissueShiftd
from .transforms.rand_vertebra_patch import RandVertebraPatchd
from .transforms.restore_instances import RestoreInstancesd
from .transforms.save_label_map import SaveLabelMapd
from .transforms.save_lesions import FindLesionsd, SaveLesionsd
from .transforms.save_prediction import SavePredictiond
from .transforms.save_vertebrae import SaveVertebraed
from .transforms.spacing import SpacingVolumed
from .transforms.vertebra_targets import VertebraTargetsd

__all__ = [name for name in dir() if not name.startswith("_")]
