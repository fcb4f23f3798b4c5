"""A real `minyi up` for tests: our process and Rasa with the shipped models, on free ports, over a fresh data folder."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from minyi.supervisor import free_port

ROOT = Path(__file__).resolve().parent.parent
WECHAT_TOKEN = "test-token"
API_TOKEN = "test-api-token-of-32-characters-x"


@dataclass
class Service:
    """``start`` … ``stop``; the same data folder may be started again."""

    data: Path
    port: int = field(default_factory=free_port)
    extra: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    talkers: list[Talker] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        plain = {k: v for k, v in os.environ.items() if not k.startswith("MINYI_")}
        own = {
            "MINYI_DATA": self.data,
            "MINYI_PORT": self.port,
            "MINYI_WECHAT_TOKEN": WECHAT_TOKEN,
            "MINYI_API_TOKEN": API_TOKEN,
        }
        return {**plain, **{k: str(v) for k, v in own.items()}, **self.extra}

    def start(self, patience: float = 90) -> Service:
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "minyi", "up"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait(patience)
        return self

    def wait(self, patience: float = 90) -> None:
        """Until /readyz says 200. Raises with the log when the service ends or does not get there."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if self.process and self.process.poll() is not None:
                raise AssertionError(f"minyi up ended with {self.process.returncode}:\n{self.logs()}")
            if self.is_ready():
                return
            time.sleep(0.2)
        raise AssertionError(f"not ready within {patience} s:\n{self.logs()}")

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=3, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def logs(self) -> str:
        texts = [
            path.read_text("utf-8", "replace")[-3000:]
            for path in (self.data / "up.log", *self.data.glob("logs/*.log"))
            if path.exists()
        ]
        return "\n----\n".join(texts)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Sends the signal and waits; the exit status."""
        assert self.process
        for talker in self.talkers:
            talker.close()
        self.talkers.clear()
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(30)

    def children(self) -> dict[str, int]:
        """Process numbers of "minyi" and "dialogue"."""
        assert self.process
        found = {}
        for pid in _below(self.process.pid):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            if " serve " in command:
                found["minyi"] = pid
            elif "bot.engine.run" in command:
                found["dialogue"] = pid
        return found

    def talker(self) -> Talker:
        self.talkers.append(Talker(self.url))
        return self.talkers[-1]


class Talker:
    """A resident on the chat page."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def say(self, text: str, message_id: str | None = None) -> list[str]:
        """The replies; an answer that comes late is waited for."""
        answer = self._http.post("/chat/messages", json={"text": text, "id": message_id or secrets.token_hex(8)})
        answer.raise_for_status()
        body = answer.json()
        replies = list(body["replies"])
        until = time.monotonic() + 60
        while body["pending"] and time.monotonic() < until:
            time.sleep(0.5)
            late = self._http.get("/chat/late").json()["replies"]
            if late:
                return [*replies, *late]
        return replies

    def close(self) -> None:
        self._http.close()


def _below(pid: int) -> list[int]:
    """All descendants of a process."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        for child in parents.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found
