"""How fast it is on this machine: ``make bench`` or ``python -m bench.speed``. Writes ``docs/speed.json`` and prints.

Starts the whole service over an empty data folder, talks to it as residents and agents do, and measures from outside. Times are
milliseconds of wall clock unless a name says otherwise.
"""

from __future__ import annotations

import json
import os
import resource
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import httpx

from minyi.reader import open_reader
from minyi.settings import ROOT, load_settings
from minyi.supervisor import answers, free_port
from nlu.training.dataset import load_examples

TOKEN = secrets.token_hex(16)
TALK = (
    "你好",
    "南山区粤海街道科技园这边的路灯坏了三盏，晚上看不见路",
    "昨天晚上开始的",
    "社保卡丢了怎么补办",
    "不留",
    "确认",
    "谢谢",
)


def main() -> int:
    settings = load_settings()
    texts = [e.text for e in load_examples(sorted((settings.training_data / "complaints").glob("*.csv")), None)]
    report: dict[str, object] = {"cores": os.cpu_count(), "reader": reader_speed(texts[:: len(texts) // 400][:400])}
    with tempfile.TemporaryDirectory(prefix="minyi-speed-") as folder, running(Path(folder)) as (url, ready_s):
        report["start_to_ready_s"] = ready_s
        report["talk"] = talk_speed(url)
        report["talk_by_8_at_once"] = talk_speed(url, 8)
        report["api_read"] = api_speed(url, texts[::50][:100])
    report["peak_memory_mib"] = {
        "this process with the reader": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "largest process of the service": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
    }
    (ROOT / "docs" / "speed.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(json.dumps(report, ensure_ascii=False, indent=1))
    return 0


def summary(times: list[float]) -> dict[str, float]:
    """Seconds → count, median and 95th percentile in milliseconds."""
    ordered = [1000 * t for t in times]
    return {
        "count": len(ordered),
        "median": round(median(ordered), 1),
        "p95": round(quantiles(ordered, n=20)[-1], 1) if len(ordered) > 1 else round(ordered[0], 1),
    }


def timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def reader_speed(texts: list[str]) -> dict[str, object]:
    """One text at a time, as for a resident who waits, and many at once, as for a file."""
    reader = open_reader(load_settings())
    reader.warm_up()
    alone = [timed(lambda text=text: reader.read(text)) for text in texts[:100]]  # type: ignore[misc]
    many = timed(lambda: list(reader.read_many(texts)))
    return {
        "one": summary(alone),
        "many_texts_a_second": round(len(texts) / many, 1),
        "mean_characters": round(sum(map(len, texts)) / len(texts)),
    }


@contextmanager
def running(data: Path) -> Iterator[tuple[str, float]]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "MINYI_DATA": str(data),
        "MINYI_PORT": str(port),
        "MINYI_API_TOKEN": TOKEN,
        "MINYI_HOST": "127.0.0.1",
    }
    started = time.monotonic()
    with (data / "up.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "minyi", "up"], env=environment, stdout=log, stderr=log)
    try:
        while not answers(f"{url}/readyz"):
            if process.poll() is not None or time.monotonic() - started > 120:
                raise SystemExit(f"the service did not get ready:\n{(data / 'up.log').read_text('utf-8')}")
            time.sleep(0.1)
        yield url, round(time.monotonic() - started, 1)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def talk_speed(url: str, residents: int = 1) -> dict[str, object]:
    """A whole talk to the ticket, three times by each resident; one figure a message."""

    def one(_: int) -> list[float]:
        times = []
        for _ in range(3):
            with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
                for text in TALK:
                    body = {"text": text, "id": secrets.token_hex(8)}
                    times.append(timed(lambda body=body: http.post("/chat/messages", json=body).raise_for_status()))  # type: ignore[misc]
        return times

    started = time.perf_counter()
    with ThreadPoolExecutor(residents) as pool:
        times = [t for each in pool.map(one, range(residents)) for t in each]
    return {**summary(times), "messages_a_second": round(len(times) / (time.perf_counter() - started), 1)}


def api_speed(url: str, texts: list[str]) -> dict[str, float]:
    with httpx.Client(base_url=url, timeout=60, trust_env=False, headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        return summary(
            [
                timed(lambda text=text: http.post("/api/v1/read", json={"text": text}).raise_for_status())  # type: ignore[misc]
                for text in texts
            ]
        )


if __name__ == "__main__":
    sys.exit(main())
