"""The commands, each imported when it is typed: the overview needs one line of each."""

from pkgutil import resolve_name
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

COMMANDS = {
    "list": ("list:list_bundles", "List the bundles: task, classes, scores, licence of the weights."),
    "segment": ("segment:segment", "Segment scans: masks, pictures, a table of volumes and areas, a report."),
    "score": ("score:score", "Score masks against labels."),
    "prepare": ("prepare:app", "Convert a public data set, or a plain folder, to the layout of the bundles."),
    "phantom": ("phantom:phantom", "Draw phantoms: images with exact labels."),
    "synthesise": ("synthesise:synthesise", "Synthesise CT from label maps, or deformed copies of labelled scans."),
    "mix": ("mix:mix", "Combine several data sets into one, leaving their files in place."),
    "new": ("new:new", "Plan your own bundle from images and labels, as nnU-Net does, and write it."),
    "crossvalidate": ("crossvalidate:crossvalidate", "Train with cases left out, and score them."),
    "ensemble": ("ensemble:ensemble", "Train several networks whose mean is the output, and combine them."),
    "calibrate": ("calibrate:calibrate", "Fit how far a bundle's results can be trusted."),
    "reproduce": ("reproduce:reproduce", "List all numbers in a bundle's README and measure them again."),
    "situations": ("situations:situations", "Test the vertebrae on phantoms of hard situations."),
    "bench": ("bench:bench", "Measure the time of every stage, and peak memory."),
    "verify": ("verify:verify", "Check a bundle or a zip, and show what in it is not ours."),
    "pack": ("pack:pack", "Pack a bundle into one zip that needs nothing from this repository."),
    "keys": ("keys:keys", "Make a key pair to sign bundles with."),
    "unpack": ("unpack:unpack", "Unpack a shared bundle safely."),
    "convert-weights": ("convert_weights:convert_weights", "Convert published weights to one of our checkpoints."),
    "sync": ("sync:sync", "Write the files that all bundles share into each of them."),
    "demo": ("demo:demo", "Run the shipped bundles on sample images and phantoms."),
}


class Commands(TyperGroup):
    """Knows the names and lines of all commands, and imports the one that is typed."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=line) for name, (_, line) in COMMANDS.items()}

    def resolve_command(self, context: Any, arguments: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(context, arguments)
        return name, command and load(name), rest


def load(name: str) -> Any:
    """Import a command and return it as its own help shows it."""
    found = resolve_name(f"{__package__}.{COMMANDS[name][0]}")
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        single.command(name)(found)
        found = single
    command = get_command(found)
    command.name = name
    return command
