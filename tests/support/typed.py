"""Commands as users type them, run in this process, which spares each the import of torch."""

import logging
import os
import runpy
import shlex
import shutil
import sys

from tools.bundles import _forget_scripts
from tools.cli import app as cli


def run(command: str) -> int:
    """Run ``axial``, ``python -m monai.bundle`` or ``cp``; return the exit code."""
    program, *arguments = shlex.split(command)
    path, hook, root = list(sys.path), sys.excepthook, (list(logging.root.handlers), logging.root.level)
    try:
        if program == "cp":
            shutil.copyfile(*arguments)
        elif program == "axial":
            sys.argv = ["axial", *arguments]
            cli.main()
        else:
            assert [program, *arguments[:2]] == ["python", "-m", "monai.bundle"], command
            sys.argv = ["monai.bundle", *arguments[2:]]
            runpy.run_module("monai.bundle", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.path[:], sys.excepthook = path, hook
        logging.root.handlers[:], level = root  # a bundle's logging.conf writes to this test's output, which is closed after it
        logging.root.setLevel(level)
        _forget_scripts()
        for place in [place for place in sys.path_importer_cache if not os.path.isabs(place)]:
            del sys.path_importer_cache[place]  # the same words mean another folder where the next test works
    return 0
