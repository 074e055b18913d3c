"""Options that several commands share."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from custom_networks.errors import UserError


def _bundle_names(incomplete: str) -> list[str]:
    from ..bundles import all_bundles

    return [bundle.name for bundle in all_bundles() if bundle.name.startswith(incomplete)]


BundleName = Annotated[str, typer.Argument(help="Name of a bundle, part of the name, or a folder.", autocompletion=_bundle_names)]
Key = Annotated[Path | None, typer.Option("--key", metavar="PUBLIC_KEY", help="Require a signature by this key's owner.")]
Trust = Annotated[
    bool, typer.Option("--trust", help="Run a bundle from elsewhere whatever its review found, such as code of its own.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")]

FORMS = {
    "--set": ("ID=VALUE", "max_epochs=5"),
    "--choose": ("ID=VALUE,...", "threshold=0.5,0.6"),
    "--data": ("NAME=FOLDER", "scans=SCANS"),
    "--relabel": ("OLD=NEW", "5=0"),
    "--within": ("VALUE=MM", "3=40"),
    "--against": ("BUNDLE=COMMIT", "digits=HEAD~1"),
    "": ("FOLDER=WEIGHT", "data/real=0.4"),  # the arguments of mix
}


def refuse_beside(context: typer.Context, option: str, without: Collection[str]) -> None:
    """Refuse what was given beside an option and would be without effect.

    Args:
        without: the parameters that have no effect beside ``option``, by their names in Python.

    Raises:
        UserError: when the user gave one of them.
    """
    given = [
        parameter.opts[0] if parameter.param_type_name == "option" else "DATA"
        for parameter in context.command.params
        if parameter.name in without and context.get_parameter_source(parameter.name).name != "DEFAULT"
    ]
    if given:
        raise UserError(f"{', '.join(given)}: without effect beside {option}.", "Leave one of them out.")


def pairs(texts: list[str], option: str) -> list[tuple[str, str]]:
    """Return what stands before and after the first ``=`` of each text of an option.

    Raises:
        UserError: for a text without it, or with nothing before it; names the form that the option takes.
    """
    for text in texts:
        if not text.partition("=")[0].strip() or "=" not in text:
            form, example = FORMS.get(option, ("VALUE=NAME", "1=_gm"))
            wrong, right = (f"{option} {words}".strip() for words in (text, example))
            raise UserError(f"{wrong}: not of the form {form}.", f"For instance {right}.")
    return [tuple(text.split("=", 1)) for text in texts]
