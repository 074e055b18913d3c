"""``python -m tools``"""

import logging

from .cli import main

logging.disable(logging.WARNING)  # libraries report decoders that are not installed; errors of cases are printed
main()
