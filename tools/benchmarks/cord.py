"""What a cord on a whole field of view costs, against its windows alone."""

import tempfile
from pathlib import Path

import torch

from custom_networks.inferers.precision import half_type

from ..bundles import Bundle
from .cases import CORDS, full_field_cases
from .peak import operations_counter, peak
from .stages import RUNS, Pipeline


def bench_cords(bundle: Bundle) -> list[str]:
    """Say for every field of `CORDS` how often the time goes into a case that its windows, two a slice, need at the peak."""
    notes = []
    with tempfile.TemporaryDirectory() as scratch:
        pipeline = Pipeline(bundle, Path(scratch) / "out", half=True)
        window = torch.zeros(1, 1, pipeline.inferer.window, pipeline.inferer.window)
        with torch.inference_mode(), operations_counter() as counter:
            pipeline.network(window)
        images = full_field_cases(bundle, Path(scratch) / "data")
        for image, ((columns, rows, slices), field) in zip(images, CORDS.items(), strict=True):
            pipeline.run(image)
            rates, totals = [], []
            for _ in range(RUNS):
                rates.append(peak(half_type("cpu") or torch.float32))
                totals.append(pipeline.run(image)[0].total)
            needed = 2 * slices * counter.get_total_flops() / max(rates)
            notes.append(
                f"a scan of {columns}x{rows}x{slices} in {field[0]:.0f}x{field[1]:.0f} mm: {min(totals) / needed:.1f} times "
                f"what its {2 * slices} windows need at the peak, all included"
            )
    return notes
