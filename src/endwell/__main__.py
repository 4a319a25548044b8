"""`python -m endwell` is `endwell`, where the scripts directory is not on PATH."""

import sys

from endwell.cli.main import main

sys.exit(main())
