"""Review configs of strangers: what they would run is named, and nothing of them is run."""

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from .allowed import OURS, READERS, takes_pretrained, target_reason
from .expressions import expression_reason, path_reason
from .ours import entries_of_ours, is_ours
from .plain import plain

METADATA = "configs/metadata.json"
LARGEST_CONFIG = 2 * 2**20
MOST_BYTES = 8 * 2**20  # of all configs together
DEEPEST = 40
LARGEST_NUMBER = 10**12
MODES = ("default", "callable")
KNOWN_KEYS = {"_target_", "_mode_", "_requires_", "_disabled_", "_desc_", "_meta_"}
SEPARATOR = re.compile("::|#")
PLAIN_KEY = re.compile(r"\+?[\w.-]+((::|#)[\w.-]+)*", re.ASCII)
RELATIVE = re.compile("[@%](::|#)")
SHAPE = re.compile(r"\*|\d{1,4}( ?\*\* ?(p|\d))?( ?\* ?(n|\d{1,3}))?")
LARGEST_INPUT = 2**26  # voxels of a network's input that `verify` would make
# Keys that change what a harmless class does, and the values that keep it harmless.
SWITCHES = {
    "allow_pickle": (False, None),
    "weights_only": (True, None),
    "compile": (False, None),
    "compile_kwargs": (None,),
    "trust_remote_code": (False, None),
}
LOOKED_UP = {"reader", "writer", "merger_cls"}  # texts that MONAI looks up as names of any class


@dataclass(frozen=True)
class Finding:
    """Something that would run, or could not be read: the file, where in it, what stands there, and why it does not pass.

    ``reason`` is empty for what is harmless, though not ours.
    """

    file: str
    place: str
    text: str
    reason: str = ""

    def __str__(self) -> str:
        place = f" {plain(self.place, 80)}:" if self.place else ""
        return f"{plain(self.file, 80)}:{place} {plain(self.text)} {self.reason}".strip()


class ConfigReview:
    """Review of all JSON files of one bundle, since MONAI puts any of them together.

    Args:
        files: name to content.

    Attributes:
        findings: what does not pass.
        harmless: targets and expressions that pass, and are not in a config of this repository.
        ours: how many entries stand in a config of this repository too.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.findings: list[Finding] = []
        self.harmless: list[Finding] = []
        self.ours = 0
        self._definitions: dict[str, list] = defaultdict(list)
        trees = {}
        if sum(map(len, files.values())) > MOST_BYTES:
            self._find("configs", "", "files", f"hold more than {MOST_BYTES} bytes")
            return
        for name, content in files.items():
            try:
                trees[name] = read_json(content)
            except (ValueError, RecursionError) as error:
                self._find(name, "", "file", f"cannot be read: {plain(error, 80)}")
        self._relative = self._far_mode = self._meta_used = False
        for name, tree in trees.items():
            self._file = name
            self._define(tree)
        for name, tree in trees.items():
            self._file, self._released = name, is_ours(name, files[name])
            self._walk(tree, ())

    def _define(self, value: object, key: str = "") -> None:
        """Note which values an id's last part may stand for."""
        if isinstance(value, str):
            self._relative |= bool(RELATIVE.search(value))
            self._meta_used |= "_meta_" in value and self._file != METADATA
        elif isinstance(value, dict):
            for name, part in value.items():
                last = SEPARATOR.split(name)[-1].lstrip("+")
                # `a::_mode_`, or `+a` of a mode alone, turns the call of another place into a callable
                self._far_mode |= last == "_mode_" and part != "default" and (name != last or "_target_" not in value)
                self._definitions[last].append(part)
                self._define(part, last)
        elif isinstance(value, list):
            for index, part in enumerate(value):
                self._definitions[str(index)].append(part)
                self._define(part, key)

    def _walk(self, value: object, place: tuple[str, ...]) -> None:
        if isinstance(value, dict):
            for name, part in value.items():
                inner = (*place, *SEPARATOR.split(name.lstrip("+") if not place else name))
                self._key(name, part, inner, value)
                self._walk(part, inner)
        elif isinstance(value, list):
            for index, part in enumerate(value):
                self._walk(part, (*place, str(index)))
        elif isinstance(value, str):
            self._text(value, place)
        elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) > LARGEST_NUMBER:
            self._find(self._file, place, str(value)[:40], "is too large a number")

    def _key(self, name: str, value: object, place: tuple[str, ...], holder: dict) -> None:
        last = place[-1].lstrip("+")
        if self._relative and not PLAIN_KEY.fullmatch(name):
            self._find(self._file, place, name, "is a key that becomes code where references are relative")
        if last == "_target_":
            self._target(value, place, holder)
        elif last == "_mode_" and value not in MODES:
            self._find(self._file, place, value, "is no mode but for a debugger")
        elif re.fullmatch(r"_\w+_", last) and last not in KNOWN_KEYS:
            self._find(self._file, place, last, "is a key that steers MONAI in an unknown way")
        elif last in SWITCHES and not any(value is kept for kept in SWITCHES[last]) and value != {}:
            self._find(self._file, place, value, f"of {last} lets more than data be loaded or run")
        elif last == "pretrained" and len(place) > 1 and value not in (False, None):  # alone it is the setting of a training
            if not str(holder.get("_target_", "")).startswith(OURS):
                self._find(self._file, place, value, "lets a network fetch its weights")
        elif last in ("spatial_shape", "num_channels") and "network_data_format" in place:
            self._shape(value, place)
        elif last == "result_kind" and str(value).startswith("scripts."):
            self._find(self._file, place, value, "is a class of the bundle's own code")
        elif last in LOOKED_UP:
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, str) and text not in READERS:
                    self._find(self._file, place, text, "is looked up as a class, and is none of MONAI's readers or writers")

    def _target(self, value: object, place: tuple[str, ...], holder: dict) -> None:
        called = holder.get("_mode_", "default") == "default" and not self._far_mode
        values = [value]
        if isinstance(value, str) and value.startswith("@"):
            values = self._definitions.get(SEPARATOR.split(value[1:])[-1], [])
            reasons = [target_reason(name, called) for name in values] or ["is defined nowhere"]
            reason = next((f"stands for what {reason}" for reason in reasons if reason), "")
        elif isinstance(value, str) and value[:1] in ("$", "%"):
            reason = "is a target that is computed"
        else:
            reason = target_reason(value, called)
        silent = holder.get("pretrained", True) not in (False, None)
        if not reason and silent and any(takes_pretrained(name, by_default=True) for name in values):
            reason = "fetches its weights, unless pretrained is false"
        self._entry(value, place, reason)

    def _text(self, text: str, place: tuple[str, ...]) -> None:
        if place and place[-1].lstrip("+") == "_target_":
            return
        if text.startswith("$"):
            reason = "" if text in entries_of_ours() else expression_reason(text, "::".join(place), self._defined)
            self._entry(text, place, reason)
        elif text.startswith("%"):
            if re.search(r"\.(json|ya?ml)", text, re.IGNORECASE) or not re.fullmatch(r"%[\w:#]+", text, re.ASCII):
                self._find(self._file, place, text, "is a macro that reads another file")
        elif not self._describes() and (reason := path_reason(text, prose=place[-1:] == ("_desc_",))):
            self._find(self._file, place, text, reason)

    def _shape(self, value: object, place: tuple[str, ...]) -> None:
        """The shapes of metadata.json are evaluated and made."""
        parts = value if isinstance(value, list) else [value]
        size = 1
        for part in parts:
            if isinstance(part, bool) or not (
                (isinstance(part, int) and part >= 0) or (isinstance(part, str) and SHAPE.fullmatch(part))
            ):
                self._find(self._file, place, part, "is no size of an image")
                return
            size *= max(1, math.prod(int(number) for number in re.findall(r"\d+", str(part))))
        if size > LARGEST_INPUT or len(parts) > 4:
            self._find(self._file, place, value, "is too large an image")

    def _describes(self) -> bool:
        """Tell whether a file's texts are for readers, and no setting is taken from them."""
        return self._file.startswith("docs/") or (self._file == METADATA and not self._meta_used)

    def _defined(self, name: str) -> list:
        return self._definitions.get(name, [])

    def _entry(self, text: object, place: tuple[str, ...], reason: str) -> None:
        if reason and not self._released:
            self._find(self._file, place, text, reason)
        elif self._released or text in entries_of_ours():
            self.ours += 1
        else:
            self.harmless.append(Finding(self._file, "::".join(place), plain(text)))

    def _find(self, file: str, place: tuple[str, ...] | str, text: object, reason: str) -> None:
        self.findings.append(Finding(file, "::".join(place) if place else "", plain(text), reason))


def read_json(content: bytes) -> object:
    """Read JSON as every reader of it would: UTF-8, no key twice, no NaN, no number or depth beyond reason.

    Raises:
        ValueError: says what is wrong.
    """
    if len(content) > LARGEST_CONFIG:
        raise ValueError(f"more than {LARGEST_CONFIG} bytes")
    if content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")) or b"\0" in content:
        raise ValueError("not in UTF-8, or with a byte order mark")
    if re.search(rb"[\x80-\xff]\\", content):
        raise ValueError("a backslash after a letter beyond ASCII, which other encodings read otherwise")
    try:
        tree = json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if _depth(tree) > DEEPEST:
        raise ValueError("nested too deeply")
    if any(isinstance(number, float) and not math.isfinite(number) for number in _leaves(tree)):
        raise ValueError("a number that is not finite")
    return tree


def _once(pairs: list[tuple[str, object]]) -> dict:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def _depth(tree: object) -> int:
    deepest, level = 0, [tree]
    while level:
        deepest += 1
        level = [part for value in level for part in _parts(value)]
    return deepest


def _leaves(tree: object) -> Iterator[object]:
    stack = [tree]
    while stack:
        value = stack.pop()
        stack += _parts(value)
        yield value


def _parts(value: object) -> list:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
