"""Prepare the JSRT radiographs with the SCR masks."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from custom_networks.errors import UserError
from custom_networks.readers.picture import PictureReader
from custom_networks.results.write_result import write_result

from ..layout.data_list import Report
from ..layout.making import making

LABELS = {"0": "background", "1": "right lung", "2": "left lung", "3": "heart", "4": "right clavicle", "5": "left clavicle"}
ORGANS = {name: int(value) for value, name in LABELS.items() if value != "0"}
SIDE = 1024  # pixels of a mask's side
RAW_SIDE, RAW_DEPTH = 2048, 4096  # of the official .IMG, which is dark where bones are
FIRST_TEST = 160  # of the learning unit: cases 1-160 train, 161-247 test
SPLITS = ("seed", "exercise", "scr")
TENSORS = ("JSRT_img0_lms.pth", "jsrt_seg_masks.pth")
VALIDATION_STEP = 10  # every tenth case of the training validates
CASE = re.compile(r"JPC(?:LN|NN)(\d{3})")


def prepare_jsrt(
    source: Path, folder: Path, split: str = "seed", overwrite: bool = False, on_case: Callable[[], None] = lambda: None
) -> Report:
    """Write radiographs and label maps as PNG, bones bright, and the data list.

    Read are the official 2048x2048 big-endian 16-bit ``JPCLN001.IMG`` or PNG files of the same names, anywhere below the folder,
    with SCR's masks ``<organ>/JPCLN001.gif``; or the two tensors of the learning unit. Images are averaged to the masks' 1024x1024
    pixels. Later organs of `LABELS` are drawn over earlier ones.

    Args:
        source: the folder.
        folder: the data set to make.
        split: ``"seed"``, the first 160 cases train and the last 87 test; ``"scr"``, odd numbers train and even ones test. Every
            tenth case of the training validates instead. ``"exercise"`` is the seed's own: all 160 train and none validates.
        overwrite: whether a data set in the folder may be replaced.
        on_case: called after every case.

    Raises:
        WrongFilesError: names every case with a damaged file; nothing is written then.
        UserError: when nothing is found, or for an unknown split.
    """
    if split not in SPLITS:
        raise UserError(f"--split {split}: no such split.", f"Choose one of: {', '.join(SPLITS)}.")
    if not source.is_dir():
        raise UserError(f"{source}: no such folder.", "Give the folder of the radiographs.")
    tensors = [source / name for name in TENSORS]
    cases, left_out = _read_tensors(*tensors) if tensors[0].is_file() else _read_files(source)
    if not cases:
        raise UserError(
            f"{source}: no radiograph with its five masks.", "Expected JPCLN001.IMG or .png and heart/JPCLN001.gif and so on."
        )
    entries = {case: {"image": f"{case}_image.png", "label": f"{case}_label.png"} for case in cases}
    with making(folder, overwrite, source) as made:
        for case, read in cases.items():
            with made.case():
                image, label = read()
                write_result(made.folder / entries[case]["image"], Image.fromarray(image).save, ".png")
                write_result(made.folder / entries[case]["label"], Image.fromarray(label).save, ".png")
            on_case()
        made.write_list(f"JSRT with SCR masks, split {split}", LABELS, _sections(entries, split))
    return Report(folder / "dataset.json", list(entries), left_out)


def _sections(entries: dict[str, dict], split: str) -> dict[str, list[dict]]:
    names = list(entries)
    if split in ("seed", "exercise"):
        training, test = names[:FIRST_TEST], names[FIRST_TEST:]
    else:
        training = [name for name in names if int(name[-3:]) % 2]
        test = [name for name in names if name not in training]
    validation = [] if split == "exercise" else training[VALIDATION_STEP - 1 :: VALIDATION_STEP]
    training = [name for name in training if name not in validation]
    return {
        section: [entries[name] for name in chosen]
        for section, chosen in (("training", training), ("validation", validation), ("test", test))
    }


def _read_files(source: Path) -> tuple[dict[str, Callable], list[str]]:
    images: dict[str, Path] = {}
    masks: dict[tuple[str, str], Path] = {}
    for path in sorted(source.rglob("JPC*")):
        match = CASE.match(path.name)
        organ = path.parent.name.replace("_", " ").lower()
        if match and path.suffix.lower() == ".gif" and organ in ORGANS:
            masks[match.group(), organ] = path
        elif match and path.suffix.lower() in (".img", ".png") and organ.removesuffix(" png") not in ORGANS:
            images.setdefault(match.group(), path)
    cases, left_out = {}, []
    for case, path in sorted(images.items()):
        missing = [organ for organ in ORGANS if (case, organ) not in masks]
        if missing:
            left_out.append(f"{path.name}: no mask of {', '.join(missing)}")
        else:
            organs = {organ: masks[case, organ] for organ in ORGANS}
            cases[case] = lambda path=path, organs=organs: (_read_image(path), _merge(organs))
    left_out += [f"{path.name} ({organ}): no radiograph" for (case, organ), path in sorted(masks.items()) if case not in images]
    return cases, left_out


def _read_image(path: Path) -> np.ndarray:
    """Return ``(rows, columns)``, uint16, bones bright."""
    if path.suffix.lower() == ".img":
        pixels = np.fromfile(path, ">u2")
        if pixels.size != RAW_SIDE**2:
            raise UserError(f"{path}: {pixels.size} pixels, expected {RAW_SIDE}x{RAW_SIDE} of 16 bits.", "Copy it again.")
        return _shrink(RAW_DEPTH - 1 - pixels.reshape(RAW_SIDE, RAW_SIDE).astype(np.float32), path).astype(np.uint16)
    try:
        reader = PictureReader()
        pixels, _ = reader.get_data(reader.read(path))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error}).", "Copy it again.") from error
    depth = 255 if pixels.max() < 256 else RAW_DEPTH - 1
    return _shrink(pixels.T * ((RAW_DEPTH - 1) / depth), path).astype(np.uint16)


def _shrink(pixels: np.ndarray, path: Path) -> np.ndarray:
    factor, rest = divmod(pixels.shape[0], SIDE)
    if rest or factor < 1 or pixels.shape[0] != pixels.shape[1]:
        raise UserError(f"{path}: {pixels.shape[1]}x{pixels.shape[0]} pixels, expected 2048x2048 or 1024x1024.", "Copy it again.")
    return pixels.reshape(SIDE, factor, SIDE, factor).mean(axis=(1, 3)).round()


def _merge(organs: dict[str, Path]) -> np.ndarray:
    label = np.zeros((SIDE, SIDE), np.uint8)
    for organ, path in organs.items():
        try:
            mask = np.asarray(Image.open(path).convert("L"))
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error}).", "Copy it again.") from error
        if mask.shape != label.shape:
            raise UserError(f"{path}: {mask.shape[1]}x{mask.shape[0]} pixels, expected {SIDE}x{SIDE}.", "Copy it again.")
        label[mask > 127] = ORGANS[organ]
    return label


def _read_tensors(images_path: Path, masks_path: Path) -> tuple[dict[str, Callable], list[str]]:
    """Read the learning unit's ``{"JSRT_img0": (N, H, W)}`` and ``(N, 5, H, W)``; brightness is scaled to 12 bits a picture."""
    if not masks_path.is_file():
        raise UserError(f"{masks_path}: no such file.", f"It belongs beside {images_path.name}.")
    images = torch.load(images_path, map_location="cpu", weights_only=True)["JSRT_img0"].float().numpy()
    masks = torch.load(masks_path, map_location="cpu", weights_only=True)
    if images.shape[0] != masks.shape[0] or images.shape[1:] != tuple(masks.shape[2:]):
        raise UserError(f"{masks_path}: shape {tuple(masks.shape)} does not fit {images.shape}.", "Fetch both files again.")

    def read(index: int) -> tuple[np.ndarray, np.ndarray]:
        low, high = images[index].min(), images[index].max()
        label = np.zeros(images.shape[1:], np.uint8)
        for channel, value in enumerate(ORGANS.values()):
            label[masks[index, channel].numpy() == 1] = value
        return ((images[index] - low) * ((RAW_DEPTH - 1) / (high - low))).round().astype(np.uint16), label

    return {f"case_{index + 1:03d}": lambda index=index: read(index) for index in range(len(images))}, []
