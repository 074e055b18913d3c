"""Write tensors to a file, whole or not at all."""

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from .write_result import write_result


def write_state(target: Path, content: Any, half: bool = False) -> None:
    """Write a state dict, or a mapping of several, so that it loads anywhere with ``weights_only=True``.

    Equal content gives equal bytes, and what was under the name before stays until the new file is safe on the disk.

    Args:
        target: the file; its folder is made when missing.
        content: tensors, numbers, texts, and mappings and lists of them.
        half: whether floating-point tensors are written in half precision.

    Raises:
        UserError: when the file cannot be written.
    """
    buffer = io.BytesIO()
    torch.save(on_cpu(content, half), buffer)

    def write(path: Path) -> None:
        with path.open("wb") as stream:
            stream.write(buffer.getbuffer())
            stream.flush()
            os.fsync(stream.fileno())

    write_result(target, write)


def on_cpu(content: Any, half: bool = False) -> Any:
    """Return content with its tensors on the CPU, in their layout."""
    if isinstance(content, torch.Tensor):
        return content.detach().to("cpu", torch.float16 if half and content.is_floating_point() else content.dtype)
    if isinstance(content, Mapping):
        return {name: on_cpu(value, half) for name, value in content.items()}
    if isinstance(content, (list, tuple)):
        return type(content)(on_cpu(value, half) for value in content)
    return content
