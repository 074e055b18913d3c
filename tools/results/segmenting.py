"""Segment many inputs with a bundle, measure, draw, export and report what comes out."""

import logging
import numbers
import re
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
from custom_networks.results.write_result import mark

from ..bundles import Bundle
from ..dicomweb.address import is_address
from ..dicomweb.archive import Archives
from .finding import as_paths, finding_of
from .finishing import CaseFinisher, FinishedCase
from .folder import prepare_folder
from .job import Cluster, Job
from .kinds import kind_of
from .loading import check_precision, find_device, insert_at_probabilities, load_weights, loads_weights
from .progress import Progress
from .run import Run
from .telling import Teller

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
        UserError: when inference.json has no such id, the threshold is no number from 0 to 1, the device is not there, or the
            weights are not those of the network.

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
                if name == "threshold":
                    if not (isinstance(value, numbers.Real) and 0 <= value <= 1):
                        raise UserError(f"--threshold {value}: not a number from 0 to 1.", "Leave it out to take the bundle's own.")
                    value = self.settings[name] = float(value)  # numpy's too
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
                check_precision(parser)
        elif store or any(map(is_address, inputs)):
            raise UserError("an archive's studies are fetched and stored by a single process.", "Leave --jobs and --scheduler out.")
        with ExitStack() as stack:
            archives = self.archives(stack, series)
            finisher = CaseFinisher(self.bundle, self.kind, output, self.output_suffix, exports, archives, store)
            prepare_folder(output)
            run = Run(finisher, self.weights, single_file, on_progress)
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

    def _segment_here(self, cases: list[dict], run: Run, overwrite: bool) -> None:
        with self.bundle.parser("inference.json") as parser:
            evaluator = self.evaluator(parser, cases, run.finisher.output, overwrite, run.finisher.archives)
            evaluator.on_progress = lambda name, share: run.on_progress(Progress(name, run.number, len(cases), share))
            evaluator.on_case = lambda result: run.take(run.finisher(result), len(cases))
            evaluator.run()

    def _segment_elsewhere(self, cases: list[dict], run: Run, overwrite: bool, cluster: Cluster) -> None:
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

        Archives are asked which series there are; nothing is fetched, so what already exists is not told of their cases.
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
        handlers = [handler for handler in parser["handlers"] if not loads_weights(handler)]  # they are loaded
        objects = {"network": self.network, "ckpt": self.weights, "output_dir": output, "handlers": handlers, "cases": []}
        for name, value in (self.settings | objects | {"overwrite": overwrite}).items():
            parser[name] = value
        if self.maps:  # before anything is parsed
            insert_at_probabilities(parser, custom_networks.SaveMapsd("pred", output))
        check_precision(parser)
        parser.get_parsed_content("initialize")
        evaluator = parser.get_parsed_content("evaluator")
        evaluator.cases = cases
        if archives is not None and getattr(evaluator, "record", None) is not None:
            evaluator.record.described = archives.described
        logging.getLogger("ignite").setLevel(logging.CRITICAL)  # failed cases are reported by their results
        return evaluator


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
