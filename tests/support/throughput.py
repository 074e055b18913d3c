"""Options that set how fast a bundle trains and infers."""

import inspect
import re

import custom_networks

THROUGHPUT = ("num_workers", "pin_memory", "window_batch", "cudnn_benchmark", "precision")


def assert_options_reach(content: object, where: str) -> None:
    """Assert that each component of ours in a config which has one of the options takes it from the config's id of that name."""
    if isinstance(content, dict):
        kind = re.fullmatch(r"scripts\.custom_networks\.(\w+)", str(content.get("_target_")))
        if kind and content.get("_mode_") != "callable":
            for name in inspect.signature(getattr(custom_networks, kind[1])).parameters.keys() & {*THROUGHPUT, "epoch_length"}:
                assert content.get(name) == f"@{name}", f"{where}: {kind[1]}({name})"
        content = list(content.values())
    for inner in content if isinstance(content, list) else ():
        assert_options_reach(inner, where)
