"""What a config of a stranger may name: classes and functions, by the module that defines them.

Nothing is imported but modules of the packages listed here, and nothing is called.
"""

import importlib
import inspect
import math
import re
from functools import cache
from importlib.util import find_spec

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
LONGEST_NAME = 200
OURS = "scripts.custom_networks."

# Where a name may be looked up. What it names must be defined in a module of the lists below.
PACKAGES = (
    "monai.data", "monai.engines", "monai.handlers", "monai.inferers", "monai.losses", "monai.metrics", "monai.networks",
    "monai.optimizers", "monai.transforms", "monai.utils", "torch.nn", "torch.optim", "torch.utils.data", "ignite.handlers",
    "ignite.metrics",
)  # fmt: skip
CLASSES_OF = (
    "monai.data.dataloader", "monai.data.dataset", "monai.data.grid_dataset", "monai.data.image_dataset",
    "monai.data.image_reader", "monai.data.image_writer", "monai.data.iterable_dataset", "monai.data.samplers",
    "monai.data.test_time_augmentation", "monai.data.thread_buffer", "monai.engines", "monai.handlers", "monai.inferers",
    "monai.losses", "monai.metrics", "monai.networks.blocks", "monai.networks.layers", "monai.networks.nets", "monai.optimizers",
    "monai.transforms", "monai.utils.enums", "torch.nn.modules", "torch.nn.parallel.data_parallel",
    "torch.nn.parallel.distributed", "torch.optim", "torch.utils.data.dataloader", "torch.utils.data.dataset",
    "torch.utils.data.distributed", "torch.utils.data.sampler", "ignite.handlers.checkpoint", "ignite.handlers.early_stopping",
    "ignite.handlers.ema_handler", "ignite.handlers.param_scheduler", "ignite.handlers.state_param_scheduler",
    "ignite.handlers.stores", "ignite.handlers.terminate_on_nan", "ignite.handlers.time_limit", "ignite.handlers.timing",
    "ignite.handlers.tqdm_logger", "ignite.metrics",
)  # fmt: skip
FUNCTIONS_OF = ("monai.losses", "monai.metrics", "monai.networks.nets", "torch.nn.functional", "torch.nn.init")
FUNCTIONS = {
    "monai.data.decathlon_datalist.load_decathlon_datalist", "monai.data.decathlon_datalist.load_decathlon_properties",
    "monai.data.utils.decollate_batch", "monai.data.utils.list_data_collate", "monai.data.utils.no_collation",
    "monai.data.utils.pad_list_data_collate", "monai.data.utils.partition_dataset", "monai.data.utils.partition_dataset_classes",
    "monai.data.utils.select_cross_validation_folds", "monai.engines.utils.default_metric_cmp_fn",
    "monai.engines.utils.default_prepare_batch", "monai.handlers.utils.from_engine", "monai.handlers.utils.ignore_data",
    "monai.handlers.utils.stopping_fn_from_loss", "monai.handlers.utils.stopping_fn_from_metric",
    "monai.inferers.utils.sliding_window_inference", "monai.networks.layers.utils.get_act_layer",
    "monai.networks.layers.utils.get_norm_layer", "monai.networks.utils.normal_init", "monai.networks.utils.one_hot",
    "monai.optimizers.utils.generate_param_groups", "monai.utils.misc.set_determinism", "torch.utils.data.dataset.random_split",
}  # fmt: skip

# Modules and names within the lists above that do more than compute, each with the reason of its refusal.
REFUSED_MODULES = {
    "monai.handlers.clearml_handlers": "sends data to a server",
    "monai.handlers.logfile_handler": "writes any words into a file",
    "monai.handlers.mlflow_handler": "sends data to a server",
    "monai.handlers.trt_handler": "compiles and writes code",
    "monai.inferers.merger": "writes where it is told",  # ZarrAvgMerger; AvgMerger is let through below
    "monai.losses.perceptual": "fetches networks",
    "monai.networks.blocks.text_embedding": "fetches weights",
    "monai.networks.layers.filtering": "compiles code",
    "monai.networks.layers.gmm": "compiles code with what it is given",
    "monai.networks.nets.milmodel": "takes any name of torchvision",
    "monai.networks.nets.torchvision_fc": "takes any name of torchvision",
    "monai.networks.nets.transchex": "fetches weights",
    "monai.transforms.utils_create_transform_ims": "writes pictures",
    "ignite.metrics.gan": "fetches networks",
    "ignite.metrics.gpu_info": "asks the system",
}
REFUSED = {
    "monai.data.dataset.CSVDataset": "reads any file or address",
    "monai.data.dataset.CacheNTransDataset": "loads pickled files of a cache",
    "monai.data.dataset.GDSDataset": "loads pickled files of a cache",
    "monai.data.dataset.LMDBDataset": "loads pickled files of a cache",
    "monai.data.dataset.NPZDictItemDataset": "loads files of arrays, which may be pickled",
    "monai.data.dataset.PersistentDataset": "loads pickled files of a cache",
    "monai.data.iterable_dataset.CSVIterableDataset": "reads any file or address",
    "monai.networks.nets.flexible_unet.FlexUNetEncoderRegister": "looks names of any module up",
    "monai.networks.nets.resnet.get_medicalnet_pretrained_resnet_args": "fetches weights",
    "monai.networks.nets.resnet.get_pretrained_resnet_medicalnet": "fetches weights",
    "monai.transforms.io.array.WriteFileMapping": "writes a file where it is told",
    "monai.transforms.io.dictionary.WriteFileMappingd": "writes a file where it is told",
} | {
    f"monai.transforms.utility.{module}.{prefix}{name}{suffix}": "takes any name of another package"
    for module, suffix in (("array", ""), ("dictionary", "d"))
    for prefix in ("", "Rand")
    for name in ("CuCIM", "TorchIO", "TorchVision")
}
EXCEPTIONS = {"monai.inferers.merger.AvgMerger", "monai.inferers.merger.Merger"}
# These look a string up as the name of any class or function: only the names of `READERS`, and never as a callable to be handed on.
LOOK_NAMES_UP = {
    "monai.data.image_dataset.ImageDataset", "monai.inferers.inferer.PatchInferer", "monai.transforms.io.array.LoadImage",
    "monai.transforms.io.array.SaveImage", "monai.transforms.io.dictionary.LoadImaged", "monai.transforms.io.dictionary.SaveImaged",
}  # fmt: skip
READERS = {
    "ITKReader", "NibabelReader", "NrrdReader", "NumpyReader", "PILReader", "PydicomReader", "itkreader", "nibabelreader",
    "nrrdreader", "numpyreader", "pilreader", "pydicomreader", "ITKWriter", "NibabelWriter", "PILWriter", "AvgMerger",
}  # fmt: skip

TORCH = {
    "Generator", "Tensor", "abs", "all", "allclose", "any", "arange", "argmax", "argmin", "as_tensor", "bfloat16", "bool",
    "cat", "channels_last", "channels_last_3d", "clamp", "clip", "concat", "contiguous_format", "cuda.device_count",
    "cuda.is_available", "cuda.is_bf16_supported", "device", "distributed.get_rank", "distributed.get_world_size",
    "distributed.is_available", "distributed.is_initialized", "double", "exp", "eye", "flip", "float", "float16", "float32",
    "float64", "full", "half", "inf", "int", "int16", "int32", "int64", "int8", "linspace", "log", "logical_and",
    "logical_not", "logical_or", "long", "manual_seed", "max", "mean", "min", "nan", "ones", "ones_like", "pi",
    "preserve_format", "relu", "round", "sigmoid", "softmax", "sqrt", "squeeze", "stack", "std", "sum", "tanh", "tensor",
    "uint8", "unique", "unsqueeze", "where", "zeros", "zeros_like",
}  # fmt: skip
NUMPY = {
    "abs", "arange", "array", "asarray", "bool_", "ceil", "clip", "concatenate", "deg2rad", "diag", "exp", "eye", "float16",
    "float32", "float64", "floor", "inf", "int16", "int32", "int64", "int8", "linspace", "log", "log2", "max", "mean", "min",
    "nan", "ones", "pi", "prod", "rad2deg", "round", "sqrt", "stack", "sum", "uint16", "uint32", "uint8", "where", "zeros",
}  # fmt: skip
PATHS = {"os.path.basename", "os.path.exists", "os.path.isdir", "os.path.isfile", "os.path.join", "glob.glob"}
MATH = {name for name in vars(math) if not name.startswith("_")} - {"comb", "factorial", "perm"}


def below(module: str, packages) -> bool:
    """Tell whether ``module`` is one of ``packages`` or lies below one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def target_reason(target: object, called: bool = True) -> str:
    """Say why a ``_target_`` must not be used; empty where it may be.

    Args:
        target: a name as MONAI takes it: a bare one of MONAI's, or one with dots.
        called: whether it is called with the config's own arguments; what is handed on may be called with any.
    """
    if not isinstance(target, str):
        return "is no text"
    if len(target) > LONGEST_NAME or not NAME.fullmatch(target):
        return "is no plain name"
    if any(part.startswith("_") for part in target.split(".")):
        return "is private"
    if target.startswith(OURS):
        return _ours_reason(target)
    if "." not in target:
        modules = _bare_names().get(target)
        if not modules:
            return "is no class or function of MONAI"
        return next((reason for module in modules if (reason := target_reason(f"{module}.{target}", called))), "")
    if target.removeprefix("torch.") in TORCH:
        return ""
    return _module_reason(target, called)


def name_reason(name: str) -> str:
    """Say why a dotted name must not stand in an expression; empty where it may."""
    root, _, rest = name.partition(".")
    known = {"torch": TORCH, "np": NUMPY, "numpy": NUMPY, "math": MATH}.get(root, ())
    if rest in known or name in PATHS:
        return ""
    if root in ("monai", "torch") and rest:
        return target_reason(name, called=False) or ("can fetch its weights" if takes_pretrained(name) else "")
    return "is not on the list of names"


def takes_pretrained(target: object, by_default: bool = False) -> bool:
    """Tell whether a name is of a network that can fetch its weights, or one that does so unless its config says otherwise."""
    if not isinstance(target, str) or target.startswith(OURS) or target_reason(target):
        return False
    module, _, name = target.rpartition(".")
    found = [vars(importlib.import_module(place)).get(name) for place in ([module] if module else _bare_names()[name])]
    given = [inspect.signature(network).parameters.get("pretrained") for network in found if callable(network)]
    return any(parameter is not None and not (by_default and parameter.default in (False, None)) for parameter in given)


def _ours_reason(target: str) -> str:
    import custom_networks

    *modules, name = target.removeprefix(OURS).split(".")
    found = getattr(custom_networks, name, None) if name in custom_networks.__all__ else None
    if not (inspect.isclass(found) or inspect.isfunction(found)):
        return "is no component of ours"
    if not below(found.__module__, ["custom_networks"]) or (
        modules and found.__module__ != ".".join(["custom_networks", *modules])
    ):
        return "is no component of ours"
    return ""


def _module_reason(target: str, called: bool) -> str:
    module_name, _, name = target.rpartition(".")
    if not below(module_name, PACKAGES):
        return "is outside the packages that a config may name"
    try:
        if find_spec(module_name) is None or _is_module(target):
            return "is no class or function"
        module = importlib.import_module(module_name)
    except Exception as error:  # an optional package that is missing: it could not run either
        return f"cannot be found ({type(error).__name__})"
    found = vars(module).get(name)
    if not (inspect.isclass(found) or inspect.isfunction(found)):
        return "is no class or function"
    return _definition_reason(f"{found.__module__}", found.__qualname__, inspect.isclass(found), called)


def _definition_reason(module: str, name: str, is_class: bool, called: bool) -> str:
    whole = f"{module}.{name}"
    refused = REFUSED.get(whole) or next((why for part, why in REFUSED_MODULES.items() if below(module, [part])), "")
    if refused and whole not in EXCEPTIONS:
        return refused
    if not called and whole in LOOK_NAMES_UP:
        return "looks names of any module up, so it must not be handed on"
    listed = below(module, CLASSES_OF) if is_class else whole in FUNCTIONS or below(module, FUNCTIONS_OF)
    return "" if listed else f"is defined in {module}, which is not on the list"


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


@cache
def _bare_names() -> dict[str, list[str]]:
    """Name to modules of all classes and functions that MONAI finds by a name without dots."""
    import monai.bundle
    import monai.handlers  # noqa: F401  # is not loaded with monai itself
    from monai.bundle import ComponentLocator

    locator = ComponentLocator()
    locator.get_component_module_name("Compose")  # fills its table
    return locator._components_table
