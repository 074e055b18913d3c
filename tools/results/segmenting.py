"""Segment many inputs with a bundle and measure the masks."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

import custom_networks
from custom_networks.cases.cases import case_name
from custom_networks.engines.case_evaluator import CaseResult
from custom_networks.errors import UserError, explain

from ..bundles import Bundle
from .kinds import CaseFiles, ResultKind, kind_of
from .measures import write_measures
from .report.page import write_report
from .warnings_log import CollectWarnings


def segment_cases(
    bundle: Bundle,
    inputs: Sequence[Path],
    output: Path,
    overwrite: bool,
    settings: dict,
    console: Console,
    errors: Console,
    exports: Sequence[str] = (),
) -> list[CaseResult]:
    """Run a bundle's inference.json over inputs; write results, overlays, ``measures.csv`` and ``report.html``.

    An input that is missing or of the wrong kind counts as a failed case; the others are done.

    Args:
        bundle: the bundle.
        inputs: images, DICOM series, or folders of them.
        output: folder of the results.
        overwrite: whether results that exist are computed anew; otherwise they are kept and measured.
        settings: further settings of inference.json.
        console: where progress goes.
        errors: where errors go.
        exports: further formats, by the names in the kind's ``exports``.

    Returns:
        a `CaseResult` for each case.

    Raises:
        UserError: when the bundle's results cannot be exported so.
    """
    kind = kind_of(bundle)
    for name in exports:
        if name not in kind.exports:
            raise UserError(f"--{name}: {bundle.name} has no such export.", "Leave the option out.")
    logging.getLogger("ignite").setLevel(logging.CRITICAL)  # failed cases are reported below
    settings = settings | {"input": str(inputs[0]), "output_dir": str(output), "overwrite": overwrite}
    with bundle.parser("inference.json", **settings) as parser:
        parser.get_parsed_content("initialize")
        cases, results = _find_all(_with_values(parser, parser["cases"]), inputs)
        for result in results:
            errors.print(f"[red]failed:[/red] {result.error}", highlight=False, soft_wrap=True)
        parser["cases"] = cases
        if not cases:
            return results
        evaluator = parser.get_parsed_content("evaluator")
        suffix = evaluator.output_suffix

        def files(result: CaseResult) -> CaseFiles:
            return CaseFiles(result.name, str(result.source), output / f"{result.name}{suffix}", bundle.classes)

        weights = Path(parser.get_parsed_content("ckpt"))
        with Progress(console=console) as progress, CollectWarnings() as warnings:
            task = progress.add_task(bundle.name, total=len(cases))

            def on_case(result) -> None:
                progress.advance(task)
                warnings.close_case(result.name)
                if result.error:
                    progress.console.print(f"[red]failed:[/red] {result.error}", highlight=False, soft_wrap=True)
                    return
                try:
                    _picture(kind, files(result), result.skipped and not overwrite)
                except Exception as error:  # the mask is written; a picture less must not stop the batch
                    progress.console.print(f"[yellow]no picture:[/yellow] {result.name}: {explain(error)}", highlight=False)

            evaluator.on_case = on_case
            results += evaluator.run()
    done = [files(result) for result in results if not result.error]
    rows = [row for case in done for row in kind.measure(case)] + list(kind.measure_together(done))
    if rows:
        write_measures(output / "measures.csv", rows)
    pages = {result.name: files(result) for result in results}
    results = [_export(bundle, kind, result, pages[result.name], exports, errors) for result in results]
    write_report(bundle, kind, results, pages, rows, warnings.by_case, output, weights)
    return results


def _find_all(options: dict, inputs: Sequence[Path]) -> tuple[list[dict], list[CaseResult]]:
    """Return the cases of all inputs, and a failed result for every input without one."""
    find = getattr(custom_networks, options["_target_"].rpartition(".")[2])
    options = {name: value for name, value in options.items() if name not in ("_target_", "_mode_", "source")}
    cases: dict[str, dict] = {}
    failed = []
    for source in inputs:
        try:
            found = find(source, **options)
        except UserError as error:
            failed.append(CaseResult(case_name(source), str(source), 0.0, str(error)))
            continue
        for case in found:
            name = case_name(case["image"])
            if cases.setdefault(name, case) != case:
                both = f"{case['image']} and {cases[name]['image']}"
                raise UserError(f"{both}: two cases of the same name.", "Segment them into two folders.")
    return list(cases.values()), failed


def _with_values(parser, options: dict) -> dict:
    """Replace references among options by what they stand for."""
    return {
        name: parser.get_parsed_content(value[1:]) if isinstance(value, str) and value.startswith("@") else value
        for name, value in options.items()
    }


def _picture(kind: ResultKind, case: CaseFiles, keep: bool) -> None:
    if kind.picture is not None and not (keep and case.beside(kind.picture).exists()):
        kind.draw(case, case.beside(kind.picture))


def _export(
    bundle: Bundle, kind: ResultKind, result: CaseResult, case: CaseFiles, exports: Sequence[str], errors: Console
) -> CaseResult:
    """Write the further formats of a case; its result has the error where one fails."""
    for export in [kind.exports[name] for name in exports if not result.error]:
        try:
            export.write(bundle, case.source, case.result, case.beside(export.suffix))
        except Exception as error:  # the other masks are exported still
            result = replace(result, error=explain(error))
            errors.print(f"[red]failed:[/red] {result.error}", highlight=False, soft_wrap=True)
    return result
