"""What it costs to make a study with skull ready, against the network's stage."""

import tempfile
from pathlib import Path

from ..bundles import Bundle
from .cases import raw_head
from .stages import Pipeline


def bench_heads(bundle: Bundle) -> list[str]:
    """Say how often the network's time goes into loading one study with skull, measured once, the first of its process."""
    with tempfile.TemporaryDirectory() as scratch:
        stages, _ = Pipeline(bundle, Path(scratch) / "out", half=True).run(raw_head(Path(scratch) / "data"))
    return [
        f"a study with skull, once: {stages.load:.0f} s of CPU time to find the brain, register T1 and correct the bias field, "
        f"{stages.load / stages.network:.1f} times the network's stage"
    ]
