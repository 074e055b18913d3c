"""The cases of an inference as a data set."""

from collections.abc import Callable, Sequence
from functools import cached_property

from torch.utils.data import Dataset


class CaseDataset(Dataset):
    """Preprocess cases by number, as programs want them that run a bundle by MONAI's ``ConfigWorkflow``.

    Args:
        data: entries of the cases, or a function that finds them; it is asked when the first case is wanted.
        transform: preprocessing of an entry.
    """

    def __init__(self, data: Sequence[dict] | Callable[[], Sequence[dict]], transform: Callable[[dict], dict]) -> None:
        self.find, self.transform = data, transform

    @cached_property
    def data(self) -> Sequence[dict]:
        """The entries."""
        return self.find() if callable(self.find) else self.find

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> dict:
        return self.transform(dict(self.data[index]))
