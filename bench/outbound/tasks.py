"""The same requests as Celery tasks, one for each recipient, as its own documentation would have it."""

from __future__ import annotations

import os
import threading

import requests
from celery import Celery  # type: ignore[import-not-found,unused-ignore]  # only where it is measured

app = Celery("bench", broker=os.environ.get("BENCH_BROKER", "amqp://guest@127.0.0.1//"))
app.conf.update(task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=16)
LOCAL = threading.local()
HEADERS = {"Authorization": "Bearer t", "Content-Type": "application/json"}


@app.task  # type: ignore[untyped-decorator]  # celery ships no types
def send(url: str, token: str, title: str, body: str) -> None:
    """One recipient."""
    if not hasattr(LOCAL, "session"):
        LOCAL.session = requests.Session()
    message = {"token": token, "notification": {"title": title, "body": body}, "data": {"message": "celery"}}
    LOCAL.session.post(url, json={"message": message}, headers=HEADERS, timeout=10).raise_for_status()
