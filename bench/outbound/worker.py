"""geoalert's worker, with the bench's number of requests in flight. Says when it is ready.

python -m bench.outbound.worker IN_FLIGHT RATE
"""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import replace

from geoalert.bootstrap import open_house
from geoalert.bootstrap.long_lived import settle
from geoalert.dispatch.channels.push_fcm import FcmPush
from geoalert.dispatch.worker import work
from geoalert.sandbox.credentials import read_credentials


async def main(in_flight: int, rate: float) -> None:
    async with open_house() as house:
        assert house.settings.sandbox.credentials is not None
        sandbox = read_credentials(house.settings.sandbox.credentials)
        push = FcmPush(
            sandbox.service_account, endpoint=sandbox.fcm_endpoint, rate=rate, in_flight=in_flight, rehearsal=True
        )
        await push.check()
        courier = replace(house.courier(), channels={"fcm": push})
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, courier.stopping.set)
        settle()  # as the command does
        print("ready", flush=True)
        await work(courier, house.desk.engine)
        await push.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
