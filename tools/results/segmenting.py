"""Segment many inputs with a bundle, measure, draw, export and report what comes out."""

import logging
import re
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console

import custom_networks
from custom_networks.cases.names import case_name, first_image, name_cases, split_series
from custom_networks.engines.case_evaluator import CaseEvaluator, CaseResult
from custom_networks.errors import UserError, explain
from custom_networks.inferers.precision import half_type
from custom_networks.results.record import file_digest
from custom_networks.results.write_result import mark

from ..bundles import Bundle
from ..dicomweb.address import is_address
from ..dicomweb.archive import Archives
from .finding import finding_of
from .finishing import CaseFinisher, FinishedCase, take_step
from .folder import locked, prepare_folder, update_measures
from .job import Cluster, Job
from .kinds import kind_of
from .measuring import measure_run
from .progress import Progress
from .report.page import ReportPage
from .telling import Teller

LOADERS = ("CheckpointLoader", "LoadWeights")
OPTIONS = {"window_batch": "batch"}  # settings whose option is called otherwise
HARMLESS = re.compile(r"[A-Za-z0-9][\w .,+-]*", re.ASCII)


class Segmenter:
    """A bundle that is ready to segment; its network stays in memory between calls.

    Args:
        bundle: the bundle.
        settings: ids of inference.json and what they become, such as ``{"threshold": 0.4}``.
        weights: a state dict to take in place of the bundle's own.
        device: such as ``cpu``, ``cuda:0`` or ``mps``; None takes a GPU where there is one.
        maps: whether probability and entropy of each voxel are written too, by `SaveMapsd`.

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
        maps: bool = False,
    ) -> None:
        bundle.check()
        self.bundle, self.kind, self.maps = bundle, kind_of(bundle), maps
        self.weights = Path(weights) if weights is not None else None
        self.settings = dict(settings or {}) | ({} if device is None else {"device": find_device(device)})
        with bundle.parser("inference.json") as parser:
            for name, value in self.settings.items():
                if name not in parser:
                    raise UserError(f"--{OPTIONS.get(name, name)}: {bundle.name} has no such option.", "Leave it out.")
                if isinstance(value, str) and not HARMLESS.fullmatch(value):  # MONAI evaluates texts of a config
                    raise UserError(f"--{name} {value}: not a value that can be set.", "Give a number, a truth value or a word.")
                parser[name] = value
            self.weights = self.weights or Path(parser.get_parsed_content("ckpt"))
            self.network = parser.get_parsed_content("network")
            if maps and not (bundle.is_segmentation and insert_at_probabilities(parser, None)):
                raise UserError(f"--maps: {bundle.name} has no probabilities of voxels.", "Leave it out.")
            self.takes_series = "number" in parser["cases"]
            self.output_suffix = parser["evaluator"].get("output_suffix", "_seg.nii.gz")
        load_weights(self.network, self.weights, bundle)

    def segment(
        self,
        inputs: Iterable[object],
        output: Path,
        *,
        overwrite: bool = False,
        series: str | None = None,
        exports: Sequence[str] = (),
        store: bool = False,
        single_file: bool = False,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        cluster: Cluster | None = None,
    ) -> list[CaseResult]:
        """Segment inputs; write results, pictures, records, ``measures.csv`` and ``report.html``.

        Every step of a case fails alone: an input that cannot be read, a mask that cannot be measured or drawn. The table and the
        page are written whatever happens, also where the run is interrupted (then the exception goes on), and keep what other
        runs wrote there.

        Args:
            inputs: images, DICOM series or folders of them; addresses of studies in DICOMweb archives; or nibabel images, which
                are called ``image``; or cases that were found elsewhere, ``{"image": path or paths}``.
            output: folder of the results.
            overwrite: whether results that exist are computed anew; otherwise they are kept and measured.
            series: number or UID of the series to take where a folder, a zip or an archive's study holds several.
            exports: further formats, by the names in the kind's ``exports``.
            store: whether DICOM Segmentations of what came from an archive are stored there; they are exported then.
            single_file: whether ``report.html`` holds all of itself, instead of files beside it.
            on_progress: called as a case begins, as it goes on, and with its result; with a cluster with results alone.
            cluster: whose workers segment the cases; None does so here.

        Returns:
            what became of each case, those that were not found first.

        Raises:
            UserError: when the output is no folder that can be written to, or the bundle lacks an option.
        """
        output, inputs = Path(output), list(inputs)
        if cluster is None:
            with self.bundle.parser("inference.json", **self.settings) as parser:
                _check_precision(parser)
        elif store or any(map(is_address, inputs)):
            raise UserError(
                "an archive's studies are fetched and stored by one process alone.", "Leave --jobs and --scheduler out."
            )
        with ExitStack() as stack:
            archives = self.archives(stack, series)
            finisher = CaseFinisher(self.bundle, self.kind, output, self.output_suffix, exports, archives, store)
            prepare_folder(output)
            run = _Run(finisher, self.weights, single_file, on_progress)
            cases, failed = self.find(as_paths(inputs, stack), series, archives)
            for result in failed:
                run.fail(result)
            try:
                if cluster is None:
                    self._segment_here(cases, run, overwrite)
                else:
                    self._segment_elsewhere(cases, run, overwrite, cluster)
            finally:
                results = run.close([case["case"] for case in cases])
        return results

    def _segment_here(self, cases: list[dict], run: "_Run", overwrite: bool) -> None:
        with self.bundle.parser("inference.json") as parser:
            evaluator = self.evaluator(parser, cases, run.finisher.output, overwrite, run.finisher.archives)
            evaluator.on_progress = lambda name, share: run.on_progress(Progress(name, run.number, len(cases), share))
            evaluator.on_case = lambda result: run.take(run.finisher(result), len(cases))
            evaluator.run()

    def _segment_elsewhere(self, cases: list[dict], run: "_Run", overwrite: bool, cluster: Cluster) -> None:
        finisher = run.finisher
        if not cases:
            return
        with mark(finisher.output) as marked:
            job = Job(
                bundle=self.bundle.folder.resolve(),
                settings={name: value for name, value in self.settings.items() if name != "device"},
                weights=self.weights.resolve(),
                output=finisher.output.resolve(),
                suffix=finisher.suffix,
                exports=finisher.exports,
                overwrite=overwrite,
                maps=self.maps,
                mark=marked,
                source=split_series(first_image(cases[0]["image"]))[0],
            )
            for done in cluster.segment(job, cases):
                finished = done if isinstance(done, FinishedCase) else finisher(done)
                path = finisher.output / finished.result.path.name  # as it was given
                finished = replace(finished, result=replace(finished.result, path=path))
                run.on_progress(Progress(finished.result.name, run.number, len(cases), 0.0))
                for line in finished.warnings:
                    logging.getLogger("axial").warning("%s", line)
                run.take(finished, len(cases))

    def plan(self, inputs: Iterable[object], output: Path, overwrite: bool = False, series: str | None = None) -> list[CaseResult]:
        """Return what `segment` would do, as results: with an error where a case would fail at once, or skipped.

        Archives are asked which series there are; nothing is fetched, so what is there already is not told of their cases.
        """
        inputs = list(inputs)
        with ExitStack() as stack, self.bundle.parser("inference.json") as parser:
            archives = self.archives(stack, series)
            planned = [_plan(archives, address) for address in inputs if is_address(address)]
            cases, failed = self.find(as_paths([item for item in inputs if not is_address(item)], stack), series)
            return planned + failed + self.evaluator(parser, cases, Path(output), overwrite).plan()

    def archives(self, stack: ExitStack, series: str | None = None) -> Archives:
        """Return what fetches this bundle's inputs from archives."""
        modality = self.bundle.metadata["network_data_format"]["inputs"]["image"].get("modality")
        modality = None if self.settings.get("any_modality") else modality
        return Archives(stack, modality, self.contrasts, series)

    @property
    def contrasts(self) -> Sequence[str]:
        """Names of the images of a study, such as FLAIR and T1; none where a case is one image."""
        return finding_of(self.bundle)[1].get("modalities", ())

    def find(
        self, inputs: Collection[object], series: str | None = None, archives: Archives | None = None
    ) -> tuple[list[dict], list[CaseResult]]:
        """Return the cases of all inputs, each with a name of its own, and a failed result for every input without one."""
        find, options = finding_of(self.bundle)
        if series is not None and not (self.takes_series or all(map(is_address, inputs))):
            raise UserError(f"--series {series}: {self.bundle.name} reads no series.", "Leave it out.")
        number = {} if series is None else {"number": series}
        cases: dict[str, dict] = {}
        failed = []
        for source in inputs:
            try:
                if isinstance(source, Mapping):
                    found = [dict(source)]
                elif archives is not None and is_address(source):
                    found = find(archives.fetch(source), **options)
                else:
                    found = find(source, **options | number)
                for case in found:
                    cases.setdefault(str(case["image"]), case)  # one that is given twice is one case
            except (UserError, OSError, ValueError) as error:
                name = case_name(str(source) if is_address(source) else source)
                failed.append(CaseResult(name, str(source), 0.0, explain(error)))
        return name_cases(list(cases.values())), failed

    def evaluator(
        self, parser, cases: list[dict], output: Path, overwrite: bool, archives: Archives | None = None
    ) -> CaseEvaluator:
        """Return the bundle's evaluator; users' paths reach it as objects, never as texts of a config."""
        handlers = [handler for handler in parser["handlers"] if not _loads(handler)]  # the weights are loaded
        objects = {"network": self.network, "ckpt": self.weights, "output_dir": output, "handlers": handlers, "cases": []}
        for name, value in (self.settings | objects | {"overwrite": overwrite}).items():
            parser[name] = value
        if self.maps:  # before anything is parsed
            insert_at_probabilities(parser, custom_networks.SaveMapsd("pred", output))
        _check_precision(parser)
        parser.get_parsed_content("initialize")
        evaluator = parser.get_parsed_content("evaluator")
        evaluator.cases = cases
        if archives is not None and getattr(evaluator, "record", None) is not None:
            evaluator.record.described = archives.described
        logging.getLogger("ignite").setLevel(logging.CRITICAL)  # failed cases are reported by their results
        return evaluator


def _check_precision(parser) -> None:
    """Say at once that the device has not got what the network shall compute in, not with every case."""
    if "precision" in parser:
        half_type(parser.get_parsed_content("device"), parser.get_parsed_content("precision"))


def _loads(handler: object) -> bool:
    return isinstance(handler, dict) and handler["_target_"].rpartition(".")[2] in LOADERS


class _Run:
    """One run of a `Segmenter`: its results as they come, and what follows the last of them."""

    def __init__(self, finisher: CaseFinisher, weights: Path, single_file: bool, on_progress: Callable[[Progress], None]) -> None:
        self.finisher, self.on_progress = finisher, on_progress
        self.page = ReportPage(finisher.bundle, file_digest(weights), finisher.output, single_file)
        self.failed: list[CaseResult] = []  # before the first case
        self.results: list[CaseResult] = []

    @property
    def number(self) -> int:
        """The number of the case at hand, from 1."""
        return len(self.results) + 1

    def fail(self, result: CaseResult) -> None:
        """Take what was not found at all."""
        finished = self.finisher(result)
        self.failed.append(finished.result)
        self.page.add(finished.section)
        self.on_progress(Progress(result.name, 0, 0, 1.0, finished.result))

    def take(self, finished: FinishedCase, total: int) -> None:
        """Take a case that is done."""
        number = self.number
        self.page.add(finished.section)
        self.results.append(finished.result)
        self.on_progress(Progress(finished.result.name, number, total, 1.0, finished.result))

    def close(self, names: Sequence[str]) -> list[CaseResult]:
        """Measure what needs several cases, and write the table and the page; return all results.

        What cannot be written is a failed result of its own.

        Args:
            names: of the cases, in the order of their results.
        """
        problems: list[str] = []
        order = {name: place for place, name in enumerate(names)}
        results = self.failed + sorted(self.results, key=lambda result: order[result.name])
        done = [result for result in results if not result.error]
        kind, output, files, exists = self.finisher.kind, self.finisher.output, self.finisher.files, self.finisher.exists
        together = take_step(problems, None, "measured", lambda: measure_run(kind, list(map(files, done))))
        for name, rows in (together or {}).items():
            index = next(index for index, result in enumerate(results) if result.name == name)
            finished = self.finisher.describe(replace(results[index], measures=(*results[index].measures, *rows)))
            results[index] = finished.result
            self.page.add(finished.section)
        rows = [row for result in results for row in result.measures]
        with locked(output):
            take_step(problems, None, "", lambda: update_measures(output, rows, {result.name for result in done}, exists))
            take_step(problems, None, "", lambda: self.page.write(exists))
        return results + [CaseResult("summary", str(output), 0.0, problem) for problem in problems]


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


def _plan(archives: Archives, source: object) -> CaseResult:
    """Return what would become of an address, as a result."""
    try:
        chosen = archives.choose(source)
    except UserError as error:
        return CaseResult(case_name(str(source)), str(source), 0.0, explain(error))
    return CaseResult(" and ".join(series.uid for series in chosen.values()), str(source), 0.0)


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
        raise UserError(f"{path}: no such file.", "Train the bundle and copy its weights there, or give others by --weights.")
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


def insert_at_probabilities(parser, transform: Callable[[dict], dict] | None) -> bool:
    """Put a transform where ``pred`` is a probability on the scan's grid: after its activation, and after its inversion.

    Returns:
        whether there is such a place; there is none where labels are chosen before the inversion.
    """
    transforms = parser["postprocessing"]["transforms"]
    names = [known["_target_"].rpartition(".")[2] for known in transforms]
    chosen = next((n for n, name in enumerate(names) if name in ("AsDiscreted", "ArgMaxd")), len(names))
    places = [n for n, name in enumerate(names[:chosen]) if name in ("Activationsd", "Invertd")]
    if places and transform is not None:
        transforms.insert(max(places) + 1, transform)
    return bool(places)


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
