"""``python -m vjnode``."""

import sys

from vjnode.cli.main import main

sys.exit(main())
