"""The actions as a FastAPI route in our process: Rasa calls it on loopback for every action."""

from __future__ import annotations

import hmac
import json
import logging
import zlib
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection, ActionMissingDomainException, ActionNotFoundException

from bot.actions import form, people, questions, tickets
from bot.actions.context import BotAction, BotContext

logger = logging.getLogger(__name__)
ACTIONS: tuple[type[BotAction], ...] = (
    form.OpenTicket,
    form.OpenOffered,
    form.ValidateTicketForm,
    form.AskDetail,
    form.AskConfirmed,
    questions.AnswerQuestion,
    questions.AnswerChoice,
    tickets.FileTicket,
    tickets.Status,
    tickets.Urge,
    tickets.Cancel,
    tickets.Supplement,
    people.Hazard,
    people.Human,
    people.Decline,
    people.Repeat,
)


class ActionServer:
    """Runs actions and remembers which messages had one fail: Rasa goes on after a failed action as if it had done nothing."""

    def __init__(self, context: BotContext, token: str) -> None:
        self.context, self._token = context, token
        self.failed: set[str] = set()
        self._executor = ActionExecutor()
        for kind in ACTIONS:
            self._executor.register_action(kind(context))

    def router(self) -> APIRouter:
        router = APIRouter()

        @router.post("/actions/webhook", include_in_schema=False)
        async def webhook(request: Request) -> JSONResponse:
            if not hmac.compare_digest(request.query_params.get("token", ""), self._token):
                return JSONResponse({"error": "wrong token"}, 403)
            body = await request.body()
            if request.headers.get("content-encoding") == "deflate":
                body = zlib.decompress(body)
            return await self._run(json.loads(body))

        return router

    async def _run(self, call: dict[str, Any]) -> JSONResponse:
        name = call.get("next_action")
        try:
            result = await self._executor.run(call)
        except ActionExecutionRejection as error:
            return JSONResponse({"error": error.message, "action_name": error.action_name}, 400)
        except ActionNotFoundException as error:
            return JSONResponse({"error": error.message, "action_name": error.action_name}, 404)
        except ActionMissingDomainException as error:  # Rasa asks again with the domain
            return JSONResponse({"error": error.message, "action_name": error.action_name}, 449)
        except Exception:
            latest = call.get("tracker", {}).get("latest_message") or {}
            self.failed.add(str((latest.get("metadata") or {}).get("message_id")))
            logger.exception("action %s failed", name)
            return JSONResponse({"error": "the action failed", "action_name": name}, 500)
        return JSONResponse(result.model_dump() if result else None)
