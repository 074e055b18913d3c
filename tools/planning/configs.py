"""Write a plan as configs: those of a shipped bundle with its own parts replaced, so that all else is said once."""

import copy
import json
from collections.abc import Mapping
from functools import cache

from custom_networks.cases.suffixes import NIFTI_SUFFIXES, PICTURE_SUFFIXES

from ..places import BUNDLES
from .plan import Plan

BASE = "spinal_muscles_mri_segmentation"  # whose configs say what every segmentation says
OURS = "scripts.custom_networks."
FURTHER = ("cross_entropy", "partial", "smooth_slices", "least_piece")  # settings of the base that its own network or data need
FOREGROUND = 1 / 3  # of the patches have a random class's voxel in their middle
EPOCHS, EPOCH_LENGTH, INTERVAL = 80, 25, 10
LEARNING_RATE, MOMENTUM = 0.05, 0.9


def make_configs(plan: Plan) -> dict[str, dict]:
    """Return ``train.json`` and ``inference.json`` of a plan, and ``unet.json``, an overlay to compare it with."""
    return {"train.json": _train(plan), "inference.json": _inference(plan), "unet.json": _unet(plan)}


def base_config(name: str) -> dict:
    """Return a config of the base, to be changed."""
    return copy.deepcopy(_read(name))


@cache
def _read(name: str) -> dict:
    return json.loads((BUNDLES / BASE / "configs" / name).read_text(encoding="utf-8"))


def _train(plan: Plan) -> dict:
    config = base_config("train.json")
    changes = _settings(plan) | {
        "max_epochs": EPOCHS,
        "epoch_length": EPOCH_LENGTH,
        "val_interval": INTERVAL,
        "learning_rate": LEARNING_RATE,
        "batch_size": plan.batch,
        "memory_format": "$torch.channels_last" if plan.dimensions == 2 else "$torch.channels_last_3d",
        "loss": {"_target_": "DiceCELoss", "include_background": False, "to_onehot_y": True, "softmax": True, "batch": True},
        "optimizer": {
            "_target_": "torch.optim.SGD",
            "params": "$@network.parameters()",
            "lr": "@learning_rate",
            "momentum": MOMENTUM,
            "nesterov": True,
        },
        "load_label": _load_label(plan),
    }
    train, validate = config["train"], config["validate"]
    kept = {name: train[name] for name in ("dataloader", "handlers", "trainer")}
    del kept["trainer"]["prepare_batch"]
    config["train"] = {
        "label_preprocessing": _label_preprocessing(plan),
        "sampling": _sampling(plan),
        "augmentation": _augmentation(plan),
        "transforms": ["@preprocessing", "@train#label_preprocessing", "@train#sampling", "@train#augmentation"],
        "dataset": {
            "_target_": "CacheDataset",
            "data": {name: value for name, value in train["dataset"]["data"].items() if name != "names"},  # --label may rename
            "transform": train["dataset"]["transform"],
            "cache_rate": plan.cached,
            "num_workers": None,
            "progress": False,
        },
        "dataloader": kept["dataloader"],
        "inferer": {"_target_": f"{OURS}AutocastInferer", "precision": "@precision"},
        "handlers": kept["handlers"],
        "trainer": kept["trainer"],
    }
    validate["postprocessing"]["transforms"] = _postprocessing(plan)
    validate["report"] = {"_target_": f"{OURS}LabelMapReport", "names": "@names"}
    return _replaced(config, changes)


def _inference(plan: Plan) -> dict:
    config = base_config("inference.json")
    saving = config["postprocessing"]["transforms"][-1]
    layout = "torch.channels_last" if plan.dimensions == 2 else "torch.channels_last_3d"
    changes = _settings(plan) | {
        "network": f"$@network_def.to(device=@device, memory_format={layout})",
        "postprocessing": {"_target_": "Compose", "transforms": [*_postprocessing(plan), saving]},
        "cases": _cases(plan, config["cases"]),
        "record": config["record"]
        | {"settings": {key: at for key, at in config["record"]["settings"].items() if key not in FURTHER}},
    }
    if plan.pictures or plan.channels:
        config.pop("series")
    return _replaced(config, changes)


def _unet(plan: Plan) -> dict:
    """Return an overlay with network, loss and optimizer of MONAI's tutorials (spleen_segmentation_3d), whatever the data are."""
    halvings = 4
    return {
        "learning_rate": 1e-4,
        "patch": [-(-side // 2**halvings) * 2**halvings for side in plan.patch],
        "network_def": {
            "_target_": "monai.networks.nets.UNet",
            "spatial_dims": plan.dimensions,
            "in_channels": plan.inputs,
            "out_channels": "@num_classes",
            "channels": [16, 32, 64, 128, 256],
            "strides": [2] * halvings,
            "num_res_units": 2,
            "norm": "batch",
        },
        "loss": {"_target_": "DiceLoss", "to_onehot_y": True, "softmax": True},
        "optimizer": base_config("train.json")["optimizer"],
    }


def _replaced(config: dict, changes: Mapping[str, object]) -> dict:
    """Return a config with values replaced in their place, and new ones before ``names``."""
    new = {name: value for name, value in changes.items() if name not in config}
    result = {}
    for name, value in config.items():
        if name == "names":
            result |= new
        if name not in FURTHER:
            result[name] = changes.get(name, value)
    return result


def _settings(plan: Plan) -> dict:
    """Return what train.json and inference.json both say."""
    modalities = {"modalities": list(plan.channels)} if plan.channels else {}
    return modalities | {
        "spacing": plan.spacing,
        "patch": plan.patch,
        "names": plan.names,
        "network_def": {
            "_target_": "DynUNet",
            "spatial_dims": plan.dimensions,
            "in_channels": plan.inputs,
            "out_channels": "@num_classes",
            "kernel_size": plan.topology.kernels,
            "strides": plan.topology.strides,
            "upsample_kernel_size": plan.topology.strides[1:],
            "filters": plan.filters,
            "norm_name": ["INSTANCE", {"affine": True}],
        },
        "preprocessing": {"_target_": "Compose", "transforms": _preprocessing(plan)},
        "inferer": {
            "_target_": f"{OURS}WindowInferer",
            "window": "@patch",
            "overlap": 0.5,
            "precision": "@precision",
            "window_batch": "@window_batch",
        },
    }


def _preprocessing(plan: Plan) -> list[dict]:
    checked = {"modality": plan.modality, "any_modality": "@any_modality"}
    if plan.channels:
        steps = [
            {"_target_": f"{OURS}LoadModalitiesd", "keys": "image", "modalities": "@modalities"} | checked,
            {"_target_": f"{OURS}CheckVolumed", "keys": "image", "channels": len(plan.channels)},
        ]
    else:
        several = {"channels": plan.inputs} if plan.inputs > 1 else {}
        steps = [
            {"_target_": f"{OURS}{_loader(plan)}", "keys": "image"} | several | checked,
            {"_target_": "EnsureChannelFirstd", "keys": "image", "channel_dim": -1 if several else "no_channel"},
            {"_target_": f"{OURS}CheckVolumed", "keys": "image"} | several,
        ]
    return [*steps, *_to_grid(plan, "image", "bilinear"), _normalization(plan)]


def _loader(plan: Plan) -> str:
    return "LoadRadiographd" if plan.pictures else "LoadVolumed"


def _to_grid(plan: Plan, key: str, mode: str) -> list[dict]:
    pixdim = "@spacing" if plan.dimensions == 3 else ["@spacing#0", "@spacing#1", -1]
    return [
        {"_target_": f"{OURS}EnsureVolumed", "keys": key},
        {"_target_": "Orientationd", "keys": key, "axcodes": plan.axcodes, "labels": None},
        {"_target_": f"{OURS}SpacingVolumed", "keys": key, "pixdim": pixdim, "mode": mode, "padding_mode": "border"},
    ]


def _normalization(plan: Plan) -> dict:
    if plan.window is None:
        return {"_target_": "NormalizeIntensityd", "keys": "image", "nonzero": plan.nonzero, "channel_wise": True}
    low, high, mean, deviation = plan.window
    ends = {"b_min": round((low - mean) / deviation, 6), "b_max": round((high - mean) / deviation, 6)}
    return {"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": low, "a_max": high} | ends | {"clip": True}


def _load_label(plan: Plan) -> dict:
    check = {"_target_": f"{OURS}CheckLabeld", "keys": "label", "image_key": "image", "largest": "$len(@names)"}
    load = [
        {"_target_": f"{OURS}{_loader(plan)}", "keys": "label"},
        {"_target_": "EnsureChannelFirstd", "keys": "label", "channel_dim": "no_channel"},
        check,
    ]
    return {"_target_": "Compose", "transforms": load}


def _label_preprocessing(plan: Plan) -> dict:
    keys = ["image", "label"]
    steps = [
        "@load_label",
        *_to_grid(plan, "label", "nearest"),
        {"_target_": "EnsureTyped", "keys": keys, "track_meta": False},
        {"_target_": "SpatialPadd", "keys": keys, "spatial_size": _window(plan)},
        {"_target_": "ClassesToIndicesd", "keys": "label", "num_classes": "@num_classes", "max_samples_per_class": 10000},
    ]
    return {"_target_": "Compose", "transforms": steps}


def _window(plan: Plan) -> object:
    return "@patch" if plan.dimensions == 3 else ["@patch#0", "@patch#1", 1]


def _sampling(plan: Plan) -> dict:
    keys = ["image", "label"]
    share = round(FOREGROUND / len(plan.names), 4)
    steps = [
        {
            "_target_": "RandCropByLabelClassesd",
            "keys": keys,
            "label_key": "label",
            "spatial_size": _window(plan),
            "num_classes": "@num_classes",
            "ratios": [round(1 - share * len(plan.names), 4), *[share] * len(plan.names)],
            "indices_key": "label_cls_indices",
            "warn": False,
        },
        {"_target_": "DeleteItemsd", "keys": "label_cls_indices"},
    ]
    if plan.dimensions == 2:
        steps.append({"_target_": "SqueezeDimd", "keys": keys, "dim": -1})
    return {"_target_": "Compose", "transforms": steps}


def _augmentation(plan: Plan) -> dict:
    """nnU-Net's augmentation by MONAI's transforms."""
    keys = ["image", "label"]
    flat = plan.dimensions == 3 and not any(plan.rotation[:2])
    scales = [[-0.3, 0.4]] * 2 + [[0, 0] if flat else [-0.3, 0.4]] * (plan.dimensions - 2)
    steps = [
        {
            "_target_": "RandAffined",
            "keys": keys,
            "prob": 0.4,
            "rotate_range": plan.rotation,
            "scale_range": scales,
            "mode": ["bilinear", "nearest"],
            "padding_mode": "border",
        },
        *({"_target_": "RandFlipd", "keys": keys, "prob": 0.5, "spatial_axis": axis} for axis in plan.mirror),
        {"_target_": "RandGaussianNoised", "keys": "image", "prob": 0.1, "std": 0.3},
        {"_target_": "RandGaussianSmoothd", "keys": "image", "prob": 0.2} | {f"sigma_{axis}": [0.5, 1.0] for axis in "xyz"},
        {"_target_": "RandScaleIntensityd", "keys": "image", "prob": 0.15, "factors": 0.25},
        {
            "_target_": "RandSimulateLowResolutiond",
            "keys": "image",
            "prob": 0.2,
            "zoom_range": [0.5, 1.0],
            "upsample_mode": "bilinear" if plan.dimensions == 2 else "trilinear",
        },
        {"_target_": "RandAdjustContrastd", "keys": "image", "prob": 0.3, "gamma": [0.7, 1.5], "retain_stats": True},
    ]
    return {"_target_": "Compose", "transforms": steps}


def _postprocessing(plan: Plan) -> list[dict]:
    back = {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing", "orig_keys": "image"}
    labels = {"_target_": "AsDiscreted", "keys": "pred", "argmax": True}
    if plan.argmax_first:
        return [labels, back | {"nearest_interp": True}]
    return [{"_target_": "Activationsd", "keys": "pred", "softmax": True}, back | {"nearest_interp": False}, labels]


def _cases(plan: Plan, base: dict) -> dict:
    if plan.channels:
        return {"_target_": f"{OURS}find_studies", "_mode_": "callable", "source": "@input", "modalities": "@modalities"}
    if plan.pictures:
        found = {name: value for name, value in base.items() if name != "number"}
        return found | {"suffixes": [*PICTURE_SUFFIXES, *NIFTI_SUFFIXES], "series": False}
    return base
