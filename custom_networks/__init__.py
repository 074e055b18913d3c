"""Python components of the Axial bundles; configs name them as ``scripts.custom_networks.NAME``."""

from .cases.cases import PICTURE_SUFFIXES, VOLUME_SUFFIXES, case_name, find_cases
from .cases.share_cases import share_cases
from .cases.studies import find_studies
from .data.data_list import case_weights, load_data_list
from .data.label_counts import label_counts
from .data.lesion_shapes import load_lesion_maps, load_lesion_shapes
from .data.mirror_labels import mirror_labels
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
from .handlers.time_budget import TimeBudget
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
from .transforms.augmentation.rand_affine_noise import RandAffineNoised
from .transforms.augmentation.rand_field_of_view import RandFieldOfViewd
from .transforms.augmentation.rand_film_objects import RandFilmObjectsd
from .transforms.augmentation.rand_lesion_fill import RandLesionFilld
from .transforms.augmentation.rand_lesion_load import RandLesionLoadd
from .transforms.augmentation.rand_lesion_transplant import RandLesionTransplantd
from .transforms.augmentation.rand_lung_opacity import RandLungOpacityd
from .transforms.augmentation.rand_mirror import RandMirrord
from .transforms.augmentation.rand_tissue_contrast import RandTissueContrastd
from .transforms.augmentation.rand_tissue_shift import RandTissueShiftd
from .transforms.augmentation.rand_vertebra_patch import RandVertebraPatchd
from .transforms.augmentation.vertebra_targets import VertebraTargetsd
from .transforms.checking.check_hounsfield import CheckHounsfieldd
from .transforms.checking.check_label import CheckLabeld
from .transforms.checking.check_volume import CheckVolumed
from .transforms.loading.load_modalities import LoadModalitiesd
from .transforms.loading.load_radiograph import LoadRadiographd
from .transforms.loading.load_volume import LoadVolumed
from .transforms.preprocessing.anti_alias import AntiAliasd
from .transforms.preprocessing.brain_mask import BrainMaskd
from .transforms.preprocessing.bright_on_dark import BrightOnDarkd
from .transforms.preprocessing.ensure_volume import EnsureVolumed
from .transforms.preprocessing.keep_channel import KeepChanneld
from .transforms.preprocessing.orient_radiograph import OrientRadiographd
from .transforms.preprocessing.pad_to_square import PadToSquared
from .transforms.preprocessing.spacing import SpacingVolumed
from .transforms.saving.restore_instances import RestoreInstancesd
from .transforms.saving.save_label_map import SaveLabelMapd
from .transforms.saving.save_lesions import FindLesionsd, SaveLesionsd
from .transforms.saving.save_prediction import SavePredictiond
from .transforms.saving.save_vertebrae import SaveVertebraed
from .vertebrae.names import VERTEBRA_NAMES

__all__ = [name for name in dir() if not name.startswith("_")]
