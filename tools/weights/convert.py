"""Turn published weights into checkpoints of ours."""

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from custom_networks.errors import UserError

from .gmseg import convert_gmseg
from .gmseg_torch import convert_gmseg_torch

CONVERTERS: dict[str, Callable[[Path], dict[str, torch.Tensor]]] = {"gmseg": convert_gmseg, "gmseg-torch": convert_gmseg_torch}
RUN = {  # what is told of how to run the weights
    "gmseg": "run it with `axial segment spinal_cord INPUT -o OUT --threshold 0.999 --weights {output}`",
    "gmseg-torch": "run it in the bundle's folder with `python -m monai.bundle run inference --config_file "
    "\"['configs/inference.json','configs/inference_paper.json','configs/seed_network.json']\" --input INPUT --output_dir OUT "
    "--ckpt {output}`",
}


def convert(source: str, files: list[Path], output: Path, overwrite: bool = False) -> Iterator[str]:
    """Convert and save; yield what to tell the user.

    Raises:
        UserError: when the source is unknown, a file is missing or no weights, or the output exists.
    """
    if source not in CONVERTERS:
        raise UserError(f"{source}: unknown source of weights.", f"Known: {', '.join(CONVERTERS)}.")
    for file in files:
        if not file.is_file():
            raise UserError(f"{file}: no such file.", "Give the published file.")
    if output.exists() and not overwrite:
        raise UserError(f"{output}: exists.", "Choose another name or give --overwrite.")
    state = CONVERTERS[source](files[0])
    output.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, output)
    yield f"wrote {output} with {sum(value.numel() for value in state.values() if value.is_floating_point())} numbers"
    yield RUN[source].format(output=shlex.quote(str(output.resolve())))
    for file in files[1:]:
        try:
            stats = json.loads(file.read_text())
        except ValueError as error:
            raise UserError(f"{file}: not JSON ({error}).", "Give the statistics that came with the weights.") from error
        known = ", ".join(f"{name} {value}" for name, value in stats.items())
        yield f"training intensities: {known}; not needed, since the bundle normalises each volume by its own"
