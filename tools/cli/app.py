"""The command line: ``python -m tools``."""

import os
import sys
import traceback

os.environ.setdefault("TQDM_DISABLE", "1")  # Rich draws the progress

import typer

from custom_networks.errors import UserError

from .bench import bench
from .console import errors
from .convert_weights import convert_weights
from .demo import demo
from .keys import keys
from .list import list_bundles
from .mix import mix
from .pack import pack
from .phantom import phantom
from .prepare import prepare
from .segment import segment
from .synthesise import synthesise
from .unpack import unpack
from .verify import verify

app = typer.Typer(
    help="Prepare data, segment scans, check and share the bundles of Axial.", no_args_is_help=True, add_completion=False
)
app.command("list")(list_bundles)
app.command("prepare")(prepare)
app.command("synthesise")(synthesise)
app.command("mix")(mix)
app.command("phantom")(phantom)
app.command("segment")(segment)
app.command("pack")(pack)
app.command("keys")(keys)
app.command("unpack")(unpack)
app.command("verify")(verify)
app.command("convert-weights")(convert_weights)
app.command("bench")(bench)
app.command("demo")(demo)


def main() -> None:
    """Run the command line; exit code 0 done, 1 a case failed, 2 wrong use."""
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        app(arguments)
    except UserError as error:
        if debug:
            traceback.print_exc()
        errors.print(f"[red]error:[/red] {error.problem}", highlight=False, soft_wrap=True)
        if error.remedy:
            errors.print(f"  {error.remedy}", highlight=False, soft_wrap=True)
        sys.exit(2)
