"""Check that files of weights hold tensors only, without running what they hold."""

import io
import zipfile

import torch

from custom_networks.errors import ZIP_ERRORS

MOST_BYTES = 2**30  # of all tensors of a file
NO_WEIGHTS = "is no plain file of weights"


def weights_reason(content: bytes) -> str:
    """Say why a ``.pt`` file is no plain state dict; empty where it is one.

    torch reads it by the unpickler that knows tensors and nothing else. Before that, its records must be stored as they are, for
    compressed ones may unpack to anything.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            records = archive.infolist()
    except ZIP_ERRORS as error:
        return f"{NO_WEIGHTS} ({type(error).__name__})"
    if any(record.compress_type != zipfile.ZIP_STORED for record in records) or sum(r.file_size for r in records) > MOST_BYTES:
        return f"{NO_WEIGHTS} (compressed, or larger than {MOST_BYTES} bytes)"
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types; each is the reason
        return f"{NO_WEIGHTS} ({type(error).__name__})"
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        return "holds more than weights"
    return ""
