"""How near to the peak a network can come at all, as not all that it does is multiplying."""

import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from monai.data import list_data_collate
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from custom_networks.errors import UserError
from custom_networks.networks.fusion import for_inference

from ..bundles import Bundle
from .cases import full_field_cases
from .peak import copies_in_a_second, least, operations_counter, peak
from .slices import median_seconds
from .stages import Pipeline

FREE = ("empty", "detach", "alias")  # operations that touch no element


@dataclass(frozen=True)
class Operation:
    """What one operation of torch does: floating-point operations, and bytes read and written."""

    operations: int
    moved: int


class Operations(TorchDispatchMode):
    """A context that keeps the `Operation` of everything that torch does in it; views do nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.counter = operations_counter(executed=True)
        self.done: list[Operation] = []

    def __enter__(self) -> "Operations":
        self.counter.__enter__()
        return super().__enter__()

    def __exit__(self, *exception) -> None:
        super().__exit__(*exception)
        self.counter.__exit__(*exception)

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        before = self.counter.get_total_flops()
        result = function(*arguments, **(options or {}))
        name = function.overloadpacket.__name__
        if not function.is_view and not name.startswith(FREE):
            tensors = [leaf for leaf in tree_leaves((arguments, options, result)) if isinstance(leaf, torch.Tensor)]
            moved = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
            self.done.append(Operation(self.counter.get_total_flops() - before, moved))
        return result


def least_seconds(done: list[Operation], rate: float, copied: Callable[[int], float]) -> float:
    """Return the least time of operations one after the other: each as fast as a matrix product or a copy, whichever is slower.

    Args:
        done: what is done.
        rate: floating-point operations in a second of a matrix product.
        copied: gives the bytes read and written in a second by a copy that moves so many.
    """
    return sum(max(found.operations / rate, found.moved / copied(found.moved)) for found in done)


def bench_bound(bundle: Bundle) -> list[str]:
    """Say what share of the peak the network reaches on the first window of a case, and what is the most it can reach."""
    lines: list[str] = []

    class Seen(Exception):  # noqa: N818  no error: the rest of the case need not run
        pass

    with tempfile.TemporaryDirectory() as scratch:
        pipeline = Pipeline(bundle, Path(scratch) / "out", half=True)
        image = full_field_cases(bundle, Path(scratch))[0]
        batch = list_data_collate([pipeline.preprocess(pipeline.load({"image": image}))])

        def look(window: torch.Tensor, *others) -> torch.Tensor:
            network = for_inference(pipeline.network)
            network(window, *others)
            with Operations() as operations:
                network(window, *others)
            rate = peak(pipeline.half or torch.float32)
            needed = sum(found.operations for found in operations.done) / rate
            reached = needed / median_seconds(lambda: network(window, *others))
            alone = needed / convolution_seconds(lambda: network(window, *others))
            most = needed / least_seconds(operations.done, rate, copies_in_a_second)
            size = "x".join(map(str, window.shape))
            lines.append(
                f"network on {size}: {reached:.2f} of the peak; its convolutions alone {alone:.2f}; "
                f"{most:.2f} were they at the peak and all else as fast as a copy"
            )
            raise Seen

        with suppress(Seen), torch.inference_mode():  # weights that are loaded in it are not fused
            pipeline.inferer(batch["image"], look)
    if lines:
        return lines
    raise UserError(
        f"{bundle.name}: its inferer asked its network for nothing.", "Give a bundle whose phantom has something to see."
    )


def convolution_seconds(call: Callable[[], object]) -> float:
    """Return the CPU time of the convolutions of a call."""

    class Clock(TorchDispatchMode):
        seconds = 0.0

        def __torch_dispatch__(self, function, types, arguments=(), options=None):
            start = time.process_time()
            result = function(*arguments, **(options or {}))
            if "conv" in function.overloadpacket.__name__:
                self.seconds += time.process_time() - start
            return result

    def seconds() -> float:
        with Clock() as clock:
            call()
        return clock.seconds

    return least(seconds)
