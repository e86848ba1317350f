"""The command line as `python -m wsconform`."""

import sys

from .cli import main

sys.exit(main())
