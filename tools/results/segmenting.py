"""Segment many inputs with a bundle, measure, draw, export and report what comes out."""

import logging
import pydoc
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console

import custom_networks
from custom_networks.cases.names import case_name, name_cases
from custom_networks.engines.case_evaluator import CaseEvaluator, CaseResult
from custom_networks.errors import UserError, explain, plain
from custom_networks.inferers.precision import half_type
from custom_networks.results.record import file_digest

from ..bundles import Bundle
from .folder import locked, prepare_folder, update_measures
from .kinds import CaseFiles, kind_of
from .measures import read_quality
from .progress import Progress
from .report.page import ReportPage
from .telling import Teller

LOADERS = ("CheckpointLoader", "LoadWeights")
HARMLESS = re.compile(r"[A-Za-z0-9][\w .,+-]*", re.ASCII)


class Segmenter:
    """A bundle that is ready to segment; its network stays in memory between calls.

    Args:
        bundle: the bundle.
        settings: ids of inference.json and what they become, such as ``{"threshold": 0.4}``.
        weights: a state dict to take in place of the bundle's own.
        device: such as ``cpu``, ``cuda:0`` or ``mps``; None takes a GPU where there is one.

    Raises:
        UserError: when inference.json has no such id, the device is not there, or the weights are not those of the network.

    Examples:
        >>> from axial.bundles import get_bundle
        >>> segmenter = Segmenter(get_bundle("digits"), device="cpu")
        >>> segmenter.bundle.name
        'handwritten_digits_classification'
    """

    def __init__(
        self,
        bundle: Bundle,
        settings: Mapping[str, object] | None = None,
        weights: Path | None = None,
        device: str | torch.device | None = None,
    ) -> None:
        self.bundle, self.kind = bundle, kind_of(bundle)
        self.weights = Path(weights) if weights is not None else None
        self.settings = dict(settings or {}) | ({} if device is None else {"device": find_device(device)})
        with bundle.parser("inference.json") as parser:
            for name, value in self.settings.items():
                if name not in parser:
                    raise UserError(f"--{name}: {bundle.name} has no such option.", "Leave it out.")
                if isinstance(value, str) and not HARMLESS.fullmatch(value):  # MONAI evaluates texts of a config
                    raise UserError(f"--{name} {value}: not a value that can be set.", "Give a number, a truth value or a word.")
                parser[name] = value
            if "precision" in parser:  # one that the device has not got is said before the first case
                half_type(parser.get_parsed_content("device"), parser.get_parsed_content("precision"))
            self.weights = self.weights or Path(parser.get_parsed_content("ckpt"))
            self.network = parser.get_parsed_content("network")
            self.takes_series = "number" in parser["cases"]
        load_weights(self.network, self.weights, bundle)

    def segment(
        self,
        inputs: Iterable[object],
        output: Path,
        *,
        overwrite: bool = False,
        series: str | None = None,
        exports: Sequence[str] = (),
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> list[CaseResult]:
        """Segment inputs; write results, pictures, records, ``measures.csv`` and ``report.html``.

        Every step of a case fails alone: an input that cannot be read, a mask that cannot be measured or drawn. The table and the
        page are written whatever happens, also where the run is interrupted (then the exception goes on), and keep what other
        runs wrote there.

        Args:
            inputs: images, DICOM series or folders of them; or nibabel images, which are called ``image``.
            output: folder of the results.
            overwrite: whether results that exist are computed anew; otherwise they are kept and measured.
            series: number or UID of the series to take where a folder or a zip holds several.
            exports: further formats, by the names in the kind's ``exports``.
            on_progress: called as a case begins, as it goes on, and with its result.

        Returns:
            what became of each case, those that were not found first.

        Raises:
            UserError: when the output is no folder that can be written to, or the bundle lacks an option.
        """
        output = Path(output)
        run = _Run(self, output, exports, overwrite)
        prepare_folder(output)
        with ExitStack() as stack:
            cases, failed = self.find(as_paths(inputs, stack), series)
            run.results += [run.finish(result, on_progress, 0, 0) for result in failed]
            with self.bundle.parser("inference.json") as parser:
                evaluator = self.evaluator(parser, cases, output, overwrite)
                run.attach(evaluator, len(cases), on_progress)
                try:
                    evaluator.run()
                finally:
                    run.close()
        return run.results

    def plan(self, inputs: Iterable[object], output: Path, overwrite: bool = False, series: str | None = None) -> list[CaseResult]:
        """Return what `segment` would do, as results: with an error where a case would fail at once, or skipped."""
        with ExitStack() as stack, self.bundle.parser("inference.json") as parser:
            cases, failed = self.find(as_paths(inputs, stack), series)
            return failed + self.evaluator(parser, cases, Path(output), overwrite).plan()

    def find(self, inputs: Iterable[object], series: str | None = None) -> tuple[list[dict], list[CaseResult]]:
        """Return the cases of all inputs, each with a name of its own, and a failed result for every input without one."""
        if series is not None and not self.takes_series:
            raise UserError(f"--series {series}: {self.bundle.name} reads no series.", "Leave it out.")
        with self.bundle.parser("inference.json") as parser:
            options = {name: parser.get_parsed_content(f"cases#{name}") for name in parser["cases"] if name not in FINDING}
            target = parser["cases"]["_target_"]
            find = getattr(custom_networks, target.rpartition(".")[2], None) or pydoc.locate(target)
        if series is not None:
            options["number"] = series
        cases: dict[str, dict] = {}
        failed = []
        for source in inputs:
            try:
                for case in find(source, **options):
                    cases.setdefault(str(case["image"]), case)  # one that is given twice is one case
            except (UserError, OSError, ValueError) as error:
                failed.append(CaseResult(case_name(source), str(source), 0.0, explain(error)))
        return name_cases(list(cases.values())), failed

    def evaluator(self, parser, cases: list[dict], output: Path, overwrite: bool) -> CaseEvaluator:
        """Return the bundle's evaluator; users' paths reach it as objects, never as texts of a config."""
        handlers = [handler for handler in parser["handlers"] if not _loads(handler)]  # the weights are loaded
        objects = {"network": self.network, "ckpt": self.weights, "output_dir": output, "handlers": handlers, "cases": []}
        for name, value in (self.settings | objects | {"overwrite": overwrite}).items():
            parser[name] = value
        parser.get_parsed_content("initialize")
        evaluator = parser.get_parsed_content("evaluator")
        evaluator.cases = cases
        logging.getLogger("ignite").setLevel(logging.CRITICAL)  # failed cases are reported by their results
        return evaluator


def _loads(handler: object) -> bool:
    return isinstance(handler, dict) and handler["_target_"].rpartition(".")[2] in LOADERS


FINDING = ("_target_", "_mode_", "source")  # of the config's ``cases``, which are not options


class _Run:
    """One run of a `Segmenter`: what follows the mask of each case, and what follows the last case."""

    def __init__(self, segmenter: Segmenter, output: Path, exports: Sequence[str], overwrite: bool) -> None:
        self.bundle, self.kind, self.output, self.overwrite = segmenter.bundle, segmenter.kind, output, overwrite
        for name in exports:
            if name not in self.kind.exports:
                raise UserError(f"--{name}: {self.bundle.name} has no such export.", "Leave it out.")
        self.exports = exports
        self.results: list[CaseResult] = []
        self.suffix = "_seg.nii.gz"
        self.page = ReportPage(self.bundle, self.kind, file_digest(segmenter.weights))

    def attach(self, evaluator: CaseEvaluator, total: int, on_progress: Callable[[Progress], None]) -> None:
        """Follow an evaluator through its cases."""
        self.suffix = evaluator.output_suffix
        first = len(self.results)

        def number() -> int:
            return len(self.results) - first + 1

        evaluator.on_progress = lambda name, share: on_progress(Progress(name, number(), total, share))
        evaluator.on_case = lambda result: self.results.append(self.finish(result, on_progress, number(), total))

    def finish(self, result: CaseResult, on_progress: Callable[[Progress], None], number: int, total: int) -> CaseResult:
        """Measure, draw, export and report one case; each step that fails is named in the result's error."""
        files, problems = self._files(result), []
        if not result.error:
            rows = self._step(
                problems, result, "measured", lambda: (*read_quality(files.result, files.name), *self.kind.measure(files))
            )
            result = replace(result, measures=rows or ())
            self._step(problems, result, "drawn", lambda: self._draw(files, result))
            for name in self.exports:
                self._step(problems, result, f"written as {name}", lambda name=name: self._export(files, name))
        result = replace(result, error=result.error or " ".join(problems) or None)
        if self._step(problems, result, "shown in the report", lambda: self.page.add(result, files) or True) is None:
            result = replace(result, error=result.error or problems[-1])
            self._step([], result, "shown in the report", lambda: self.page.add(result, files))
        on_progress(Progress(result.name, number, total, 1.0, result))
        return result

    def close(self) -> None:
        """Measure what needs several cases, and write the table and the page.

        What cannot be written is a failed result of its own.
        """
        problems: list[str] = []
        done = [result for result in self.results if not result.error]
        together = self._step(problems, None, "measured", lambda: list(self.kind.measure_together(list(map(self._files, done)))))
        for name in {row["case"] for row in together or ()}:
            index = next(index for index, result in enumerate(self.results) if result.name == name)
            rows = (*self.results[index].measures, *(row for row in together if row["case"] == name))
            self.results[index] = result = replace(self.results[index], measures=rows)
            self._step(problems, result, "shown in the report", lambda result=result: self.page.add(result, self._files(result)))
        rows = [row for result in self.results for row in result.measures]
        with locked(self.output):
            self._step(
                problems, None, "", lambda: update_measures(self.output, rows, {result.name for result in done}, self._exists)
            )
            self._step(problems, None, "", lambda: self.page.write(self.output / "report.html", self._exists))
        self.results += [CaseResult("summary", str(self.output), 0.0, problem) for problem in problems]

    def _files(self, result: CaseResult) -> CaseFiles:
        path = result.path or self.output / f"{result.name}{self.suffix}"
        return CaseFiles(result.name, str(result.source), path, self.bundle.classes)

    def _measure(self, files: CaseFiles) -> Iterator[dict]:
        yield from read_quality(files.result, files.name)
        yield from self.kind.measure(files)

    def _exists(self, name: str) -> bool:
        return (self.output / f"{name}{self.suffix}").exists()

    def _draw(self, files: CaseFiles, result: CaseResult) -> None:
        if self.kind.picture is not None:
            target = files.beside(self.kind.picture)
            if not result.skipped or not target.exists():
                self.kind.draw(files, target)

    def _export(self, files: CaseFiles, name: str) -> None:
        export = self.kind.exports[name]
        export.write(self.bundle, files.source, files.result, files.beside(export.suffix))

    def _step(self, problems: list[str], result: CaseResult | None, what: str, step: Callable[[], object]) -> object:
        """Take one step; where it fails, say so among the problems and return None."""
        try:
            return step()
        except Exception as error:  # whatever it is, the other steps and cases go on
            logging.getLogger("axial").debug("%s", what, exc_info=True)
            name = "" if result is None else f"{result.name}: "
            problems.append(plain(f"{name}cannot be {what}: {explain(error)}" if what else explain(error)))
            return None


def segment_cases(
    bundle: Bundle,
    inputs: Sequence[object],
    output: Path,
    overwrite: bool = False,
    settings: Mapping[str, object] | None = None,
    console: Console | None = None,
    errors: Console | None = None,
    **options,
) -> list[CaseResult]:
    """Segment inputs by a `Segmenter`, and print what is to be said.

    Args:
        bundle: the bundle.
        inputs: see `Segmenter.segment`.
        output: folder of the results.
        overwrite: whether results that exist are computed anew.
        settings: see `Segmenter`.
        console: where progress goes; None shows none.
        errors: where failed cases and warnings go; None prints none.
        options: of `Segmenter.segment`; ``weights`` and ``device`` are the `Segmenter`'s.

    Returns:
        what became of each case.
    """
    made = {name: options.pop(name) for name in ("weights", "device") if name in options}
    with Teller(bundle.name, console, errors) as teller:
        return Segmenter(bundle, settings, **made).segment(inputs, output, overwrite=overwrite, on_progress=teller, **options)


def find_device(name: str | torch.device) -> torch.device:
    """Return a device that is there.

    Raises:
        UserError: when it is not.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UserError(f"--device {name}: not a device of this machine.", "Give cpu, cuda, cuda:0 or mps.") from error
    return device


def load_weights(network: torch.nn.Module, path: Path, bundle: Bundle) -> None:
    """Load a state dict, or a checkpoint that holds one as ``model``, into a network.

    Raises:
        UserError: when the file is missing, damaged, or of another network.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file.", "Give a state dict, such as one made by convert-weights.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        content = content["model"] if isinstance(content, dict) and isinstance(content.get("model"), dict) else content
    except Exception as error:  # the unpickler raises many types
        raise UserError(f"{path}: not a file of weights.", "Give a state dict, such as one made by convert-weights.") from error
    try:
        network.load_state_dict(content)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: not the weights of {bundle.name}'s network.", "Give a state dict of the same layers.") from error
    network.eval()


def as_paths(inputs: Iterable[object], stack: ExitStack) -> list[str | Path]:
    """Return inputs as paths; images in memory are written to a folder that lasts as long as the stack."""
    paths, folder = [], None
    for item in inputs:
        if hasattr(item, "to_filename"):
            folder = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            number = sum(1 for _ in folder.iterdir())
            path = folder / (f"image_{number + 1}.nii.gz" if number else "image.nii.gz")
            item.to_filename(path)
            paths.append(path)
        else:
            paths.append(item)
    return paths
