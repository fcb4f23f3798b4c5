"""Our side of the door into Rasa."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from bot.inbound import Inbound


class EngineDown(Exception):
    """Rasa cannot be reached: it is starting, restarting or gone."""


class EngineFailed(Exception):
    """Rasa was reached and could not work the message through."""


@dataclass(frozen=True)
class Spoken:
    """What the dialogue says to one message; ``active`` tells whether a question is open."""

    replies: list[str]
    intent: str | None
    active: bool


class EngineClient:
    """``url`` is Rasa's address on loopback; one connection pool, no proxy from the environment."""

    def __init__(self, url: str, token: str, patience: float = 30.0) -> None:
        self._token = token
        self._http = httpx.AsyncClient(base_url=url, timeout=httpx.Timeout(patience, connect=2.0), trust_env=False)

    async def say(self, message: Inbound, metadata: dict[str, Any]) -> Spoken:
        """Raises :class:`EngineDown` or :class:`EngineFailed`."""
        body = {
            "sender": message.conversation,
            "text": message.text,
            "message_id": message.message_id,
            "metadata": metadata,
        }
        answer = await self._post("/webhooks/minyi/message", body)
        return Spoken(list(answer["replies"]), answer.get("intent"), bool(answer.get("active")))

    async def undo(self, message: Inbound) -> None:
        """Takes back what the dialogue did with ``message``."""
        await self._post("/webhooks/minyi/undo", {"sender": message.conversation, "message_id": message.message_id})

    async def ready(self) -> bool:
        try:
            return (await self._http.get("/webhooks/minyi/", timeout=2.0)).status_code == 200
        except httpx.HTTPError:
            return False

    async def close(self) -> None:
        await self._http.aclose()

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = await self._http.post(path, json=body, headers={"X-Minyi-Token": self._token})
        except httpx.TimeoutException as error:
            raise EngineFailed(f"no answer in time ({type(error).__name__})") from error
        except httpx.HTTPError as error:
            raise EngineDown(f"{type(error).__name__}") from error
        if answer.status_code != 200:
            raise EngineFailed(f"status {answer.status_code}")
        return dict(answer.json())
