"""pyfcm as its page shows it: one `notify` after another. Prints the seconds it took.

python -m bench.outbound.loop CREDENTIALS RECIPIENTS
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from pyfcm import FCMNotification
from pyfcm.baseapi import BaseAPI

from geoalert.operations.demo_story import WATER
from geoalert.sandbox.credentials import read_credentials


def main(credentials: Path, recipients: int) -> float:
    sandbox = read_credentials(credentials)
    BaseAPI.FCM_END_POINT_BASE = sandbox.fcm_endpoint
    text = WATER["mr"]
    push = FCMNotification(service_account_file=None, project_id=sandbox.project, credentials=_free())
    push.fcm_end_point = f"{sandbox.fcm_endpoint}/{sandbox.project}/messages:send"
    begun = time.perf_counter()
    for number in range(recipients):
        push.notify(
            fcm_token=f"bench-token-{number:07d}",
            notification_title=text["headline"],
            notification_body=f"{text['description']}\n\n{text['instruction']}",
            data_payload={"message": "loop"},
        )
    return time.perf_counter() - begun


class _Free:
    """A credential that needs no asking: only the sending is measured."""

    token = "t"  # noqa: S105 - of nobody
    valid = True

    def refresh(self, request: object) -> None:
        del request


def _free() -> _Free:
    return _Free()


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), int(sys.argv[2])))
