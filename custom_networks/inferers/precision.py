"""Which arithmetic networks run in: one policy for training and inference on every device."""

from contextlib import AbstractContextManager, nullcontext

import torch

from ..errors import UserError

TYPES = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}
PRECISIONS = ("auto", *TYPES)
BFLOAT16_CAPABILITY = (8, 0)  # of an NVIDIA GPU: Ampere
FLOAT16_CAPABILITY = (7, 0)  # Volta; older ones compute it slowly


def has_bfloat16(device: torch.device) -> bool:
    """Tell whether bfloat16 is fast on a device: CUDA from compute capability 8, CPUs with AVX512-BF16 or AMX."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= BFLOAT16_CAPABILITY
    return device.type == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def half_type(device: torch.device | str, precision: str = "auto") -> torch.dtype | None:
    """Return the type of 16 bits that a network's products are computed in on a device; None for float32.

    Args:
        device: of the network.
        precision: ``"auto"`` takes bfloat16 where `has_bfloat16` finds it fast, float16 on GPUs from compute capability 7.0 without
            it (V100, T4), and float32 elsewhere, Apple's GPUs (MPS) included. ``"float32"``, ``"bfloat16"`` and ``"float16"`` are
            taken where the device can.

    Raises:
        UserError: for another word, or a type that the device does not have.
    """
    device = torch.device(device)
    if precision not in PRECISIONS:
        raise UserError(f"precision {precision}: no such precision.", f"Give one of {', '.join(PRECISIONS)}.")
    if precision == "auto":
        if has_bfloat16(device):
            return torch.bfloat16
        return torch.float16 if _has_float16(device) else None
    lacks_half = device.type not in ("cpu", "cuda")
    lacks_bfloat16 = device.type == "cuda" and not has_bfloat16(device)  # any CPU has it, if slowly
    if (precision != "float32" and lacks_half) or (precision == "bfloat16" and lacks_bfloat16):
        raise UserError(f"precision {precision}: not on the device {device}.", "Give auto or float32.")
    if precision == "float16" and device.type == "cpu":
        raise UserError("precision float16: for GPUs, not for the processor.", "Give auto, bfloat16 or float32.")
    return TYPES[precision]


def precision_name(device: torch.device | str, precision: str = "auto") -> str:
    """Return the name of the type that `half_type` chooses: ``float32``, ``bfloat16`` or ``float16``."""
    return next(name for name, kind in TYPES.items() if kind == half_type(device, precision))


def needs_gradient_scaler(device: torch.device | str, precision: str = "auto") -> bool:
    """Tell whether training must scale its loss: float16 has too few exponents for gradients. For ``amp`` of MONAI's trainer."""
    return half_type(device, precision) == torch.float16


def autocast(device: torch.device | str, precision: str = "auto") -> AbstractContextManager:
    """Return the context in which a network runs; an autocast that is on already, such as that of MONAI's engines, stays."""
    device = torch.device(device)
    kind = half_type(device, precision)
    if kind is None or torch.is_autocast_enabled(device.type):
        return nullcontext()
    return torch.autocast(device.type, kind)


def _has_float16(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= FLOAT16_CAPABILITY
