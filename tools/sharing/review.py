"""Review bundles of strangers, zips and folders, before anything of them runs."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from custom_networks.errors import UserError, some

from ..places import COMPONENTS
from .archive import MANIFEST, SIGNATURE, read_archive
from .configs import LARGEST_CONFIG, ConfigReview, Finding
from .logging_conf import review_logging
from .ours import is_ours
from .plain import plain
from .signing import is_signed_by
from .weights import weights_reason

CODE = (
    ".py",
    ".pyi",
    ".pyc",
    ".pyo",
    ".pyd",
    ".so",
    ".dll",
    ".dylib",
    ".pth",
    ".ts",
    ".egg",
    ".whl",
    ".zip",
    ".pkl",
    ".pickle",
    ".npz",
)
YAML = (".yaml", ".yml")
PASSED_OVER = {"runs", "eval", "__pycache__", ".git"}  # results of a run, and what no config is read from
MOST_FILES = 5000
LARGEST_WEIGHTS = 512 * 2**20


@dataclass(frozen=True)
class Review:
    """What a bundle holds and what was found in it.

    Attributes:
        top: name of the bundle's folder.
        contents: name below it to bytes.
        findings: what does not pass.
        harmless: targets and expressions that pass, and are not ours.
        ours: how many targets and expressions are ours.
        signature: who signed it, or that nobody did or nobody asked; empty for folders.
    """

    top: str
    contents: dict[str, bytes]
    findings: list[Finding] = field(default_factory=list)
    harmless: list[Finding] = field(default_factory=list)
    ours: int = 0
    signature: str = ""

    def __str__(self) -> str:
        others = f", {len(self.harmless)} others, harmless" if self.harmless else ""
        return f"{self.ours} entries of ours{others}"


def review(path: Path, key: Path | None = None) -> Review:
    """Read and check a zip, see `read_archive`; nothing of it runs, and nothing is written.

    Args:
        path: the zip.
        key: public key of whoever must have signed it; None asks for no signature.

    Raises:
        UserError: when the zip is refused.
    """
    top, contents = read_archive(path)
    signature = _signature(path, contents, key)
    for name, content in contents.items():
        if name.endswith(".pt") and (reason := weights_reason(content)):
            raise UserError(f"{path}: refused, {name} {reason}.", "Do not load it; ask its author.")
    return _reviewed(top, contents, [], signature)


def review_folder(folder: Path) -> Review:
    """Check a bundle's folder as `review` checks a zip.

    Results of runs are passed over. Raises:
        UserError: when the folder holds too much to be a bundle, or cannot be read.
    """
    contents, findings = {}, []
    try:
        for name, path in _files(folder):
            suffix = path.suffix.casefold()
            if suffix in YAML:
                findings.append(Finding(name, "", "YAML", "is not reviewed; only JSON is"))
            elif suffix == ".pt" and name.startswith("models/"):
                reason = "is too large" if path.stat().st_size > LARGEST_WEIGHTS else weights_reason(path.read_bytes())
                findings += [Finding(name, "", "weights", reason)] if reason else []
            elif suffix in (".json", ".conf", *CODE) and path.stat().st_size <= LARGEST_CONFIG:
                contents[name] = path.read_bytes()
            elif suffix in (".json", ".conf", *CODE):
                findings.append(Finding(name, "", "file", "is too large to be reviewed"))
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror}).", "Give a bundle's folder.") from error
    return _reviewed(folder.name, contents, [*findings, *_components_outside(folder)])


def demand_review(folder: Path) -> None:
    """Review a bundle's folder and refuse it where something does not pass.

    Raises:
        UserError: names the first finding.
    """
    findings = review_folder(folder).findings
    if findings:
        found = some(list(map(str, findings)), 1)
        raise UserError(f"{folder}: refused, {found}.", "Run it with --trust where you know its author; `verify` lists all.")


def _reviewed(top: str, contents: dict[str, bytes], findings: list[Finding], signature: str = "") -> Review:
    configs = {name: content for name, content in contents.items() if name.casefold().endswith(".json") and name != MANIFEST}
    found = ConfigReview(configs)
    logging = [line for name in contents if name.casefold().endswith(".conf") for line in review_logging(name, contents[name])]
    foreign = [
        Finding(name, "", "code", "is not of this repository")
        for name, content in sorted(contents.items())
        if name.casefold().endswith(CODE) and not is_ours(name, content)
    ]
    return Review(top, contents, [*findings, *found.findings, *logging, *foreign], found.harmless, found.ours, signature)


def _components_outside(folder: Path) -> list[Finding]:
    """``scripts`` of a folder without components of its own imports those of the checkout around it, and makes its root a path."""
    around = folder.resolve().parent.parent / "custom_networks"
    if (folder / "scripts" / "custom_networks").is_dir() or not (around / "__init__.py").is_file() or around == COMPONENTS:
        return []
    return [Finding("scripts/__init__.py", "", "code", f"imports {plain(around)}, which is not of this repository")]


def _signature(path: Path, contents: dict[str, bytes], key: Path | None) -> str:
    signed = SIGNATURE in contents
    if key is None:
        return "signed, but by whom was not checked; give --key" if signed else "not signed"
    if not signed:
        raise UserError(f"{path}: refused, it is not signed.", "Ask its author for a signed one.")
    if not is_signed_by(contents[MANIFEST], contents[SIGNATURE], key):
        raise UserError(f"{path}: refused, not signed by the owner of {key}.", "Do not use this zip; ask its author.")
    return f"signed by the owner of {key.name}"


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and path of every file of a bundle; links are followed, as Python follows them, once."""
    seen, count = set(), 0
    for root, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        folders[:] = [] if real in seen else sorted(set(folders) - PASSED_OVER)
        if real in seen:
            continue
        seen.add(real)
        for file in sorted(files):
            count += 1
            if count > MOST_FILES:
                raise UserError(f"{folder}: more than {MOST_FILES} files.", "Give a bundle's folder.")
            path = Path(root) / file
            if path.is_file():
                yield path.relative_to(folder).as_posix(), path
