"""``python -m vjnode``."""

import sys

from vjnode.cli import main

sys.exit(main())
