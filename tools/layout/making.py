"""Make a data set whole or not at all."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from custom_networks.errors import FULL, UserError, WrongFilesError

from .data_list import make_empty_folder, write_data_list

UNFINISHED = ".unfinished"  # folder within the data set's
PRIORS = "priors"  # likewise, of masks of lesions to paint


class Making:
    """A data set that is being made.

    Attributes:
        folder: where its files are written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.cases, self.wrong = folder, 0, 0
        self.faults: list[UserError] = []

    @contextmanager
    def case(self) -> Iterator[None]:
        """Let a problem with the files of a case be told with those of the others, when all have been looked at."""
        before = len(self.faults)
        with self.file():
            yield
        self.cases, self.wrong = self.cases + 1, self.wrong + (len(self.faults) > before)

    @contextmanager
    def file(self) -> Iterator[None]:
        """Let a problem with a file of a case not keep the case's others from being looked at."""
        try:
            yield
        except UserError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in FULL:  # no other case could be written either
                raise
            found = error.faults if isinstance(error, WrongFilesError) else [error]
            self.faults += [fault for fault in found if str(fault) not in map(str, self.faults)]

    def check(self) -> None:
        """Tell all problems.

        Raises:
            WrongFilesError: when there are some.
        """
        if self.faults:
            raise WrongFilesError(self.faults, f"{self.wrong} of {self.cases} cases are wrong; nothing was written.")

    def write_list(self, name: str, labels: dict[str, str], sections: dict[str, list[dict]]) -> None:
        """Write the data list, see `write_data_list`, unless there are problems to be told."""
        self.check()
        write_data_list(self.folder, name, labels, sections)


@contextmanager
def making(folder: Path, overwrite: bool = False, source: Path | None = None) -> Iterator[Making]:
    """Make a data set in a folder, in which nothing is changed unless all went well.

    A set that is replaced loses its data list and its masks to paint first, and the new list comes last: were the move cut off,
    there would be no set rather than a mixed one. Other files of the old set stay.

    Args:
        folder: of the data set; made when missing.
        overwrite: whether a data set in the folder may be replaced.
        source: folder that it is made of.

    Raises:
        UserError: when there is one that may not, when the folder is its source, where a file and a folder have one name, and
            when the disk is full.
    """
    new = not folder.exists()
    unfinished = make_empty_folder(folder, overwrite, source) / UNFINISHED
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir()
        yield Making(unfinished)
        _check_places(unfinished, folder)
        if (folder / "dataset.json").exists():
            _remove_old(folder)
        _move(unfinished, folder)
    except UserError as error:
        if str(unfinished) not in str(error):
            raise
        raise UserError(*(text.replace(str(unfinished), str(folder)) for text in (error.problem, error.remedy))) from error
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise UserError(f"{folder}: cannot be written ({error.strerror}).", "Free the disk or choose another folder.") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        if new:
            with suppress(OSError):  # there is something in it
                folder.rmdir()


def _check_places(source: Path, target: Path) -> None:
    """Refuse to move a file to where a folder is, or a folder to where a file is."""
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if os.path.lexists(place) and place.is_dir() != path.is_dir():
            is_, comes = ("folder", "file") if place.is_dir() else ("file", "folder")
            raise UserError(f"{place}: is a {is_} where a {comes} of the data set comes.", "Move it away or choose another folder.")


def _remove_old(folder: Path) -> None:
    """Remove the list of a data set, and its masks to paint, which may be of people whom the new set tests."""
    (folder / "dataset.json").unlink()
    priors = folder / PRIORS
    if priors.is_symlink():
        priors.unlink()
    elif priors.is_dir():
        shutil.rmtree(priors)


def _move(source: Path, target: Path) -> None:
    """Move what a folder holds to another, which may hold files of the same names."""
    for path in sorted(source.iterdir(), key=lambda path: path.name == "dataset.json"):
        if path.is_dir():
            (target / path.name).mkdir(exist_ok=True)
            _move(path, target / path.name)
        else:
            _replace(path, target / path.name)


def _replace(source: Path, target: Path) -> None:
    """Move a file; to another disk, where a folder of the data set is a link to one, by way of a copy beside the target."""
    try:
        os.replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy = target.with_name(f".{target.name}.part")
        try:
            shutil.copyfile(source, copy)
            os.replace(copy, target)
        finally:
            copy.unlink(missing_ok=True)
