"""The command line: ``axial``, in a checkout ``python -m tools``."""

import logging
import os
import sys
import traceback
import warnings
from typing import Annotated, NoReturn

os.environ.setdefault("TQDM_DISABLE", "1")  # Rich draws the progress
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch asks for pages of 2 MiB: 7 % of the time of a 3D network

import typer
from rich.text import Text
from typer.exceptions import TyperException

from custom_networks.errors import UserError, WrongFilesError, explain, find_user_error

from .. import __version__
from ..sharing.plain import plain
from .commands import Commands
from .console import WIDTH, console, errors
from .program import as_typed, program

LONGEST = 2000  # characters of an error
app = typer.Typer(
    cls=Commands,
    help="Prepare data, segment scans, check and share the bundles of Axial.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120, "terminal_width": WIDTH},
    rich_markup_mode=None,  # Rich's help takes longer to import than all the rest
    pretty_exceptions_enable=False,
)


def print_version(wanted: bool) -> None:
    """Print the version and stop, where it is asked for."""
    if wanted:
        console.print(f"axial {__version__}", highlight=False)
        raise typer.Exit()


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", is_eager=True, callback=print_version, help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from; may come anywhere on the line.")] = False,
) -> None:
    """Prepare data, segment scans, check and share the bundles of Axial."""


def main() -> None:
    """Run the command line; exit code 0 done, 1 a case failed, 2 wrong use."""
    logging.getLogger().addHandler(logging.NullHandler())  # libraries' own messages; what Axial warns of, commands print
    warnings.filterwarnings("ignore")
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    if _names_nothing(arguments):
        fail("an empty argument where a name, file or folder belongs.", "Perhaps a shell variable is not set.", debug)
    try:
        code = app(arguments or ["--help"], prog_name=program(), standalone_mode=False)
    except WrongFilesError as error:
        for fault in error.faults:
            tell(fault.problem, fault.remedy)
        fail(error.summary, "", debug, 1)
    except UserError as error:
        fail(error.problem, error.remedy, debug)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else program()
        fail(error.format_message(), f"`{command} --help` shows how.", debug)
    except typer.Abort:
        fail("stopped.", "", debug)
    except Exception as error:
        found = find_user_error(error)
        if found is not None:
            fail(found.problem, found.remedy, debug)
        # a fault of ours
        fail(explain(error), "This is a fault of the program: --debug shows where.", debug, 1)
    sys.exit(code or 0)


def _names_nothing(arguments: list[str]) -> bool:
    """Tell whether an argument or the output is empty, which as a path would be the folder where the program runs."""
    options = ["", *arguments]
    places = (options[index] for index, argument in enumerate(arguments) if argument == "")
    return "--output=" in arguments or any(before in ("-o", "--output") or not before.startswith("-") for before in places)


def fail(problem: str, remedy: str, debug: bool, code: int = 2) -> NoReturn:
    """Print what is wrong and what to do, and end the program."""
    if debug:
        traceback.print_exc()
    tell(problem, remedy)
    sys.exit(code)


def tell(problem: str, remedy: str) -> None:
    """Print what is wrong and what to do."""
    # Text, since names of files and words of strangers are no markup
    errors.print(Text.assemble(("error:", "red"), " ", plain(as_typed(problem), LONGEST)), highlight=False, soft_wrap=True)
    if remedy:
        errors.print(Text(f"  {plain(as_typed(remedy), LONGEST)}"), highlight=False, soft_wrap=True)
