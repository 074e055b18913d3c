"""What sharing costs: ``python -m tools.cluster.measuring`` segments digits in one process and on workers, and prints both."""

import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer


def measure(
    cases: Annotated[int, typer.Option(min=1, help="Pictures of digits, whose networks take a millisecond.")] = 100,
    workers: Annotated[int, typer.Option(min=1, help="Most workers.")] = 2,
) -> None:
    """Print seconds a case: wall time, and what the process of scheduler, table and page computes itself."""
    from ..bundles import get_bundle
    from ..results.segmenting import Segmenter
    from .opening import open_cluster

    with tempfile.TemporaryDirectory() as folder:
        scans = _write_digits(Path(folder), cases)
        segmenter = Segmenter(get_bundle("digits"), device="cpu")
        segmenter.segment(scans[:5], Path(folder) / "first")
        _tell("this process alone", cases, lambda: segmenter.segment(scans, Path(folder) / "alone"))
        for number in range(1, workers + 1):
            with open_cluster(jobs=number, threads=1) as cluster:
                segmenter.segment(scans[: 5 * number], Path(folder) / f"first{number}", cluster=cluster)
                output = Path(folder) / f"on{number}"
                _tell(f"{number} workers", cases, lambda o=output, c=cluster: segmenter.segment(scans, o, cluster=c))


def _write_digits(folder: Path, count: int) -> list[Path]:
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    paths = []
    for index, picture in enumerate(load_digits().images[:count]):
        paths.append(folder / f"digit{index:04}.png")
        Image.fromarray((picture * 15).astype(np.uint8)).save(paths[-1])
    return paths


def _tell(what: str, cases: int, run) -> None:
    wall, computed = time.perf_counter(), time.process_time()
    assert not any(result.error for result in run())
    wall, computed = (now - then for now, then in ((time.perf_counter(), wall), (time.process_time(), computed)))
    print(f"{what}: {1000 * wall / cases:.1f} ms a case, of which this process computes {1000 * computed / cases:.1f}", flush=True)


if __name__ == "__main__":
    typer.run(measure)
