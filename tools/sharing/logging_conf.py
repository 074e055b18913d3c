"""Review logging.conf, whose classes and arguments Python evaluates."""

import ast
import configparser
import re
from collections.abc import Iterator

from .configs import Finding
from .ours import is_ours

LARGEST = 64 * 2**10
LEVELS = {"NOTSET", "DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL"}
CLASSES = {"StreamHandler", "logging.StreamHandler", "NullHandler", "logging.NullHandler"}
FILES = {"FileHandler", "logging.FileHandler"}
ARGUMENTS = re.compile(r"\(\s*\)|\(\s*sys\.std(out|err)\s*,\s*\)")
NAMES = re.compile(r"[\w.,\s-]*", re.ASCII)
VALUES = {  # of each kind of section: what an option may hold
    "loggers": {"keys": NAMES},
    "handlers": {"keys": NAMES},
    "formatters": {"keys": NAMES},
    "logger": {"handlers": NAMES, "qualname": NAMES, "propagate": re.compile("0|1")},
    "handler": {"formatter": NAMES},
    "formatter": {"format": re.compile(r"[^{}]*"), "datefmt": re.compile(r"[^{}]*"), "style": re.compile("%")},
}


def review_logging(name: str, content: bytes) -> Iterator[Finding]:
    """Yield what does not pass in a logging.conf: other classes than those that print, and arguments that are no literals.

    Args:
        name: of the file.
        content: its bytes.
    """
    if is_ours(name, content):
        return
    parser = configparser.RawConfigParser()
    try:
        if len(content) > LARGEST:
            raise ValueError("too long")
        parser.read_string(content.decode("ascii"))
    except (ValueError, configparser.Error) as error:
        yield Finding(name, "", "file", f"cannot be read ({type(error).__name__})")
        return
    if parser.defaults():
        yield Finding(name, "DEFAULT", "section", "adds to every other section")
    for section in parser.sections():
        kind = section.partition("_")[0]
        if kind not in VALUES:
            yield Finding(name, section, "section", "is none of logging's")
            continue
        for option, value in parser.items(section):
            if reason := _reason(kind, option, value, parser[section]):
                yield Finding(name, f"{section}.{option}", value, reason)


def _reason(kind: str, option: str, value: str, section: configparser.SectionProxy) -> str:
    if option == "level":
        return "" if value in LEVELS and kind in ("logger", "handler") else "is no level"
    if kind == "handler" and option == "class":
        return "" if value in CLASSES | FILES else "is a class other than those that print"
    if kind == "handler" and option == "args":
        if section.get("class") in FILES:
            return "" if _is_plain_file(value) else "writes outside the folder"
        return "" if ARGUMENTS.fullmatch(value) else "is evaluated"
    allowed = VALUES[kind].get(option)
    if allowed is None:
        return "is an option that is evaluated, or unknown"
    return "" if allowed.fullmatch(value) else "holds other characters than it may"


def _is_plain_file(text: str) -> bool:
    """Tell whether arguments of a file handler are literals, and name a log file in the folder where the bundle runs."""
    try:
        arguments = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return False
    if not isinstance(arguments, tuple) or not 1 <= len(arguments) <= 2 or not all(isinstance(part, str) for part in arguments):
        return False
    return bool(re.fullmatch(r"\w[\w-]*\.log", arguments[0], re.ASCII)) and arguments[1:] in ((), ("a",), ("w",))
