"""List what the configs of a bundle would run, without running it."""

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass

ROOTS = ("monai", "torch", "ignite", "scripts")  # packages that a config may name
RISKY_TARGETS = (
    "torch.hub",
    "torch.load",
    "torch.jit.load",
    "torch.package",
    "torch.utils.cpp_extension",
    "torch.ops",
    "torch.classes",
    "torch.multiprocessing",
    "monai.bundle",
    "monai.apps",
    "monai.utils",
)
HARMLESS = {"monai.utils", "monai.utils.set_determinism"}
MODULES = {"os", "math"}  # that ``$import`` may name
OS_PARTS = {"environ", "path"}
FORBIDDEN = {
    "eval", "exec", "compile", "open", "input", "getattr", "setattr", "delattr", "globals", "locals", "vars", "breakpoint",
    "subprocess", "shutil", "socket", "sys", "importlib", "builtins", "pickle", "ctypes", "marshal", "urllib", "requests",
}  # fmt: skip
FORBIDDEN_PARTS = (FORBIDDEN - {"compile", "open", "input"}) | {"os", "system", "popen"}  # of other modules, as in torch.os


@dataclass(frozen=True)
class Finding:
    """An expression or a target of a config; ``danger`` says why it must not run, and is empty where nothing speaks against it."""

    config: str
    kind: str
    text: str
    danger: str = ""


def review_config(name: str, content: bytes) -> Iterator[Finding]:
    """Yield every ``$`` expression and every ``_target_`` outside `ROOTS` of one JSON config.

    Args:
        name: of the config.
        content: its bytes.
    """
    try:
        config = json.loads(content)
    except (ValueError, RecursionError) as error:
        yield Finding(name, "file", "cannot be read", str(error)[:80])
        return
    seen = set()
    for key, text in _strings(config):
        if key == "_target_":
            finding = Finding(name, "target", text, _target_danger(text))
        elif text.startswith("$"):
            finding = Finding(name, "expression", text, _expression_danger(text[1:]))
        elif text.startswith("%"):
            finding = Finding(name, "macro", text, "reads another file")
        else:
            continue
        known = finding.kind == "target" and not finding.danger
        if not known and finding not in seen:
            seen.add(finding)
            yield finding


def _strings(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    stack = [(key, value)]
    while stack:
        key, value = stack.pop()
        if isinstance(value, str):
            yield key, value
        elif isinstance(value, dict):
            stack += [(str(name), part) for name, part in reversed(value.items())]
            stack += [("", str(name)) for name in value if str(name).startswith("$")]
        elif isinstance(value, list):
            stack += [(key if key == "_target_" else "", part) for part in reversed(value)]


def _target_danger(text: str) -> str:
    if text.startswith(RISKY_TARGETS):
        return "loads or fetches code"
    if text.startswith("$"):
        return "is computed"
    if "." in text and text.split(".")[0] not in ROOTS:
        return f"outside {', '.join(ROOTS)}"
    if any(part.startswith("_") for part in text.split(".")):
        return "is private"
    return ""


def _expression_danger(text: str) -> str:
    source = text.strip().replace("@", "_ref_").replace("::", "_").replace("#", "_")
    try:
        tree = ast.parse(source, mode="exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "cannot be parsed"
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) or (
            isinstance(node, ast.Import) and any(alias.name not in MODULES or alias.asname for alias in node.names)
        ):
            return "imports a module"
        if isinstance(node, ast.Name) and (node.id in FORBIDDEN or node.id.startswith("__")):
            return f"uses {node.id}"
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id == "os" and node.attr not in OS_PARTS:
                return f"uses os.{node.attr}"
            if node.attr.startswith("__") or node.attr in FORBIDDEN_PARTS:
                return f"uses {node.attr}"
            dotted = ast.unparse(node)
            if dotted.startswith(RISKY_TARGETS) and dotted not in HARMLESS:
                return f"uses {dotted}"
    return ""
