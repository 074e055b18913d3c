"""``python -m tools``"""

import logging
import warnings

from .cli.app import main

# Libraries report decoders that are not installed; errors of cases are printed.
logging.disable(logging.WARNING)
warnings.filterwarnings("ignore", message="NvImgCodec")
main()
