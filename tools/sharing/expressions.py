"""Read ``$`` expressions of configs as syntax trees, without evaluating them."""

import ast
import builtins
import re
from collections.abc import Callable

from monai.bundle import ConfigParser, ReferenceResolver

from .allowed import name_reason

LONGEST = 1000  # characters
MOST_NODES = 200
DEEPEST = 20
LARGEST = 10**9
REFERENCES = "__local_refs"  # MONAI's name of the dictionary that references become entries of
IMPORTS = {"import os", "import glob", "import math", "import monai", "import torch", "import numpy", "import numpy as np"}
BUILTINS = {
    "abs", "all", "any", "bool", "dict", "enumerate", "float", "int", "len", "list", "max", "min", "range", "reversed", "round",
    "set", "sorted", "sum", "tuple", "zip",
}  # fmt: skip
MODULES = {"glob", "math", "monai", "np", "numpy", "os", "torch"}
ATTRIBUTES = {  # of values, none of which leads to a module or to code
    "T", "abs", "argmax", "batch", "batch_size", "bool", "children", "clone", "contiguous", "cpu", "cuda", "data", "dataset",
    "detach", "device", "dim", "dtype", "epoch", "epoch_length", "eval", "exit_if_failed", "flatten", "float", "get", "half",
    "int", "item", "items", "iteration", "keys", "log_failed", "long", "max", "max_epochs", "mean", "metrics", "min", "module",
    "named_parameters", "ndim", "numel", "parameters", "permute", "run", "shape", "size", "spacing", "squeeze", "state",
    "state_dict", "sum", "to", "tolist", "train", "transforms", "unsqueeze", "values", "view",
}  # fmt: skip
ENVIRONMENT = {"LOCAL_RANK", "RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"}
KEYWORDS_REFUSED = {"reader", "writer", "merger_cls", "allow_pickle", "weights_only", "compile", "compile_kwargs"}
NODES = (
    ast.Expression, ast.Constant, ast.Name, ast.Load, ast.Attribute, ast.Subscript, ast.Slice, ast.Call, ast.keyword,
    ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.List, ast.Tuple, ast.Starred, ast.Dict, ast.Set,
    ast.ListComp, ast.comprehension, ast.Store, ast.Lambda, ast.arguments, ast.arg, ast.And, ast.Or, ast.Not, ast.UAdd,
    ast.USub, ast.Invert, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.BitAnd, ast.BitOr, ast.Eq,
    ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Is, ast.IsNot, ast.In, ast.NotIn,
)  # fmt: skip
NUMBERS = re.compile(r"(u?int|float|bool)\d*")  # types of an array
CLIMBS = re.compile(r"(^|[/\\])\.\.([/\\]|$)")
DRIVE = re.compile(r"[A-Za-z]:[/\\]")
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/|(file|data|mailto|javascript):", re.IGNORECASE)
# What Python, a shell or a tool beside the bundle would read as code: no config has to name it, so none can have it written
CODE = re.compile(r"\.(pyi?|py[cod]|so|dll|dylib|exe|bat|cmd|ps1|sh|pth|conf|cfg|toml|ini|ya?ml)\s*$", re.IGNORECASE)
HIDDEN = re.compile(r"(^|[/\\])\.[^/\\.][^/\\]*[/\\]|[/\\]\.[^/\\.]")
SUFFIX = re.compile(r"(/|\.[A-Za-z]|[\w*-])[\w./* -]*", re.ASCII)


class _Anything(dict):
    """References of any id, so that MONAI's own substitution can be seen without resolving one."""

    def __contains__(self, key: object) -> bool:
        return True


class _RefusedError(Exception):
    """An expression is not harmless; the text says why."""


def path_reason(text: str, prose: bool = False) -> str:
    """Say why a text must not be used as a path: it leads out of the bundle's folder, or to code; empty where it may.

    Args:
        text: any.
        prose: whether an address may stand within it, though not at its beginning: descriptions can be referred to as all else.
    """
    if text.startswith(("/", "~", "\\")) or DRIVE.match(text):
        return "is an absolute path"
    if CLIMBS.search(text):
        return "leads out of its folder"
    if ("://" in text and not prose) or ADDRESS.match(text):
        return "is an address"
    return "is a file of code, or hidden" if CODE.search(text) or HIDDEN.search(text) else ""


def expression_reason(text: str, place: str, definitions: Callable[[str], list]) -> str:
    """Say why an expression must not be evaluated; empty where nothing speaks against it.

    Args:
        text: with its ``$``.
        place: id of the item, which relative references start from.
        definitions: from the last part of an id to all values that configs give it.
    """
    if len(text) > LONGEST:
        return f"has more than {LONGEST} characters"
    if not text.isascii():
        return "has characters beyond ASCII"
    try:
        resolved = ConfigParser.resolve_relative_ids(place, text)
        source = ReferenceResolver.update_refs_pattern(resolved, _Anything())[1:]
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "cannot be parsed"
    if len(tree.body) == 1 and isinstance(tree.body[0], ast.Import | ast.ImportFrom):
        return "" if source in IMPORTS else "imports a module"
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
        return "is no expression"
    try:
        _Reader(definitions).read(tree.body[0].value)
    except _RefusedError as refusal:
        return str(refusal)
    return ""


class _Reader:
    def __init__(self, definitions: Callable[[str], list]) -> None:
        self.definitions, self.nodes, self.locals = definitions, 0, set()

    def read(self, node: ast.AST, depth: int = 0) -> None:
        self.nodes += 1
        if self.nodes > MOST_NODES or depth > DEEPEST:
            raise _RefusedError("is too large")
        if not isinstance(node, NODES):
            raise _RefusedError(f"holds {type(node).__name__}")
        if _reference(node) is not None:
            return
        special = getattr(self, f"_{type(node).__name__.lower()}", None)
        if special is not None and special(node, depth):
            return
        for child in ast.iter_child_nodes(node):
            self.read(child, depth + 1)

    # Each of these returns whether it has read the node's children itself.

    def _constant(self, node: ast.Constant, depth: int) -> bool:
        value = node.value
        if isinstance(value, str) and (reason := path_reason(value)):
            raise _RefusedError(f"{value!r} {reason}")
        if isinstance(value, bytes | complex) or value is Ellipsis or (isinstance(value, int | float) and abs(value) > LARGEST):
            raise _RefusedError(f"holds {str(value)[:20]}")
        return True

    def _name(self, node: ast.Name, depth: int) -> bool:
        if node.id not in BUILTINS and node.id not in self.locals:
            raise _RefusedError(f"uses {node.id}")
        return True

    def _attribute(self, node: ast.Attribute, depth: int) -> bool:
        dotted = _dotted(node)
        if dotted is None or dotted.partition(".")[0] in self.locals:
            if node.attr not in ATTRIBUTES:
                raise _RefusedError(f"uses .{node.attr}")
            return False
        if reason := name_reason(dotted):
            value = isinstance(node.value, ast.Attribute) and not name_reason(_dotted(node.value))
            if value and (node.attr in ATTRIBUTES or node.attr.isupper()):  # as of enums
                return True
            raise _RefusedError(f"{dotted} {reason}")
        return True

    def _subscript(self, node: ast.Subscript, depth: int) -> bool:
        if _dotted(node.value) == "os.environ":
            if isinstance(node.slice, ast.Constant) and node.slice.value in ENVIRONMENT:
                return True
            raise _RefusedError("reads other parts of os.environ than the ranks of processes")
        whole = _reference(node.value) is not None or (isinstance(node.value, ast.Attribute) and node.value.attr == "shape")
        if self._is_text(node.value) or (isinstance(node.slice, ast.Slice) and not whole):
            raise _RefusedError("takes a part of what may be a text")
        return False

    def _call(self, node: ast.Call, depth: int) -> bool:
        builtin = isinstance(node.func, ast.Name) and node.func.id not in self.locals
        if not builtin and not isinstance(node.func, ast.Attribute):  # names that are no builtins are refused as names
            raise _RefusedError("calls what it is handed")
        if any(isinstance(argument, ast.Starred) for argument in node.args):
            raise _RefusedError("hands on any arguments")
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg.startswith("_") or keyword.arg in KEYWORDS_REFUSED:
                raise _RefusedError(f"hands on {keyword.arg or 'any keywords'}")
        if (_dotted(node.func) or "").startswith(("np.", "numpy.")) and any(
            isinstance(_text(part), str) and not NUMBERS.fullmatch(_text(part)) for part in ast.walk(node)
        ):
            raise _RefusedError("makes an array of texts or objects")
        return False

    def _lambda(self, node: ast.Lambda, depth: int) -> bool:
        if any(isinstance(part, ast.Call | ast.Lambda | ast.ListComp) for part in ast.walk(node.body)):
            raise _RefusedError("is a lambda that calls")
        arguments = node.args
        if arguments.defaults or arguments.kw_defaults or arguments.vararg or arguments.kwarg:
            raise _RefusedError("is a lambda of other than plain arguments")
        outside = self.locals
        self._bind([argument.arg for argument in (*arguments.posonlyargs, *arguments.args)])
        self.read(node.body, depth + 1)
        self.locals = outside
        return True

    def _listcomp(self, node: ast.ListComp, depth: int) -> bool:
        (generator, *others) = node.generators
        targets = generator.target.elts if isinstance(generator.target, ast.Tuple) else [generator.target]
        if others or generator.is_async or not all(isinstance(target, ast.Name) for target in targets):
            raise _RefusedError("holds a nested comprehension")
        self.read(generator.iter, depth + 1)
        outside = self.locals
        self._bind([target.id for target in targets])
        for part in (node.elt, *generator.ifs):
            self.read(part, depth + 1)
        self.locals = outside
        return True

    def _dict(self, node: ast.Dict, depth: int) -> bool:
        if None in node.keys:
            raise _RefusedError("holds any keys")
        return False

    def _bind(self, names: list[str]) -> None:
        if any(name.startswith("_") or name in MODULES or hasattr(builtins, name) for name in names):
            raise _RefusedError("takes a name that stands for something else")
        self.locals = self.locals | set(names)

    def _binop(self, node: ast.BinOp, depth: int) -> bool:
        if isinstance(node.op, ast.Add):
            self._sum(_summands(node))
        elif isinstance(node.op, ast.Pow) and not (isinstance(node.right, ast.Constant) and abs(node.right.value) <= 64):
            raise _RefusedError("raises to an open power")
        elif isinstance(node.op, ast.Mult | ast.Mod) and (self._is_text(node.left) or self._is_text(node.right)):
            raise _RefusedError("makes a text")
        else:
            return False
        for part in _summands(node) if isinstance(node.op, ast.Add) else (node.left, node.right):
            if not (isinstance(node.op, ast.Add) and _text(part) is not None):
                self.read(part, depth + 1)
        return True

    def _sum(self, parts: list[ast.expr]) -> None:
        """Texts may be made by adding a suffix to a reference, as in ``@bundle_root + '/models'``."""
        texts = [_text(part) for part in parts]
        if not any(text is not None for text in texts):
            if sum(self._is_text(part) for part in parts) > 0:
                raise _RefusedError("joins texts")
            return
        first = _reference(parts[0])
        if first is None or any(text is None for text in texts[1:]):
            raise _RefusedError("makes a text of other than a reference and a suffix")
        suffix = "".join(texts[1:])
        values = self.definitions(first)
        wholes = [value + suffix for value in values if isinstance(value, str) and value and not value.startswith(("$", "@"))]
        if not SUFFIX.fullmatch(suffix) or any(path_reason(whole) for whole in (f"x{suffix}", *wholes)):
            raise _RefusedError(f"{suffix!r} leads out of its folder, or to code")
        if "" in values and suffix.startswith("/") and first != "dataset_dir":  # which the user gives
            raise _RefusedError(f"{suffix!r} is an absolute path")
        if any(_is_computed(value) for value in values):
            raise _RefusedError("adds to a text that is computed")

    def _is_text(self, node: ast.AST) -> bool:
        """Tell whether a node may be a text, also by way of references."""
        if _text(node) is not None:
            return True
        name = _reference(node)
        return name is not None and self._names_text(name, set())

    def _names_text(self, name: str, seen: set[str]) -> bool:
        if name in seen:
            return False
        seen.add(name)
        for value in self.definitions(name):
            if not isinstance(value, str):
                continue
            expression = value.startswith("$")
            if not expression and not value.startswith("@"):
                return True
            if expression and any(quote in value for quote in "'\""):
                return True
            ids = ReferenceResolver.match_refs_pattern(value)
            if any(self._names_text(reference.rpartition("::")[2], seen) for reference in ids):
                return True
        return False


def _is_computed(value: object) -> bool:
    """Tell whether a config's value is an expression other than a reference with a suffix."""
    if not isinstance(value, str) or not value.startswith("$"):
        return False
    return not re.fullmatch(r"\$@\w+ \+ '[\w./ -]*'", value) or CLIMBS.search(value) is not None


def _reference(node: ast.AST) -> str | None:
    """Return the last part of the id that a node refers to."""
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == REFERENCES:
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            return node.slice.value.rpartition("::")[2]
        raise _RefusedError(f"uses {REFERENCES}")
    return None


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _summands(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_summands(node.left), *_summands(node.right)]
    return [node]


def _dotted(node: ast.AST) -> str | None:
    """Return ``a.b.c`` of attributes of a name, None of other nodes."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) and parts and node.id != REFERENCES else None
