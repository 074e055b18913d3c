"""Seconds of every stage of a bundle's inference, peak memory, and what bfloat16 costs in accuracy."""

import resource
import tempfile
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from monai.data import decollate_batch, list_data_collate
from monai.transforms import Compose, SaveImaged

from custom_networks.data.data_list import load_data_list
from custom_networks.inferers.precision import has_bfloat16

from ..bundles import Bundle, load_network
from ..datasets.digits import prepare_digits
from ..phantoms.write import WRITERS
from ..scoring.dice import label_dice

RUNS = 3  # whose median is the steady state
CASES = 6  # on which bfloat16 is compared with float32
LEAST_DICE = 0.999  # to float32, from which bfloat16 may be the default


@dataclass(frozen=True)
class Stages:
    """Seconds of one case."""

    load: float
    preprocess: float
    network: float
    postprocess: float
    save: float

    @property
    def total(self) -> float:
        return sum(asdict(self).values())


@dataclass(frozen=True)
class Result:
    """What was measured of a bundle.

    Attributes:
        bundle: its name.
        case: size of the phantom, or of the digit, in voxels.
        first: the first case in a new process, after loading the weights.
        steady: median over later runs.
        float32: seconds of the network's stage in float32, steady; None where bfloat16 is no option.
        dice: mean over cases and classes between the masks of both; None where bfloat16 is no option.
        peak: MiB of the process, all libraries included.
    """

    bundle: str
    case: str
    first: Stages
    steady: Stages
    float32: float | None
    dice: float | None
    peak: float

    @property
    def gate(self) -> str:
        """Whether bfloat16 may be the default here: it must be faster, and give the same masks."""
        if self.float32 is None or self.dice is None:
            return ""
        return "passed" if self.steady.network < self.float32 and self.dice >= LEAST_DICE else "failed"


def measure(bundle: Bundle, data: Path | None = None) -> Result:
    """Measure a bundle in this process, which should be new for the peak of memory to be the bundle's own.

    Args:
        bundle: the bundle.
        data: a data set whose first `CASES` test cases serve; None makes phantoms.
    """
    with tempfile.TemporaryDirectory() as scratch:
        cases = [entry["image"] for entry in load_data_list(data, "test")] if data else _phantoms(bundle, Path(scratch) / "data")
        output = Path(scratch) / "out"
        pipeline = Pipeline(bundle, output, bfloat16=True)
        (first, answer), *others = (pipeline.run(cases[0]) for _ in range(RUNS + 1))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        steady = Stages(*(float(np.median([getattr(s, f.name) for s, _ in others])) for f in fields(Stages)))
        float32 = agreement = None
        if pipeline.has_option and has_bfloat16(torch.device("cpu")):
            exact = Pipeline(bundle, output, bfloat16=False)
            (_, expected), *timed = (exact.run(cases[0]) for _ in range(RUNS + 1))
            float32 = float(np.median([stages.network for stages, _ in timed]))
            pairs = [(answer, expected), *((pipeline.run(case)[1], exact.run(case)[1]) for case in cases[1:CASES])]
            agreement = float(np.mean([score for pair in pairs for score in label_dice(*pair, np.union1d(*pair))]))
        return Result(bundle.name, "x".join(map(str, answer.shape)), first, steady, float32, agreement, peak)


def _phantoms(bundle: Bundle, folder: Path) -> list:
    path = WRITERS[bundle.name](folder, CASES, 0) if bundle.name in WRITERS else prepare_digits(folder)
    return [entry["image"] for section in ("training", "validation", "test") for entry in load_data_list(path.parent, section)]


class Pipeline:
    """A bundle's inference.json on the CPU, stage by stage."""

    def __init__(self, bundle: Bundle, output: Path, bfloat16: bool) -> None:
        with bundle.parser("inference.json", output_dir=str(output), device="cpu") as parser:
            self.has_option = "bfloat16" in parser
            if self.has_option:
                parser["bfloat16"] = bfloat16
            load, *preprocess = parser.get_parsed_content("preprocessing").flatten().transforms
            after = parser.get_parsed_content("postprocessing").flatten().transforms
            self.load, self.preprocess = load, Compose(preprocess)
            self.postprocess = Compose([transform for transform in after if not isinstance(transform, SaveImaged)])
            self.save = Compose([transform for transform in after if isinstance(transform, SaveImaged)])
            self.inferer, self.network = parser.get_parsed_content("inferer"), load_network(parser, bundle)

    def run(self, case) -> tuple[Stages, np.ndarray]:
        """Return the seconds of each stage, and the answer on the case's own grid."""
        times = [time.perf_counter()]

        def lap(value):
            times.append(time.perf_counter())
            return value

        loaded = lap(self.load({"image": case}))
        batch = list_data_collate([self.preprocess(loaded)])
        lap(batch)
        with torch.inference_mode():
            batch["pred"] = lap(self.inferer(batch["image"], self.network))
        (item,) = decollate_batch(batch)
        item = lap(self.postprocess(item))
        lap(self.save(item))
        return Stages(*np.diff(times).tolist()), np.asarray(torch.as_tensor(item["pred"]))[0]
