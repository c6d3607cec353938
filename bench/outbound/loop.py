"""pyfcm as its page shows it: one `notify` after another. Prints the seconds it took.

python -m bench.outbound.loop CREDENTIALS RECIPIENTS
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from google.oauth2.credentials import Credentials
from pyfcm import FCMNotification

from geoalert.operations.demo_story import WATER
from geoalert.sandbox.credentials import read_credentials


class Free(Credentials):
    """A credential that needs no asking: only the sending is measured."""

    def refresh(self, request: object) -> None:  # noqa: ARG002 - the signature is theirs
        self.token = "t"  # noqa: S105 - of nobody


def main(credentials: Path, recipients: int) -> float:
    sandbox = read_credentials(credentials)
    text = WATER["mr"]
    push = FCMNotification(project_id=sandbox.project, credentials=Free("t"))  # type: ignore[no-untyped-call]
    address = f"{sandbox.fcm_endpoint}/{sandbox.project}/messages:send"
    push._fcm_end_point = address  # noqa: SLF001 - it has no setting for the address
    begun = time.perf_counter()
    for number in range(recipients):
        push.notify(
            fcm_token=f"bench-token-{number:07d}",
            notification_title=text["headline"],
            notification_body=f"{text['description']}\n\n{text['instruction']}",
            data_payload={"message": "loop"},
        )
    return time.perf_counter() - begun


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), int(sys.argv[2])))
