"""Publishes a task for each recipient. Runs in the rivals' own environment, without geoalert.

python -m bench.outbound.publish URL TITLE BODY RECIPIENTS
"""

from __future__ import annotations

import sys

from bench.outbound.tasks import app, send

if __name__ == "__main__":
    url, title, body, recipients = sys.argv[1:]
    with app.producer_or_acquire() as producer:
        for number in range(int(recipients)):
            send.apply_async((url, f"bench-token-{number:07d}", title, body), producer=producer)
