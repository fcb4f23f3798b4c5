"""``minyi chat``: the same conversation in the terminal."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import httpx
import typer
from rich.console import Console

from minyi.settings import Settings, load_settings
from minyi.supervisor import answers, free_port
from nlu.errors import MinyiError


class NoService(MinyiError):
    """No running service could be reached or started."""


def chat(
    url: Annotated[
        str | None, typer.Option(help="address of a running service; the settings' own when not given")
    ] = None,
) -> None:
    """Talk to minyi. Uses the running service, or starts one for the time of the talk. End with 退出 or Ctrl-D."""
    settings = load_settings()
    console = Console(highlight=False)
    with _service(settings, url) as base, httpx.Client(base_url=base, timeout=40, trust_env=False) as http:
        for text in http.get("/chat/welcome").json()["replies"]:
            console.print(f"[green]民意[/green]  {text}")
        for line in _lines():
            body = {"text": line, "id": secrets.token_hex(8)}
            try:
                answer = http.post("/chat/messages", json=body)
                answer.raise_for_status()
            except httpx.HTTPError as error:
                raise NoService(
                    f"{base}: the service does not answer ({type(error).__name__}); is `minyi up` still running?"
                ) from None
            replies = answer.json()["replies"]
            waited = 0.0
            while answer.json()["pending"] and not replies and waited < 60:
                time.sleep(1)
                waited += 1
                replies = http.get("/chat/late").json()["replies"]
            for text in replies:
                console.print("[green]民意[/green]  ", end="")
                console.print(text, markup=False)


def _lines() -> Iterator[str]:
    while True:
        try:
            line = input("我    " if sys.stdin.isatty() else "").strip()
        except EOFError:
            return
        if line in ("退出", "exit", "quit"):
            return
        if line:
            yield line


@contextmanager
def _service(settings: Settings, url: str | None) -> Iterator[str]:
    base = url or settings.url
    if answers(f"{base}/readyz"):
        yield base
        return
    if url:
        raise NoService(f"{url}: no service is ready there; start it with `minyi up`")

    port = free_port()
    print("正在启动 starting the service for this talk …", file=sys.stderr)
    process = subprocess.Popen(
        [sys.executable, "-m", "minyi", "up", "--port", str(port)], stderr=subprocess.PIPE, text=True
    )
    base = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 600
        while not answers(f"{base}/readyz"):
            if process.poll() is not None:
                said = (process.stderr.read() if process.stderr else "").strip().splitlines()
                raise NoService(said[-1].removeprefix("minyi: ") if said else "the service could not be started")
            if time.monotonic() > until:
                raise NoService("the service did not become ready within 10 minutes; see the logs in the data folder")
            time.sleep(0.3)
        yield base
    finally:
        process.terminate()
        process.wait(20)
