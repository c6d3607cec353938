"""Celery on RabbitMQ with a task for each recipient: from the first publish to the last request at the sink."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.outbound.town import Sink, free_port
from geoalert.operations.demo_story import WATER
from geoalert.sandbox.credentials import read_credentials

PYTHON = Path(__file__).parents[2] / ".rivals" / "bin" / "python"  # celery wants an older dateutil than we do
BROKER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
WORKER = ("-A", "bench.outbound.tasks", "worker", "--pool", "threads", "--concurrency", "32", "--loglevel", "ERROR")


def why_not() -> str:
    """What is missing, or nothing."""
    missing = [] if BROKER.exists() else ["rabbitmq-server"]
    if not PYTHON.exists():
        missing.append("celery (make bench makes an environment for it)")
    return ", ".join(missing)


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """A RabbitMQ of its own on loopback."""
    port, folder = free_port(), folder / "rabbit"
    folder.mkdir()
    env = os.environ | {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"bench{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_MNESIA_BASE": str(folder),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
    }
    process = subprocess.Popen([str(BROKER)], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        for _ in range(240):
            if _greets(port):
                break
            time.sleep(0.25)
        yield f"amqp://guest:guest@127.0.0.1:{port}//"
    finally:
        process.terminate()
        process.wait(60)


def _greets(port: int) -> bool:
    """Whether somebody speaks AMQP there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as wire:
            wire.sendall(b"AMQP\x00\x00\x09\x01")
            return wire.recv(1) == b"\x01"
    except OSError:
        return False


def celery_run(sink: Sink, credentials: Path, folder: Path, recipients: int) -> float:
    """Seconds for all of them, with one worker process of many threads."""
    sandbox = read_credentials(credentials)
    url = f"{sandbox.fcm_endpoint}/{sandbox.project}/messages:send"
    with broker(folder) as address:
        env = os.environ | {"BENCH_BROKER": address}
        worker = subprocess.Popen(  # noqa: S603 - ours
            [str(PYTHON), "-m", "celery", *WORKER],
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            text = WATER["mr"]
            body = f"{text['description']}\n\n{text['instruction']}"
            publish = [str(PYTHON), "-m", "bench.outbound.publish", url, text["headline"], body]
            subprocess.run([*publish, "1"], env=env, check=True)  # noqa: S603 - it is up
            _until(sink, 1)
            sink.forget()
            begun = time.perf_counter()
            subprocess.run([*publish, str(recipients)], env=env, check=True)  # noqa: S603
            _until(sink, recipients)
            return time.perf_counter() - begun
        finally:
            worker.terminate()
            worker.wait(60)


def _until(sink: Sink, count: int) -> None:
    for _ in range(6_000):
        if sink.seen().get("celery", {}).get("requests", 0) >= count:
            return
        time.sleep(0.05)
    raise SystemExit(f"Celery did not send {count}")
