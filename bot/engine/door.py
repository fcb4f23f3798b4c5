"""The only way into Rasa: our process posts a message with its reading, and gets what the bot says.

``POST /webhooks/minyi/message`` with the token in ``X-Minyi-Token`` and JSON ``{sender, text, message_id, metadata}`` →
``{"replies": [text, …], "intent": name, "active": bool}``.

A message id that the conversation has already seen is a second try after a crash: its turn, half done or whole, is taken back first and
done again. What a turn changes outside the conversation is keyed by the message, so the second time changes nothing there.
"""

from __future__ import annotations

import copy
import hmac
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, UserMessage
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.events import ActionExecuted, Event, Restarted, SlotSet, UserUttered
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
    if _latest(tracker, 1) == [message_id]:
        logger.info("message seen before: its turn is taken back and done again")
        _take_back(tracker, agent.domain)
        await agent.tracker_store.save(tracker)
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


def _take_back(tracker: Any, domain: Any) -> None:
    """Puts the conversation back to where it stood before the resident's last message.

    Rasa's own way, ``UserUtteranceReverted``, goes by the events that still count; of a form these are only its beginning, so it would
    take the whole form back. Here what came before is told again after a restart.
    """
    before = _since_restart(tracker)
    while not isinstance(before.pop(), UserUttered):
        pass
    if not (before and isinstance(before[-1], ActionExecuted) and before[-1].action_name == ACTION_LISTEN_NAME):
        before.append(ActionExecuted(ACTION_LISTEN_NAME))
    tracker.update(Restarted(), domain)
    started = time.time()
    for number, event in enumerate(before):
        again = copy.deepcopy(event)
        again.timestamp = started + number * 1e-5  # the store reads events in the order of their times
        tracker.update(again, domain)


def _since_restart(tracker: Any) -> list[Event]:
    events = list(tracker.events)
    restarts = [i for i, event in enumerate(events) if isinstance(event, Restarted)]
    return events[restarts[-1] + 1 :] if restarts else events


def _latest(tracker: Any, most: int) -> list[str]:
    """Ids of the resident's last messages, newest first."""
    said = [event.message_id for event in reversed(_since_restart(tracker)) if isinstance(event, UserUttered)]
    return said[:most]
