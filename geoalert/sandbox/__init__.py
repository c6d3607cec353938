"""Stand-ins for providers on this machine: demos, drills and tests without an account or a real phone.

`sandbox_credentials` makes throw-away credentials, `serve` runs all protocols in one process, `running` does so
for the length of a block. What arrived is at `/inbox.json` and, for people, at `/`.
"""

from geoalert.sandbox.app import create_sandbox, listen, running, serve
from geoalert.sandbox.credentials import Credentials, sandbox_credentials
from geoalert.sandbox.faults import Faults

__all__ = ["Credentials", "Faults", "create_sandbox", "listen", "running", "sandbox_credentials", "serve"]
