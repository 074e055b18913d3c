"""Write what a new bundle says of itself: metadata, README, plan, terms."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from .. import __version__
from ..bundles import all_bundles
from .configs import EPOCH_LENGTH, EPOCHS, LEARNING_RATE, MOMENTUM, base_config
from .plan import Plan
from .reasons import Reason
from .survey import Fingerprint

KEPT = (
    "schema",
    "monai_version",
    "pytorch_version",
    "numpy_version",
    "required_packages_version",
    "supported_apps",
    "intended_use",
)
STRUCTURE = ["91723000", "Anatomical Structure"]  # SNOMED CT, of classes whose code nobody named
NNUNET = "Isensee et al.: nnU-Net. Nature Methods 18:203-211, 2021. doi 10.1038/s41592-020-01008-z"
VERSION = "0.1.0"
LARGEST_VALUE = 10


def make_metadata(plan: Plan, title: str, task: str, data: str, author: str) -> dict:
    """Return metadata.json; scores come with the training."""
    classes = {str(value): name for value, name in enumerate(["background", *plan.names])}
    listed = ", ".join(f"{value} {name}" for value, name in classes.items() if value != "0")
    shape = [f"{2 * int(size)}*n" for size in plan.topology.divisor]
    channels = plan.channel_names or plan.channels or (plan.modality or "image",)
    data_format = {
        "type": "image", "format": "magnitude", "modality": plan.modality or "n/a", "spatial_shape": shape, "dtype": "float32",
        "is_patch_data": True,
    }  # fmt: skip
    image = {"num_channels": len(channels), "value_range": [-LARGEST_VALUE, LARGEST_VALUE]}
    image |= {"channel_def": {str(number): f"{name}, normalised" for number, name in enumerate(channels)}}
    pred = {"format": "segmentation", "num_channels": len(classes), "value_range": [0, 1], "channel_def": classes}
    metadata = {name: value for name, value in base_config("metadata.json").items() if name in KEPT}
    return metadata | {
        "version": VERSION,
        "changelog": {VERSION: f"planned by axial {__version__}"},
        "result_kind": "radiograph" if plan.pictures else "slices" if plan.dimensions == 2 else "volumes",
        "name": title,
        "task": task,
        "description": f"A {plan.dimensions}D U-Net, planned from its training data by nnU-Net's rules. {task}.",
        "authors": author,
        "copyright": f"{author}; configs and components: Axial developers, Apache-2.0",
        "data_source": data,
        "data_type": "PNG, JPG, NIfTI, DICOM" if plan.pictures else "NIfTI, NRRD, MetaImage, DICOM",
        "image_classes": ", ".join(channels),
        "label_classes": listed,
        "pred_classes": listed,
        "eval_metrics": {},
        "references": [NNUNET],
        "segment_codes": _codes(classes),
        "network_data_format": {"inputs": {"image": data_format | image}, "outputs": {"pred": data_format | pred}},
    }


def _codes(classes: Mapping[str, str]) -> dict[str, dict]:
    """Return SNOMED CT codes: those of a shipped bundle's class of that name, else those of any structure."""
    known = {}
    for bundle in all_bundles():
        for value, codes in bundle.metadata.get("segment_codes", {}).items():
            known.setdefault(bundle.classes.get(value, "").lower(), codes)
    any_structure = {"category": STRUCTURE, "type": STRUCTURE}
    return {value: known.get(name.lower(), any_structure) for value, name in classes.items() if value != "0"}


def plan_text(plan: Plan, found: Fingerprint, kept_aside: int, left_out: Sequence[str] = ()) -> str:
    """Return the plan in Markdown: what was seen, what was decided, and why.

    Args:
        plan: the plan.
        found: what it was made from.
        kept_aside: number of cases that test.
        left_out: a line for every file that was not taken.
    """
    voxels = found.counts
    total = sum(voxels.values())
    classes = [
        f"| {value} {name} | {sum(value in case.counts for case in found.cases)} | {voxels[value] / total:.3%} |"
        for value, name in enumerate(plan.names, 1)
    ]
    reasons = [f"| {reason.topic} | {reason.decision} | {reason.why} |" for reason in (*plan.reasons, *_general(plan))]
    lines = [
        "# Plan",
        "",
        f"From {len(found.cases)} cases of training and validation; {kept_aside} of the test had no say. By the rules that nnU-Net",
        "published (Isensee et al., Nature Methods 18, 2021, doi 10.1038/s41592-020-01008-z).",
        "",
        *("| seen | smallest | median | largest |", "| --- | --- | --- | --- |"),
        *(_row(f"{what} along {axis}", values) for what, axis, values in _sizes(plan, found)),
        "",
        *("| class | cases | share of the voxels |", "| --- | --- | --- |", *classes),
        "",
        *("| | decided | why |", "| --- | --- | --- |", *reasons),
        "",
        "Left out of nnU-Net, which takes days on a GPU: five folds and their ensemble, the cascade, deep supervision, mirrored",
        "copies in inference, and the choice between 2D and 3D by cross-validation (`axial crossvalidate` makes folds).",
    ]
    if left_out:
        lines += ["", "Files left out:", "", *(f"- {line}" for line in left_out)]
    return "\n".join(lines) + "\n"


def _general(plan: Plan) -> list[Reason]:
    """Return decisions that follow from the others, or are the same for all data."""
    first, last = "before the way back to an image's grid", "after the way back to an image's grid"
    many, few = "Many classes: their probabilities would take as many volumes.", "Interpolated probabilities give smoother borders."
    return [
        Reason("orientation", plan.axcodes, "The axis of the coarsest voxels comes last."),
        Reason("labels", *((first, many) if plan.argmax_first else (last, few))),
        Reason(
            "training",
            f"{EPOCHS} epochs of {EPOCH_LENGTH} steps, SGD, {LEARNING_RATE:g} falling to 0, Nesterov momentum {MOMENTUM:g}",
            "For a laptop; nnU-Net 1000 of 250, 0.01 and 0.99. A third of the patches has a class in the middle, as there. "
            "`--max_epochs`, `--epoch_length`, `--max_minutes`, `--learning_rate` change it.",
        ),
        Reason(
            "cache",
            f"{plan.cached:.0%} of the images",
            "Up to 4 GiB of them stay in memory; others are read every time.",
        ),
    ]


def _sizes(plan: Plan, found: Fingerprint):
    axes = ("columns", "rows") if plan.pictures else ("right-left", "front-back", "up-down")
    for number, axis in enumerate(axes):
        yield "voxels", axis, found.shapes[:, number]
    for number, axis in enumerate(axes):
        yield f"spacing in {plan.unit}", axis, found.spacings[:, number]


def _row(name: str, values) -> str:
    ordered = sorted(float(value) for value in values)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    return f"| {name} | {ordered[0]:.4g} | {middle:.4g} | {ordered[-1]:.4g} |"


def readme_text(plan: Plan, title: str, task: str, folder: str, data: str, intended_use: str) -> str:
    """Return the README of a bundle that nobody has trained yet; commands are given from the folder that holds the bundle's.

    Args:
        plan: the plan.
        title: of the bundle.
        task: what it does.
        folder: name of the bundle's folder.
        data: folder of the data set.
        intended_use: from the metadata.
    """
    listed = ", ".join(f"{value} {name}" for value, name in enumerate(plan.names, 1))
    words = " and ".join(plan.channels)
    channels = f"\nA case has {len(plan.channels)} images, told apart by {words} in their names.\n" if words else ""
    train, evaluate, several = (f"{folder}/configs/{name}.json" for name in ("train", "evaluate", "multi_gpu_train"))
    run = f"python -m monai.bundle run {{}} --bundle_root {folder} --dataset_dir {data} --config_file"
    shared = f"torchrun --standalone --nproc_per_node 2 -m monai.bundle run training --bundle_root {folder} --dataset_dir {data}"
    return f"""# {title}

{task}: {listed}. {intended_use}
{channels}
A {plan.dimensions}D U-Net (MONAI's `DynUNet`). [The plan](plan.md) says what was seen in the data, what was decided, and why.

## Train, score, use

From the folder that holds `{folder}`:

```
{run.format("training")} {train} --output_dir {folder}/runs
{run.format("evaluating")} "['{train}','{evaluate}']" --ckpt {folder}/runs/model.pt
cp {folder}/runs/model.pt {folder}/models/model.pt
axial segment {folder} NEW_SCANS -o RESULTS
axial score RESULTS {data} --bundle {folder}
axial verify {folder}
axial pack {folder} -o dist
```

`model.pt` is the best by validation; `model_average.pt`, the mean of the last epochs, is often better. Several processes or GPUs:

```
{shared} --config_file "['{train}','{several}']"
```

## Scores

Not trained yet. State what `evaluating` or `axial score` prints of people that were not in the training, and how many they are,
here and in `configs/metadata.json` under `eval_metrics`.

## Before you share it

- `docs/data_license.txt` says what may be done with the weights; correct it.
- `configs/metadata.json`: authors, intended use, and `segment_codes`, the SNOMED CT codes of the classes in DICOM Segmentation.
"""


def license_text(terms: str | None) -> str:
    """Return what may be done with the weights."""
    if terms:
        return f"{terms}\n"
    return (
        "Not stated. The weights may be used as the data allow that they are trained on; whoever trains them says it here.\n"
        "Configs and components are Apache-2.0, see LICENSE.\n"
    )


def title_of(name: str) -> str:
    """Return a bundle's name for readers."""
    return name.replace("_", " ").capitalize()


def shown(folder: Path, start: Path) -> str:
    """Return a folder as it is typed from another one."""
    try:
        return folder.resolve().relative_to(start.resolve()).as_posix() or "."
    except ValueError:
        return str(folder)
