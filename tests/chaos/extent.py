"""How much of each fault: a little in `make test`, all of it in `make chaos`.

`GEOALERT_TEST_CHAOS=full` asks for all of it; `GEOALERT_TEST_KILLS` for another number of kills a cell.
"""

from __future__ import annotations

import os
from typing import Final

FULL: Final = os.environ.get("GEOALERT_TEST_CHAOS") == "full"
KILLS: Final = int(os.environ.get("GEOALERT_TEST_KILLS") or (100 if FULL else 2))
ENDED: Final = 100_000 if FULL else 1_000  # recipients of messages that have ended before anything left
CANCELS: Final = 50 if FULL else 2
RECEIPTS: Final = 10_000 if FULL else 200
MERGES: Final = 10_000 if FULL else 300
ACKNOWLEDGED = 10_000 if FULL else 200  # requests answered with 2xx while what answers them is killed
PARTED = 60.0 if FULL else 3.0  # seconds for which two cannot reach each other
