"""Publishes a task for each recipient.

python -m bench.outbound.publish URL RECIPIENTS
"""

from __future__ import annotations

import sys

from bench.outbound.tasks import app, send
from geoalert.operations.demo_story import WATER

if __name__ == "__main__":
    text = WATER["mr"]
    body = f"{text['description']}\n\n{text['instruction']}"
    with app.producer_or_acquire() as producer:
        for number in range(int(sys.argv[2])):
            send.apply_async((sys.argv[1], f"bench-token-{number:07d}", text["headline"], body), producer=producer)
