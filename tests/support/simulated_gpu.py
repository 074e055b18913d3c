"""GPUs for machines without one: values are computed on the CPU, and what CUDA would refuse is refused.

Inside ``with SimulatedGPUs(count=2, capability=(8, 0)):`` a tensor may live on ``cuda:0`` or ``cuda:1``. ``.device``, ``.to``,
``.cuda``, ``device=`` and ``torch.load`` behave as with such devices; an operation over tensors of two devices, NumPy on a tensor
of a GPU, and bfloat16 autocast below capability 8.0 raise what CUDA raises. Memory, streams, speed, fp16 kernels and collectives
are not simulated, and a device is only known inside the thread that opened the context.

Two modes do the work. The function mode sees Python's calls before torch does, and answers what the C++ side cannot know: where a
tensor is. The dispatch mode sees every operation, also those that autograd runs, and carries the place from inputs to outputs.
A place belongs to a storage, so that views and ``detach`` need no care.
"""

from collections.abc import Iterable
from contextlib import ExitStack, contextmanager
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

CPU = torch.device("cpu")
MOVERS = {
    "aten::_has_compatible_shallow_copy_type",
    "aten::copy_",
    "aten::_to_copy",
    "aten::set_",
    "aten::lift_fresh",
    "aten::detach",
    "aten::_local_scalar_dense",
}
INDEXERS = {"aten::index", "aten::_unsafe_index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"}
INDEX_TYPES = (torch.int64, torch.int32, torch.bool, torch.uint8)
PRODUCTS = {"aten::convolution", "aten::convolution_backward", "aten::addmm", "aten::mm", "aten::bmm"} | {
    f"aten::{name}" for name in ("conv2d", "conv3d", "conv_transpose2d", "conv_transpose3d", "linear", "matmul")
}  # the last ones are whole in inference mode
HOST_ONLY = {"numpy", "__array__", "__dlpack__", "tolist_numpy"}


class Places:
    """Which simulated GPU a storage lives on, noted on the storage itself; storages without a note live on the CPU."""

    def of(self, tensor: torch.Tensor) -> torch.device:
        """Return the device of a tensor."""
        index = getattr(_storage(tensor), "simulated_gpu", None)
        return CPU if index is None else torch.device("cuda", index)

    def put(self, tensor: torch.Tensor, device: torch.device) -> None:
        """Say that a tensor's storage lives on a device."""
        storage = _storage(tensor)
        if storage is not None:
            storage.simulated_gpu = device.index if device.type == "cuda" else None


def _storage(tensor: torch.Tensor) -> torch.UntypedStorage | None:
    with torch._C.DisableTorchFunction():
        try:
            return tensor.untyped_storage()
        except (NotImplementedError, RuntimeError):  # sparse, meta
            return None


def _tensors(*trees) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(trees) if isinstance(leaf, torch.Tensor)]


class _Context:
    """What both modes share."""

    def __init__(self, count: int) -> None:
        self.count, self.current, self.places = count, 0, Places()
        self.working: list[torch.device] = []  # devices of the tensors that calls under way were given, backward included

    def device(self, device) -> torch.device | None:
        """Return a device with its index, None for none; refuse one that is not there."""
        if device is None:
            return None
        device = torch.device("cuda", device) if isinstance(device, int) else torch.device(device)
        if device.type != "cuda":
            return device
        index = self.current if device.index is None else device.index
        if index >= self.count:
            raise RuntimeError("CUDA error: invalid device ordinal")
        return torch.device("cuda", index)


class _Operations(TorchDispatchMode):
    def __init__(self, context: _Context) -> None:
        super().__init__()
        self.context = context

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs, places = dict(kwargs or {}), self.context.places
        name = func._schema.name
        inputs = _tensors(args, kwargs)
        found = [places.of(tensor) for tensor in inputs]
        asked = self.context.device(kwargs.get("device"))
        if asked is not None:
            kwargs["device"] = CPU
            if asked.type == "cpu" and self.context.working:  # C++ makes tensors beside storages of the CPU
                asked = self.context.working[-1]
        if name not in MOVERS:
            self._refuse_two_devices(name, args, inputs, found)
        output = _multiply_half(func, args, kwargs) if name in PRODUCTS else func(*args, **kwargs)
        if name in ("aten::copy_", "aten::set_"):
            return output
        here = asked or next((device for device in found if device.type == "cuda"), None)
        if here is not None and here.type == "cuda":
            tree_map_only(torch.Tensor, lambda tensor: places.put(tensor, here), output)
        return output

    def _refuse_two_devices(self, name: str, args, inputs: Iterable[torch.Tensor], found: Iterable[torch.device]) -> None:
        """Raise as CUDA does; single numbers of the CPU may meet a GPU's tensors, and so may indices."""
        indexed = self.context.places.of(args[0]) if name in INDEXERS else CPU
        devices = []
        for tensor, device in zip(inputs, found, strict=True):
            number = device.type == "cpu" and tensor.dim() == 0
            index = indexed.type == "cuda" and device.type == "cpu" and tensor.dtype in INDEX_TYPES
            if not number and not index and device not in devices:
                devices.append(device)
        if len(devices) > 1:
            names = ", ".join(map(str, devices[:-1])) + f" and {devices[-1]}"
            raise RuntimeError(f"Expected all tensors to be on the same device, but found at least two devices, {names}! ({name})")


class _Calls(TorchFunctionMode):
    def __init__(self, context: _Context) -> None:
        super().__init__()
        self.context = context

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        name, first = getattr(func, "__name__", ""), args[0] if args else None
        if isinstance(first, torch.Tensor):
            here = self.context.places.of(first)
            if func == torch.Tensor.device.__get__:
                return here if here.type == "cuda" else func(*args)
            if func == torch.Tensor.is_cuda.__get__:
                return here.type == "cuda"
            if func == torch.Tensor.is_cpu.__get__:
                return here.type == "cpu"
            if func is torch.Tensor.get_device:
                return here.index if here.type == "cuda" else -1
            if func in (torch.Tensor.pin_memory, torch.Tensor.record_stream):
                return first
            if name in HOST_ONLY and here.type == "cuda":
                raise TypeError(
                    f"can't convert {here} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first."
                )
            if func in (torch.Tensor.to, torch.Tensor.cuda, torch.Tensor.cpu):
                return self._move(func, first, args[1:], kwargs, here)
        if kwargs.get("device") is not None and name != "_parse_to":
            return self._make(func, args, kwargs)
        given = [self.context.places.of(tensor) for tensor in _tensors(args, kwargs)]
        there = next((device for device in given if device.type == "cuda"), None)
        return func(*args, **kwargs) if there is None else self._work(there, func, args, kwargs)

    def _work(self, device: torch.device, func, args, kwargs):
        self.context.working.append(device)
        try:
            return func(*args, **kwargs)
        finally:
            self.context.working.pop()

    def _make(self, func, args, kwargs):
        """Call a factory, such as ``torch.zeros``, and put what it makes on the device."""
        device = self.context.device(kwargs.pop("device"))
        if device.type not in ("cuda", "cpu"):
            return func(*args, **kwargs, device=device)
        generator = kwargs.get("generator")
        if generator is not None and device.type == "cuda" and not getattr(generator, "simulated", False):
            raise RuntimeError(f"Expected a 'cuda' device type for generator but found '{generator.device.type}'")
        output = func(*args, **kwargs, device=CPU)
        given = {_address(tensor) for tensor in _tensors(args)}
        if any(_address(tensor) in given and self.context.places.of(tensor) != device for tensor in _tensors(output)):
            output = tree_map_only(torch.Tensor, torch.clone, output)  # as_tensor copies to another device
        tree_map_only(torch.Tensor, lambda tensor: self.context.places.put(tensor, device), output)
        return output

    def _move(self, func, tensor, args, kwargs, here):
        kwargs, args, target = dict(kwargs), list(args), None
        copy = kwargs.pop("copy", False)
        kwargs.pop("non_blocking", None)
        if func is torch.Tensor.cuda:
            asked = args.pop(0) if args else kwargs.pop("device", None)
            target = self.context.device("cuda" if asked is None else asked)
        elif func is torch.Tensor.cpu:
            target = CPU
        else:
            other = kwargs.pop("other", args[0] if args and isinstance(args[0], torch.Tensor) else None)
            if other is not None:
                target, args, kwargs["dtype"] = self.context.places.of(other), [], other.dtype
            elif "device" in kwargs:
                target = self.context.device(kwargs.pop("device"))
            elif args and isinstance(args[0], (str, int, torch.device)):
                target = self.context.device(args.pop(0))
            flags = [args.pop(i) for i in reversed(range(len(args))) if isinstance(args[i], bool)]  # copy, non_blocking
            copy = copy or (len(flags) == 2 and flags[0])
        moved = torch.Tensor.to(tensor, *args, **kwargs) if args or _given(kwargs) else tensor
        target = here if target is None else target
        if _address(moved) == _address(tensor) and (target != here or copy):
            moved = moved.clone()
        self.context.places.put(moved, target)
        return moved


def _given(kwargs: dict) -> bool:
    return any(value is not None for name, value in kwargs.items() if name in ("dtype", "memory_format"))


def _multiply_half(func, args, kwargs):
    """Take products of float16 as tensor cores do: summed in float32, then rounded; the CPU's own take fifty times as long."""
    half = any(tensor.dtype == torch.float16 for tensor in _tensors(args))
    if not half:
        return func(*args, **kwargs)
    wide = tree_map_only(torch.Tensor, torch.Tensor.float, args)
    return tree_map_only(torch.Tensor, torch.Tensor.half, func(*wide, **kwargs))


def _address(tensor: torch.Tensor) -> int | None:
    storage = _storage(tensor)
    return None if storage is None else storage._cdata


class SimulatedGenerator(torch.Generator):
    """A generator of random numbers that may belong to a simulated GPU; the numbers are the CPU's."""

    def __new__(cls, device="cpu") -> "SimulatedGenerator":
        generator = super().__new__(cls, CPU)
        generator.simulated = torch.device(device).type == "cuda"
        return generator


class SimulatedGPUs(ExitStack):
    """A context in which simulated GPUs are there.

    Args:
        count: how many.
        capability: compute capability of each: (7, 5) is a T4, which has no bfloat16; (8, 0) an A100.
    """

    def __init__(self, count: int = 1, capability: tuple[int, int] = (8, 0)) -> None:
        super().__init__()
        self.count, self.capability = count, capability
        self.context = _Context(count)
        self.autocasts: list[torch.dtype] = []  # types that autocast on a GPU was entered with

    def __enter__(self) -> "SimulatedGPUs":
        super().__enter__()
        context = self.context
        for name, replacement in {
            "is_available": lambda: True,
            "device_count": lambda: self.count,
            "current_device": lambda: context.current,
            "set_device": self._set_device,
            "get_device_capability": lambda *_: self.capability,
            "get_device_name": lambda *_: "simulated",
            "is_bf16_supported": lambda *_, **__: self.capability >= (8, 0),
            "synchronize": lambda *_: None,
            "empty_cache": lambda: None,
            "manual_seed": lambda _: None,
            "manual_seed_all": lambda _: None,
            "get_rng_state_all": lambda: [torch.zeros(16, dtype=torch.uint8) for _ in range(self.count)],
            "set_rng_state_all": lambda _: None,
            "get_rng_state": lambda *_: torch.zeros(16, dtype=torch.uint8),
            "set_rng_state": lambda *_: None,
            "max_memory_allocated": lambda *_: 0,
            "reset_peak_memory_stats": lambda *_: None,
            "device": self._device,
        }.items():
            self.enter_context(mock.patch.object(torch.cuda, name, replacement))
        self.enter_context(mock.patch.object(torch, "load", self._load(torch.load)))
        self.enter_context(mock.patch.object(torch, "Generator", SimulatedGenerator))
        for module in (torch, torch.amp, torch.amp.autocast_mode):
            self.enter_context(mock.patch.object(module, "autocast", self._autocast(torch.amp.autocast_mode.autocast)))
        enabled = torch.is_autocast_enabled  # a GPU's autocast is that of the CPU here
        self.enter_context(mock.patch.object(torch, "is_autocast_enabled", lambda _="cpu": enabled("cpu")))
        pinning = torch.utils.data._utils.pin_memory
        self.enter_context(mock.patch.object(pinning, "pin_memory", lambda data, device=None: data))
        self.enter_context(_Operations(context))
        self.enter_context(_Calls(context))
        return self

    def _set_device(self, device) -> None:
        self.context.current = self.context.device(device).index

    @contextmanager
    def _device(self, device):
        before = self.context.current
        self._set_device(device)
        try:
            yield
        finally:
            self.context.current = before

    def _load(self, load):
        def load_there(*args, map_location=None, **kwargs):
            if isinstance(map_location, dict) or callable(map_location) or map_location is None:
                return load(*args, map_location=map_location, **kwargs)
            content = load(*args, map_location=CPU, **kwargs)
            return tree_map_only(torch.Tensor, lambda tensor: tensor.to(map_location), content)

        return load_there

    def _autocast(self, autocast):
        simulation = self

        class Autocast(autocast):
            """Autocast on a GPU becomes autocast of the CPU, in the same type."""

            def __init__(self, device_type: str, dtype: torch.dtype | None = None, enabled: bool = True, **kwargs) -> None:
                if device_type == "cuda":
                    device_type, dtype = "cpu", dtype or torch.float16
                    if enabled and dtype == torch.bfloat16 and simulation.capability < (8, 0):
                        raise RuntimeError("Current CUDA Device does not support bfloat16. Please switch dtype to float16.")
                    if enabled:
                        simulation.autocasts.append(dtype)
                super().__init__(device_type, dtype, enabled, **kwargs)

        return Autocast
