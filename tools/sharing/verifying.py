"""Check the contract of a bundle, as far as a program can."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import torch

from custom_networks.errors import UserError, explain

from ..bundles import Bundle, get_bundle
from .packing import MANIFEST, members, pack
from .plain import plain
from .review import Review, review, review_folder
from .unpacking import unpack

SCHEMA = Path(__file__).resolve().parents[1] / "schema" / "meta_schema_20240725.json"
REQUIRED_FILES = (
    "LICENSE",
    "configs/metadata.json",
    "configs/train.json",
    "configs/evaluate.json",
    "configs/inference.json",
    "configs/multi_gpu_inference.json",
    "configs/multi_gpu_train.json",
    "configs/logging.conf",
    "docs/README.md",
    "docs/data_license.txt",
    "models/model.pt",
    "scripts/__init__.py",
)
SHARED_IDS = ("network_def", "preprocessing", "inferer")
LARGEST_WEIGHTS = 16 * 2**20
MOST_FINDINGS = 50  # that are listed
LONGEST_REASON = 600  # characters


@dataclass(frozen=True)
class Item:
    """One item of the contract and what was found; ``lines`` say more."""

    name: str
    passed: bool
    found: str
    lines: tuple[str, ...] = ()


def verify(target: str, key: Path | None = None, trust: bool = False) -> Iterator[Item]:
    """Check a bundle, or a zip of one.

    A zip, and a folder that is none of this repository's, is read as a stranger's: nothing of it runs unless its review found
    nothing, or it is trusted.

    Args:
        target: a bundle's name, its folder, or a zip.
        key: public key of whoever must have signed the zip.
        trust: go on whatever the review found.

    Raises:
        UserError: when there is no such bundle.
    """
    path = Path(target)
    if path.is_file() or (path.suffix.casefold() == ".zip" and not path.is_dir()):
        yield from _verify_zip(path, key, trust)
        return
    if key is not None:
        raise UserError(f"{target}: not a zip, so it has no signature.", "Give the zip, or leave --key out.")
    bundle = get_bundle(target, trust=True)  # its review is an item of its own
    if not bundle.is_ours:
        found = review_folder(bundle.folder)
        yield _reviewed(found, trust)
        if found.findings and not trust:
            return
    yield from _verify_bundle(bundle)


def _verify_zip(path: Path, key: Path | None, trust: bool) -> Iterator[Item]:
    try:
        found = review(path, key)
    except UserError as error:
        yield Item("zip", False, "refused", (plain(explain(error), LONGEST_REASON),))
        return
    yield Item("zip", True, f"{len(found.contents)} members as listed, {found.signature}")
    yield _reviewed(found, trust)
    if not found.findings or trust:
        with tempfile.TemporaryDirectory() as scratch:
            yield from _verify_bundle(Bundle(unpack(found, Path(scratch))))


def _reviewed(found: Review, trust: bool) -> Item:
    if not found.findings:
        return Item("review", True, str(found))
    shown = tuple(str(finding) for finding in found.findings[:MOST_FINDINGS])
    others = (f"and {len(found.findings) - MOST_FINDINGS} more",) if len(found.findings) > MOST_FINDINGS else ()
    return Item("review", trust, f"{len(found.findings)} do not pass{', trusted' if trust else ''}", (*shown, *others))


def _verify_bundle(bundle: Bundle) -> Iterator[Item]:
    checks: tuple[tuple[str, Callable[[Bundle], str]], ...] = (
        ("files", _check_files),
        ("metadata schema", _check_schema),
        ("versions", _check_versions),
        ("train and inference equal", _check_shared),
        ("paths", _check_paths),
        ("weights", _check_weights),
        ("network input and output", _check_network),
        ("TorchScript export", _check_torchscript),
        ("zip reproducible and complete", _check_zip),
    )
    for name, check in checks:
        try:
            yield Item(name, True, check(bundle))
        except Exception as error:  # every fault is a failed item, and the other items are still checked
            yield Item(name, False, plain(explain(error), LONGEST_REASON))


def _check_files(bundle: Bundle) -> str:
    missing = [name for name in REQUIRED_FILES if not (bundle.folder / name).is_file()]
    if missing:
        raise UserError(f"missing: {', '.join(missing)}")
    return f"{len(REQUIRED_FILES)} there"


def _check_schema(bundle: Bundle) -> str:
    jsonschema.validate(bundle.metadata, json.loads(SCHEMA.read_text()))
    if "optional_packages_version" in bundle.metadata:
        raise UserError("optional_packages_version must not be used")
    return SCHEMA.name


def _check_versions(bundle: Bundle) -> str:
    from importlib.metadata import version

    if bundle.version not in bundle.metadata["changelog"]:
        raise UserError(f"version {bundle.version} is not a key of the changelog")
    stated = {"monai": bundle.metadata["monai_version"], "torch": bundle.metadata["pytorch_version"]}
    stated |= {"numpy": bundle.metadata["numpy_version"]} | bundle.metadata["required_packages_version"]
    other = [
        f"{name} {version(name)} (stated {wanted})" for name, wanted in stated.items() if version(name).split("+")[0] != wanted
    ]
    if other:
        raise UserError(f"installed: {', '.join(other)}")
    return f"{bundle.version}, {len(stated)} packages as stated"


def _check_shared(bundle: Bundle) -> str:
    train, inference = (json.loads((bundle.folder / "configs" / f"{name}.json").read_text()) for name in ("train", "inference"))
    different = [name for name in SHARED_IDS if train.get(name) != inference.get(name)]
    if different:
        raise UserError(f"differ between train.json and inference.json: {', '.join(different)}")
    first = train["validate"].get("postprocessing", {}).get("transforms", [])
    first = [transform for transform in first if "label" not in transform.get("keys", "")]  # inference has none
    if first != inference["postprocessing"]["transforms"][: len(first)]:
        raise UserError("the validation's postprocessing is not the beginning of that of inference.json")
    return ", ".join(SHARED_IDS)


def _check_paths(bundle: Bundle) -> str:
    def strings(value) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from strings(part)

    for config in sorted((bundle.folder / "configs").glob("*.json")):
        for text in strings(json.loads(config.read_text())):
            if text.startswith(("/", "~")) or text.startswith("%") or ("://" in text and config.name != "metadata.json"):
                raise UserError(f"{config.name}: {text!r} is an absolute path, an address or a macro")
    return "none absolute"


def _check_weights(bundle: Bundle) -> str:
    sizes = []
    for path in sorted((bundle.folder / "models").glob("*.pt")):
        torch.load(path, map_location="cpu", weights_only=True)
        if path.stat().st_size > LARGEST_WEIGHTS:
            raise UserError(f"{path.name}: {path.stat().st_size / 2**20:.1f} MB")
        sizes.append(f"{path.name} {path.stat().st_size / 1e6:.2f} MB")
    with bundle.parser("inference.json") as parser:
        network = parser.get_parsed_content("network_def")
        network.load_state_dict(torch.load(bundle.folder / "models" / "model.pt", map_location="cpu", weights_only=True))
    return ", ".join(sizes)


def _check_network(bundle: Bundle) -> str:
    _monai_bundle(
        bundle,
        "verify_net_in_out",
        "network_def",
        "--meta_file",
        "configs/metadata.json",
        "--config_file",
        "configs/inference.json",
    )
    return "as metadata.json says"


def _check_torchscript(bundle: Bundle) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        exported = Path(scratch) / "model.ts"
        _monai_bundle(
            bundle, "ckpt_export", "network_def", "--filepath", str(exported), "--ckpt_file", "models/model.pt",
            "--meta_file", "configs/metadata.json", "--config_file", "configs/inference.json",
        )  # fmt: skip
        torch.jit.load(exported)
    return "exported and loaded"


def _monai_bundle(bundle: Bundle, command: str, *arguments: str) -> None:
    """Run one of MONAI's commands in the bundle's folder, in its own process as a user would."""
    with tempfile.TemporaryDirectory() as compiled:
        environment = dict(os.environ)
        if not bundle.is_ours:
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
            if any(bundle.folder.rglob("*.pyc")):  # Python would trust these more than the reviewed files beside them
                environment["PYTHONPYCACHEPREFIX"] = compiled
        done = subprocess.run(
            [sys.executable, "-m", "monai.bundle", command, *arguments],
            cwd=bundle.folder, capture_output=True, text=True, env=environment,
        )  # fmt: skip
    if done.returncode:
        raise UserError(f"{command}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'failed'}")


def _check_zip(bundle: Bundle) -> str:
    if (bundle.folder / MANIFEST).exists():
        return "unpacked zip, checked by its manifest"
    with tempfile.TemporaryDirectory() as scratch:
        first, second = (pack(bundle, Path(scratch) / name).read_bytes() for name in ("first", "second"))
        if first != second:
            raise UserError("two packings differ")
    names = {name.removeprefix(f"{bundle.name}/") for name, _ in members(bundle)}
    missing = [name for name in (*REQUIRED_FILES, "scripts/custom_networks/__init__.py") if name not in names]
    if missing:
        raise UserError(f"not in the zip: {', '.join(missing)}")
    return f"{len(names)} members"
