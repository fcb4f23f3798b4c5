"""The only way into Rasa: our process posts a message with its reading, and gets what the bot says.

``POST /webhooks/minyi/message`` with the token in ``X-Minyi-Token`` and JSON ``{sender, text, message_id, metadata}`` →
``{"replies": [text, …], "intent": name, "active": bool}``.

A message id that the conversation has already seen is a second try after a crash: the half-done turn is taken back first, so that
the message is worked through once.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, UserMessage
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.events import ActionExecuted, SlotSet, UserUtteranceReverted, UserUttered
from sanic import Blueprint, response
from sanic.request import Request

import bot.engine.schema_check  # noqa: F401  (compiles a schema once instead of at every action call)

logger = logging.getLogger(__name__)
_HAZARD_OFFER = 4  # messages: who has called for help comes back to it


class Door(InputChannel):
    """Reached on loopback by our process only."""

    @classmethod
    def name(cls) -> str:
        return "minyi"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> Door:
        token = (credentials or {}).get("token")
        if not token:
            raise ValueError("the minyi channel needs a token in its credentials")
        return cls(str(token))

    def __init__(self, token: str) -> None:
        self._token = token

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        door = Blueprint("minyi_door")

        @door.route("/", methods=["GET"])
        async def health(request: Request) -> Any:
            return response.json({"status": "ok"})

        @door.route("/message", methods=["POST"])
        async def message(request: Request) -> Any:
            if not hmac.compare_digest(request.headers.get("x-minyi-token", ""), self._token):
                return response.json({"error": "wrong token"}, 403)
            body = request.json
            agent = request.app.ctx.agent
            sender, message_id, metadata = body["sender"], body["message_id"], dict(body.get("metadata") or {})
            async with agent.lock_store.lock(sender):
                metadata.update(await _state(agent, sender, message_id))
            metadata["message_id"] = message_id
            out = CollectingOutputChannel()
            await on_new_message(
                UserMessage(body["text"], out, sender, input_channel="minyi", message_id=message_id, metadata=metadata)
            )
            tracker = await agent.tracker_store.retrieve(sender)
            return response.json(
                {
                    "replies": [m["text"] for m in out.messages if m.get("text")],
                    "intent": tracker.latest_message.intent.get("name") if tracker and tracker.latest_message else None,
                    "active": bool(tracker and tracker.active_loop_name),
                }
            )

        @door.route("/undo", methods=["POST"])
        async def undo(request: Request) -> Any:
            if not hmac.compare_digest(request.headers.get("x-minyi-token", ""), self._token):
                return response.json({"error": "wrong token"}, 403)
            agent, sender = request.app.ctx.agent, request.json["sender"]
            async with agent.lock_store.lock(sender):
                await _state(agent, sender, request.json["message_id"])
            return response.json({"status": "ok"})

        return door


async def _state(agent: Any, sender: str, message_id: str) -> dict[str, Any]:
    """What the arbiter must know of the conversation; takes back a half-done turn of the same message."""
    tracker = await agent.tracker_store.retrieve(sender)
    if tracker is None:
        return {}
    last = tracker.get_last_event_for(UserUttered)
    if last is not None and last.message_id == message_id:
        logger.info("message seen before: its turn is taken back and done again")
        tracker.update(UserUtteranceReverted(), agent.domain)
        tracker.update(ActionExecuted(ACTION_LISTEN_NAME), agent.domain)
        await agent.tracker_store.save(tracker)
        last = tracker.get_last_event_for(UserUttered)
    offer = tracker.get_slot("offer") or {}
    if tracker.get_slot("offered") and offer.get("after") not in _latest(
        tracker, _HAZARD_OFFER if offer.get("hazard") else 1
    ):
        tracker.update(
            SlotSet("offered", False), agent.domain
        )  # an offer holds for the very next message, after a danger for some more
        await agent.tracker_store.save(tracker)
    draft = tracker.get_slot("draft") or {}
    return {
        "asked": (draft.get("asked") or "confirmed") if tracker.active_loop_name else None,
        "choices": len(tracker.get_slot("choices") or []),
        "offered": bool(tracker.get_slot("offered")),
        "offered_hazard": bool(tracker.get_slot("offered") and offer.get("hazard")),
    }


def _latest(tracker: Any, most: int) -> list[str]:
    """Ids of the resident's last messages."""
    return [event.message_id for event in reversed(tracker.events) if isinstance(event, UserUttered)][:most]
