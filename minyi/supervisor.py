"""The one process manager: starts our service and Rasa, restarts what dies, and leaves nothing behind when it stops.

Children get their own session, so that Ctrl-C reaches this process only, and a death signal from the kernel, so that even ``kill -9`` of
this process leaves no orphan.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO

import httpx
import yaml

from minyi import dialogue
from minyi.keys import Keys
from minyi.settings import Settings
from nlu.errors import MinyiError

CANNOT_START = 3  # exit status of a child that has said on stderr why it will never start
_PDEATHSIG = 1
_GRACE = 12.0  # seconds a child has to stop by itself
_KEEP_LOG = 20 * 1024 * 1024


class CannotStart(MinyiError):
    """The service cannot be started; the message says what to do."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check_port(host: str, port: int) -> None:
    """Raises :class:`CannotStart` when nobody may listen there."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        raise CannotStart(f"MINYI_HOST={host}: not an address of this machine; use 127.0.0.1 or 0.0.0.0") from None
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except PermissionError:
            raise CannotStart(
                f"port {port}: this user may not listen on it; choose one above 1023 with MINYI_PORT"
            ) from None
        except OSError as error:
            raise CannotStart(
                f"port {port} on {host} cannot be used ({error.strerror}); stop what listens there, or choose another with MINYI_PORT=…"
            ) from None


def check_disk(settings: Settings) -> None:
    """Raises :class:`CannotStart` when the data folder cannot take what residents write."""
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        probe = settings.data / f".probe.{os.getpid()}"
        probe.write_bytes(b"\0" * 4096)
        probe.unlink()
        free = shutil.disk_usage(settings.data).free // 2**20
    except OSError as error:
        raise CannotStart(
            f"MINYI_DATA={settings.data}: cannot be written ({error.strerror}); choose another folder or free space"
        ) from None
    if free < settings.min_free_mb:
        raise CannotStart(
            f"MINYI_DATA={settings.data}: only {free} MB free, {settings.min_free_mb} MB are needed; free space or set MINYI_DATA"
        )


def _leash() -> None:
    """In the child, before exec: die with the parent."""
    ctypes.CDLL(None, use_errno=True).prctl(_PDEATHSIG, signal.SIGKILL)


@dataclass
class Child:
    """One supervised process. ``alive()`` asks it whether it still answers; ``strikes`` counts refusals in a row."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    alive: Callable[[], bool]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: list[float] = field(default_factory=list)
    answered: bool = False
    strikes: int = 0
    next_start: float = 0.0

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > _KEEP_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=_leash,
            )
        self.started, self.answered, self.strikes = time.monotonic(), False, 0

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Supervisor:
    """Runs until a signal comes. ``tell`` receives lines for the operator."""

    def __init__(self, settings: Settings, tell: Callable[[str], None]) -> None:
        self.settings, self._tell = settings, tell
        self._stopping = False
        self._lock: IO[str] | None = None
        self.ready = False

    def prepare(self) -> None:
        """Checks everything that can be checked before a process is started. Raises a :class:`MinyiError`."""
        settings = self.settings
        check_disk(settings)
        check_port(settings.host, settings.port)
        archive = dialogue.check(settings)
        if not settings.rasa_python.is_file():
            raise CannotStart(
                f"{settings.rasa_python}: the dialogue engine's interpreter is missing; run `make install`"
            )
        run = settings.data / "run"
        run.mkdir(parents=True, exist_ok=True)
        self._lock = (run / "lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(
                f"MINYI_DATA={settings.data}: another `minyi up` already runs on this folder; stop it or set MINYI_DATA"
            ) from None
        keys = Keys.load(settings)
        port = settings.rasa_port or free_port()
        check_port("127.0.0.1", port)
        self._engine_url = f"http://127.0.0.1:{port}"
        _write(
            run / "endpoints.yml",
            {
                "action_endpoint": {"url": f"{settings.url}/actions/webhook", "token": keys.engine},
                "tracker_store": {
                    "type": "SQL",
                    "dialect": "sqlite",
                    "db": str((settings.data / "dialogue.sqlite").resolve()),
                },
            },
        )
        _write(run / "credentials.yml", {"bot.engine.door.Door": {"token": keys.engine}})
        logs = settings.data / "logs"
        own = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.service = Child(
            "minyi",
            [
                sys.executable,
                "-m",
                "minyi",
                "serve",
                "--engine",
                self._engine_url,
                "--host",
                settings.host,
                "--port",
                str(settings.port),
            ],
            own,
            logs / "minyi.log",
            lambda: answers(f"{settings.url}/healthz"),
        )
        self.engine = Child(
            "dialogue",
            [
                str(settings.rasa_python),
                "-m",
                "bot.engine.run",
                "run",
                "--model",
                str(archive.resolve()),
                "--endpoints",
                str((run / "endpoints.yml").resolve()),
                "--credentials",
                str((run / "credentials.yml").resolve()),
                "--interface",
                "127.0.0.1",
                "--port",
                str(port),
            ],
            dialogue.engine_environment(),
            logs / "dialogue.log",
            lambda: answers(f"{self._engine_url}/webhooks/minyi/"),
        )

    def run(self) -> int:
        """Starts and watches; the exit status for the shell: 0 after a signal, 1 when it cannot go on."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._signalled)
        children = [self.engine, self.service]
        try:
            for child in children:
                child.start()
            checked = 0.0
            while not self._stopping:
                time.sleep(0.1)
                for child in children:
                    if not self._watch(child):
                        return 1
                if time.monotonic() - checked > (5.0 if self.ready and all(c.answered for c in children) else 0.3):
                    checked = time.monotonic()
                    self._look(children)
            self._tell("正在停止 stopping …")
            return 0
        finally:
            self._end(children)

    def _signalled(self, *_: object) -> None:
        self._stopping = True

    def _watch(self, child: Child) -> bool:
        """Restarts a child that died; False when it never will start."""
        if child.process is None:
            if time.monotonic() >= child.next_start:
                child.start()
            return True
        status = child.process.poll()
        if status is None:
            return True
        if status == CANNOT_START:
            self._tell(_last_line(child.log))  # the child has said why
            return False
        now = time.monotonic()
        child.deaths = [t for t in child.deaths if now - t < 120] + [now]
        if not child.answered and len(child.deaths) >= 3:
            self._tell(
                f"{child.name} ended three times before it answered (exit {status}); last words: {_last_line(child.log)} (log: {child.log})"
            )
            return False
        wait = min(15.0, 0.5 * 2 ** (len(child.deaths) - 1))
        self._tell(f"{child.name} ended (exit {status}); starting it again in {wait:g} s (log: {child.log})")
        child.process, child.next_start = None, now + wait
        return True

    def _look(self, children: list[Child]) -> None:
        for child in children:
            if child.process is None:
                continue
            if child.alive():
                child.answered, child.strikes = True, 0
            elif child.answered:
                child.strikes += 1
                if child.strikes >= 6:
                    self._tell(f"{child.name} does not answer; starting it again (log: {child.log})")
                    child.kill()
        if not self.ready and all(c.answered for c in children) and answers(f"{self.settings.url}/readyz"):
            self.ready = True
            self._tell(self._addresses())

    def _addresses(self) -> str:
        url, settings = self.settings.url, self.settings
        wechat = f"{url}/wechat" if settings.wechat_token else "off (set MINYI_WECHAT_TOKEN)"
        return (
            f"ready 就绪\n  聊天页面 chat     {url}/\n  坐席台   desk     {url}/desk   (add an agent: minyi user add NAME)\n"
            f"  接口     API      {url}/api/docs\n  微信     WeChat   {wechat}\n  数据     data     {settings.data}\n  Ctrl-C stops everything."
        )

    def _end(self, children: list[Child]) -> None:
        for child in children:
            child.stop()
        until = time.monotonic() + _GRACE
        while time.monotonic() < until and any(c.process and c.process.poll() is None for c in children):
            time.sleep(0.05)
        for child in children:
            child.kill()
        if self._lock:
            self._lock.close()


def _write(path: Path, content: dict[str, object]) -> None:
    """Readable by the owner only: it holds a token."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        yaml.safe_dump(content, file)


@lru_cache(maxsize=1)
def _http() -> httpx.Client:
    return httpx.Client(timeout=3.0, trust_env=False)  # one for all: making one costs 50 ms


def answers(url: str) -> bool:
    """Whether ``url`` says 200 within three seconds."""
    try:
        return _http().get(url).status_code == 200
    except httpx.HTTPError:
        return False


def _last_line(log: Path) -> str:
    try:
        lines = [line for line in log.read_bytes()[-8192:].decode("utf-8", "replace").splitlines() if line.strip()]
    except OSError:
        return "(no log)"
    return lines[-1].strip() if lines else "(no log)"
