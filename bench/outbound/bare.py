"""The channel alone: the same requests, nothing written down. Prints the seconds it took.

python -m bench.outbound.bare CREDENTIALS RECIPIENTS IN_FLIGHT [settled]

With `settled` the garbage collector is set as our worker sets it: what is left between the two is the ledger's.
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from geoalert.bootstrap.long_lived import settle
from geoalert.dispatch.channels import Chunk, Delivery, Notice
from geoalert.dispatch.channels.push_fcm import FcmPush
from geoalert.dispatch.engine.seam import CONCURRENCY
from geoalert.operations.demo_story import WATER
from geoalert.sandbox.credentials import read_credentials

CHUNK = 500


async def main(credentials: Path, recipients: int, in_flight: int, *, settled: bool) -> float:
    sandbox = read_credentials(credentials)
    channel = FcmPush(
        sandbox.service_account, endpoint=sandbox.fcm_endpoint, rate=1e6, in_flight=in_flight, rehearsal=True
    )
    now = datetime.now(UTC)
    text = WATER["mr"]
    notice = Notice(
        alert="bare",
        message="bare",
        revision=1,
        msg_type="Alert",
        language="mr",
        category="water-supply",
        severity="Moderate",
        headline=text["headline"],
        description=text["description"],
        instruction=text["instruction"],
        expires=now + timedelta(hours=6),
        link="",
    )
    chunks = iter(range(0, recipients, CHUNK))

    async def lane() -> None:
        for start in chunks:
            some = [
                Delivery(f"bench-token-{n:07d}", "token", f"{n}.0.{'x' * 32}", str(n))
                for n in range(start, min(start + CHUNK, recipients))
            ]
            await channel.send(Chunk(channel.prepare(notice), some, notice.expires, now))

    await channel.check()  # the token is there
    if settled:
        settle()
    begun = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(CONCURRENCY["routine"])))
    taken = time.perf_counter() - begun
    await channel.close()
    return taken


if __name__ == "__main__":
    print(asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), settled=len(sys.argv) > 4)))
