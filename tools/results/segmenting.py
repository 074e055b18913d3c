"""Segment many inputs with a bundle and measure the masks."""

import json
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

import custom_networks
from custom_networks.cases.cases import case_name
from custom_networks.engines.case_evaluator import CaseResult
from custom_networks.errors import UserError, explain

from ..bundles import Bundle
from .fat import dixon_pairs, measure_fat
from .measures import measure_label_map, measure_radiograph, read_lesions, read_vertebrae, write_measures
from .pictures import draw_overlay
from .pictures_radiograph import draw_radiograph
from .pictures_vertebrae import draw_vertebrae
from .report.page import write_report
from .warnings_log import CollectWarnings

PICTURES = {
    "vertebrae": draw_vertebrae,
    "lesions": partial(draw_overlay, by_load=True),
    "radiograph": draw_radiograph,
}
DESCRIBED = {"vertebrae": read_vertebrae, "lesions": read_lesions}  # bundles that write JSON beside the mask


def segment_cases(
    bundle: Bundle, inputs: Sequence[Path], output: Path, overwrite: bool, settings: dict, console: Console, errors: Console
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

    Returns:
        a `CaseResult` for each case.
    """
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
                    _picture(bundle, result, output, overwrite)
                except Exception as error:  # the mask is written; a picture less must not stop the batch
                    progress.console.print(f"[yellow]no picture:[/yellow] {result.name}: {explain(error)}", highlight=False)

            evaluator.on_case = on_case
            results += evaluator.run()
    rows = []
    for result in results:
        if not result.error:
            rows += _measures(bundle, result.name, output)
    rows += _fat_fractions(bundle, results, output, errors)
    if rows:
        write_measures(output / "measures.csv", rows)
    write_report(bundle, results, rows, warnings.by_case, output, weights)
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


def _picture(bundle: Bundle, result, output: Path, overwrite: bool) -> None:
    target = output / f"{result.name}_overlay.png"
    if bundle.is_segmentation and (overwrite or not result.skipped or not target.exists()):
        draw = PICTURES.get(bundle.kind, draw_overlay)
        draw(result.source, output / f"{result.name}_seg.nii.gz", target, result.name)


def _fat_fractions(bundle: Bundle, results: list[CaseResult], output: Path, errors: Console) -> list[dict]:
    """Return the rows of every pair of a water and a fat image among the cases of MRI."""
    sources = {result.name: str(result.source) for result in results if not result.error}
    rows = []
    for water, fat in dixon_pairs(sources) if bundle.kind == "slices" else ():
        try:
            rows += measure_fat(sources[water], sources[fat], output / f"{water}_seg.nii.gz", water, bundle.classes)
        except UserError as error:
            errors.print(f"[yellow]no fat fraction:[/yellow] {error}", highlight=False, soft_wrap=True)
    return rows


def _measures(bundle: Bundle, name: str, output: Path) -> list[dict]:
    if bundle.kind in DESCRIBED:
        return DESCRIBED[bundle.kind](output / f"{name}_seg.json")
    if bundle.is_segmentation:
        measure = measure_radiograph if bundle.kind == "radiograph" else measure_label_map
        return measure(output / f"{name}_seg.nii.gz", name, bundle.classes)
    prediction = json.loads((output / f"{name}_pred.json").read_text())
    probability = max(prediction["probabilities"])
    return [
        {
            "case": name,
            "structure": prediction["name"],
            "measure": "probability",
            "slice": "",
            "value": f"{probability:.4f}",
            "unit": "",
        }
    ]
