"""``python -m tools``"""

from .cli.app import main

main()
