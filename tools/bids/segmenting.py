"""Segment a BIDS data set."""

from collections.abc import Sequence
from pathlib import Path

from custom_networks.engines.case_evaluator import CaseResult
from custom_networks.errors import UserError

from ..results.segmenting import Segmenter
from .dataset import find_images, find_root
from .derivatives import Derivatives

SUFFIXES = "bids_suffixes"  # of a bundle's images, in metadata.json


def segment_bids(
    segmenter: Segmenter, source: Path, output: Path, suffixes: Sequence[str] | None = None, **options
) -> list[CaseResult]:
    """Segment a BIDS data set, a person or a session of it, and write derivatives.

    Args:
        segmenter: the bundle.
        source: the data set's folder, or one in it.
        output: folder of the derivatives; the bundle's usual results lie in a folder of its name in it.
        suffixes: of the images to take; None takes those that the bundle's metadata names.
        options: of `Segmenter.segment`.

    Returns:
        what became of each image.

    Raises:
        UserError: when the source is no BIDS data set, has no image for the bundle, or another data set is in the output.
    """
    bundle = segmenter.bundle
    suffixes = suffixes or bundle.metadata.get(SUFFIXES)
    if not bundle.is_segmentation or suffixes == []:
        raise UserError(f"--bids: {bundle.name} reads nothing that BIDS has.", "Leave it out.")
    images = find_images(source, suffixes, segmenter.contrasts)
    derivatives = Derivatives(output, find_root(source), bundle)
    names = derivatives.names(images)
    results = segmenter.segment([image.case for image in images], derivatives.results, **options)
    derivatives.begin()
    by_source = {str(image.path): (image, name) for image, name in zip(images, names, strict=True)}
    for result in results:
        if not result.error and result.source in by_source:
            derivatives.write(*by_source[result.source], result)
    return results
