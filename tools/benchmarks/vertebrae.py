"""Measure the traversal of a large lumbar CT: steps, skipped windows, seconds, memory."""

import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import torch
from monai.data import list_data_collate
from scipy.ndimage import zoom

from ..bundles import Bundle, load_network
from ..phantoms.spine import make_spine_phantom
from ..phantoms.spine_anatomy import Person

FIELD, HEIGHT, PIXELS = 300, 330, 512  # mm, mm, pixels a row


def bench_traversal(bundle: Bundle) -> list[str]:
    """Say what a phantom CT of 300 x 300 x 330 mm (512 x 512 x 330 voxels) costs, and the same without skipping windows."""
    with tempfile.TemporaryDirectory() as scratch:
        case = _write_case(Path(scratch))
        start = time.perf_counter()
        command = [sys.executable, "-m", "monai.bundle", "run", "inference", "--config_file", "configs/inference.json"]
        command += ["--input", str(case), "--output_dir", scratch]
        subprocess.run(command, cwd=bundle.folder, capture_output=True, check=True)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        notes = [f"a CT of 300x300x330 mm, 512x512x330 voxels, from start to mask: {seconds:.0f} s, peak memory {peak:.1f} GiB"]
        with bundle.parser("inference.json", input=str(case), output_dir=scratch, device="cpu") as parser:
            batch = list_data_collate([parser.get_parsed_content("preprocessing")({"image": str(case)})])
            network = load_network(parser, bundle)
            inferer = parser.get_parsed_content("inferer")
            totals = []
            for name, least in (("windows without bone skipped", inferer.settings.min_bone), ("every window searched", 0.0)):
                inferer.settings = replace(inferer.settings, min_bone=least)
                with torch.inference_mode():
                    inferer(batch["image"], network)
                counts = inferer.counts
                totals.append(counts.total_seconds)
                notes.append(
                    f"its traversal, {name}: {counts.patches} patches, {counts.skipped} skipped, network "
                    f"{counts.network_seconds:.1f} s, outside it {counts.total_seconds - counts.network_seconds:.1f} s"
                )
    return [*notes, f"searching every window takes {totals[1] / totals[0]:.2f} times as long"]


def _write_case(folder: Path) -> Path:
    phantom = make_spine_phantom(np.random.default_rng(7), "abdomen", Person(), 1, (FIELD, FIELD))
    ct = phantom.image[..., -HEIGHT - 40 : -40]
    ct = zoom(ct, (PIXELS / ct.shape[0], PIXELS / ct.shape[1], 1), order=1)
    path = folder / "lumbar.nii.gz"
    nibabel.save(nibabel.Nifti1Image(ct, np.diag([FIELD / PIXELS, FIELD / PIXELS, 1.0, 1.0])), path)
    return path
