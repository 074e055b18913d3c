"""CPU time of a bundle's stages against the machine's own peak, memory, and what bfloat16 costs in accuracy."""

import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from monai.data import decollate_batch, list_data_collate
from monai.transforms import Compose, SaveImaged

from custom_networks.inferers.precision import half_type

from ..bundles import Bundle, load_network
from ..scoring.dice import label_dice
from .peak import operations_counter, peak
from .processes import own_peak_memory

RUNS = 2  # after the first; the fastest is the steady state
CASES = 6  # on which bfloat16 is compared with float32
LONG = 60.0  # s of CPU time of a case, from which it runs once more alone, and no other case is compared
LEAST_DICE = 0.999  # to float32, from which bfloat16 may be the default


@dataclass(frozen=True)
class Stages:
    """Seconds of CPU time of one case."""

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
    """What was measured of a bundle on a case.

    Attributes:
        bundle: its name.
        case: size of the case in voxels.
        first: the first case in a new process, after loading the weights.
        steady: the fastest of later runs, stage by stage.
        operations: floating-point operations of the network's stage.
        peak_rate: operations in a second of CPU time of a matrix product in the network's precision, the best between the runs.
        float32: seconds of the network's stage in float32; None where there is no other precision.
        dice: mean over cases and classes between the masks of both; None where there is no other precision.
        memory: peak in MiB of the process, all libraries included.
    """

    bundle: str
    case: str
    first: Stages
    steady: Stages
    operations: float
    peak_rate: float
    float32: float | None
    dice: float | None
    memory: float

    @property
    def needed(self) -> float:
        """Seconds that the network's operations take at the peak."""
        return self.operations / self.peak_rate

    @property
    def of_peak(self) -> float:
        """Share of the peak that the network's stage reaches."""
        return self.needed / self.steady.network

    @property
    def outside(self) -> float:
        """Share of a case that is not the network's stage."""
        return 1 - self.steady.network / self.steady.total

    @property
    def gate(self) -> str:
        """Whether bfloat16 may be the default here: it must be faster, and give the same masks."""
        if self.float32 is None or self.dice is None:
            return ""
        return "passed" if self.steady.network < self.float32 and self.dice >= LEAST_DICE else "failed"


def measure(bundle: Bundle, images: Sequence) -> Result:
    """Measure a bundle in this process, which should be new for the peak of memory to be the bundle's own.

    Args:
        bundle: the bundle.
        images: cases, of which the first `CASES` serve, the first alone where it is `LONG`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "out"
        pipeline = Pipeline(bundle, output, half=True)
        counter = operations_counter()
        first, answer = pipeline.run(images[0], counter)
        memory = own_peak_memory()
        dtype, rates, later = pipeline.half or torch.float32, [], []
        is_long = first.total > LONG
        for _ in range(1 if is_long else RUNS):
            rates.append(peak(dtype))
            later.append(pipeline.run(images[0])[0])
        rates.append(peak(dtype))
        steady = Stages(*(min(getattr(stages, field.name) for stages in later) for field in fields(Stages)))
        float32 = agreement = None
        if pipeline.half is not None:
            exact = Pipeline(bundle, output, half=False)
            stages, expected = exact.run(images[0])
            float32 = stages.network
            others = [] if is_long else images[1:CASES]
            pairs = [(answer, expected), *((pipeline.run(image)[1], exact.run(image)[1]) for image in others)]
            agreement = float(np.mean([score for pair in pairs for score in label_dice(*pair, np.union1d(*pair))]))
        size = "x".join(map(str, answer.shape)) or "28x28"
        operations = float(counter.get_total_flops())
        return Result(bundle.name, size, first, steady, operations, max(rates), float32, agreement, memory)


class Pipeline:
    """A bundle's inference.json on the CPU, stage by stage.

    Args:
        bundle: the bundle.
        output: folder of the results.
        half: False keeps float32.

    Attributes:
        half: the type of half precision that it runs in; None where it runs in float32.
    """

    def __init__(self, bundle: Bundle, output: Path, half: bool) -> None:
        with bundle.parser("inference.json", output_dir=str(output), device="cpu") as parser:
            has_option = "precision" in parser
            self.half = half_type("cpu") if has_option and half else None
            if has_option:
                parser["precision"] = "auto" if half else "float32"
            load, *preprocess = parser.get_parsed_content("preprocessing").flatten().transforms
            after = parser.get_parsed_content("postprocessing").flatten().transforms
            self.load, self.preprocess = load, Compose(preprocess)
            self.postprocess = Compose([transform for transform in after if not isinstance(transform, SaveImaged)])
            self.save = Compose([transform for transform in after if isinstance(transform, SaveImaged)])
            self.inferer, self.network = parser.get_parsed_content("inferer"), load_network(parser, bundle)

    def run(self, case, counter: AbstractContextManager | None = None) -> tuple[Stages, np.ndarray]:
        """Return the seconds of each stage, and the answer on the case's own grid; a counter sees the network's stage."""
        times = [time.process_time()]

        def lap(value):
            times.append(time.process_time())
            return value

        loaded = lap(self.load({"image": case}))
        batch = list_data_collate([self.preprocess(loaded)])
        lap(batch)
        with torch.inference_mode(), counter or nullcontext():
            batch["pred"] = lap(self.inferer(batch["image"], self.network))
        (item,) = decollate_batch(batch)
        item = lap(self.postprocess(item))
        lap(self.save(item))
        return Stages(*np.diff(times).tolist()), np.asarray(torch.as_tensor(item["pred"]))[0]
