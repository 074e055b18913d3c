"""The archives of a run: series that come from there, segmentations that go there."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pydicom

from custom_networks.errors import UserError

from .address import Address, check_uid, parse_address
from .choosing import Series, choose
from .session import connect, explained

FIELDS = ("SeriesNumber", "SeriesDescription", "NumberOfSeriesRelatedInstances")


class Archives:
    """Series are fetched into a temporary folder, which goes with the stack; results say where they came from.

    Args:
        stack: closes when the files are no longer needed.
        modality: of the series to take where an address names a study, such as CT; None takes any.
        contrasts: see `choose`.
        series: number or UID of the series to take, see `choose`.
    """

    def __init__(
        self,
        stack: ExitStack,
        modality: str | None,
        contrasts: Sequence[str] = (),
        series: str | None = None,
    ) -> None:
        self.stack, self.modality, self.contrasts = stack, modality, tuple(contrasts)
        self.series = series
        self.folders: dict[Path, Address] = {}
        self.fetched: dict[str, Path] = {}  # folder of each address, as it was given
        self._root: Path | None = None

    def choose(self, source: str | Address) -> dict[str, Series]:
        """Return the series that an address stands for, by the names of their folders (QIDO).

        Raises:
            UserError: what went wrong, or which series there are where none or several fit.
        """
        address = parse_address(source)
        client = connect(address)
        with explained(address, "listing its series"):
            found = client.search_for_series(address.study, fields=FIELDS)
            listed = [_series(pydicom.Dataset.from_json(item)) for item in found]
        wanted = address.series or self.series
        if address.series and self.series not in (None, address.series):
            raise UserError(f"{address}: names a series, and --series {self.series} another.", "Leave one out.")
        return choose(address, listed, self.modality, wanted, self.contrasts)

    def fetch(self, source: str | Address) -> Path:
        """Fetch what an address stands for (WADO) and return its folder, in which every series is whole.

        Raises:
            UserError: what went wrong.
        """
        if str(source) in self.fetched:
            return self.fetched[str(source)]
        address = parse_address(source)
        chosen = self.choose(address)
        if self._root is None:
            self._root = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="axial-dicomweb-")))
        parent = self._root / str(len(self.folders)) / check_uid(address.study, address)
        for name, series in chosen.items():
            folder = parent / name
            folder.mkdir(parents=True)
            self.folders[folder] = place = Address(address.service, address.study, check_uid(series.uid, address))
            _retrieve(place, series, folder)
        self.fetched[str(source)] = parent if self.contrasts else folder
        return self.fetched[str(source)]

    def origin(self, path: str | Path) -> Address | None:
        """Return the address of the series that a file or folder came from, None where it did not come from an archive."""
        return next((address for folder, address in self.folders.items() if Path(path).is_relative_to(folder)), None)

    def described(self, text: str) -> str:
        """Return a text with addresses in place of folders that will be gone."""
        for folder, address in self.folders.items():
            text = text.replace(str(folder), str(address)).replace(str(folder.parent), str(Address(address.service, address.study)))
        return text

    def located(self, text: str) -> str:
        """Return what `described` made of a path as the path again."""
        for folder, address in self.folders.items():
            text = text.replace(str(address), str(folder))
        return text

    def store(self, source: str, file: Path, may_be_there: bool) -> str | None:
        """Store a DICOM file in the study that an image came from (STOW); return its address, None for an image from elsewhere.

        Args:
            source: path of the image.
            file: what to store; it stays.
            may_be_there: whether to ask first if the archive has it (QIDO).

        Raises:
            UserError: why the archive did not take it.
        """
        origin = self.origin(source)
        if origin is None:
            return None
        dataset = pydicom.dcmread(file)
        place = Address(origin.service, origin.study, str(dataset.SeriesInstanceUID))
        client = connect(place)
        try:
            if may_be_there:
                with explained(place, "looking for the segmentation"):
                    if client.search_for_instances(origin.study, search_filters={"SOPInstanceUID": str(dataset.SOPInstanceUID)}):
                        return str(place)
            with explained(place, "storing the segmentation"):
                answer = client.store_instances([dataset], study_instance_uid=origin.study)
                failed = [hex(int(item.get("FailureReason", 0))) for item in answer.get("FailedSOPSequence") or ()]
        except UserError as error:
            raise UserError(
                error.problem, f"{error.remedy} The segmentation is in {file}; the same command tries again."
            ) from error
        if failed:
            raise UserError(
                f"{place}: the archive refused the segmentation (failure reason {', '.join(failed)}).",
                f"Its log says more. The segmentation is in {file}; the same command tries again.",
            )
        return str(place)


def _series(dataset: pydicom.Dataset) -> Series:
    count = dataset.get("NumberOfSeriesRelatedInstances")
    return Series(
        str(dataset.SeriesInstanceUID),
        str(dataset.get("SeriesNumber") or "?"),
        str(dataset.get("Modality") or ""),
        str(dataset.get("SeriesDescription") or "").strip(),
        None if count in (None, "") else int(count),
    )


def _retrieve(address: Address, series: Series, folder: Path) -> None:
    """Write a series' files, as they are stored in the archive, each named by its SOPInstanceUID."""
    client = connect(address)
    found: set[str] = set()
    with explained(address, "fetching its images"):
        for dataset in client.iter_series(address.study, address.series, media_types=(("application/dicom", "*"),)):
            if str(dataset.SeriesInstanceUID) != address.series:
                raise UserError(f"{address}: the archive sent another series.", "Its administrator should know.")
            uid = check_uid(str(dataset.SOPInstanceUID), address)
            dataset.save_as(folder / f"{uid}.dcm", enforce_file_format=True)
            found.add(uid)
    if not found or (series.count is not None and len(found) < series.count):
        raise UserError(
            f"{address}: only {len(found)} of {series.count or '?'} files came.",
            "Run the same command again; nothing was segmented.",
        )
