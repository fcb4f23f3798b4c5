"""From a message to what is answered, the same for every channel.

A message is written down before anything else; it is read once; a danger is answered with whom to call whatever happens later; then
the dialogue speaks. Messages of one sender are worked through one after another. What could not be answered in time stays written
down, is worked through when the dialogue is back, and its answer is handed over with the next contact.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio.to_thread

from bot.actions.context import BotContext
from bot.actions.server import ActionServer
from bot.engine_client import EngineClient, EngineDown, EngineFailed, Spoken
from bot.inbound import Inbound
from bot.packed import pack
from bot.wording import say
from desk import inbox
from desk.database import Database
from nlu.reading import Reading
from nlu.text import mask
from nlu.urgency import Cues

logger = logging.getLogger(__name__)

MOST_TEXT = 4000  # characters of one message
_FORGET = timedelta(hours=24)  # older unanswered messages are left to the agents
_RETRY_EVERY = 1.0
_FEW_WORDS, _SURE_OF_DANGER = 12, 0.68  # in so short a text without a cue an alarm needs this chance …
# … but never here: who is ill, or says "撑不下去了" in a few letters, is answered, even if once too often
_NEVER_CALMED = {"self_harm", "medical", "food_poisoning"}


@dataclass(frozen=True)
class _Turn:
    """One message being worked through: its reading comes first, the answer when the dialogue has spoken."""

    read: asyncio.Task[tuple[Reading, dict[str, Any]]]
    answer: asyncio.Task[tuple[str, ...]]


@dataclass(frozen=True)
class Reply:
    """``texts`` to show, in order. ``pending`` means the dialogue has not spoken yet and will later."""

    texts: tuple[str, ...] = ()
    pending: bool = False


def sober(reading: Reading, cues: Cues) -> Reading:
    """Without an alarm that a few calm words raised: they name no danger, and the model is not sure of one."""
    urgency = reading.urgency
    if urgency.hazard is None or urgency.hazard in _NEVER_CALMED:
        return reading
    if len(reading.text) > _FEW_WORDS or urgency.confidence >= _SURE_OF_DANGER or cues.match(reading.text):
        return reading
    return replace(reading, urgency=replace(urgency, level="normal", hazard=None, advice=None, reasons=()))


class Conversation:
    """Answers messages. ``patience`` seconds are given to a dialogue that is down before the resident is told so."""

    def __init__(self, actions: ActionServer, engine: EngineClient, patience: float = 1.2) -> None:
        self._actions, self._engine, self._patience = actions, engine, patience
        self._locks: dict[str, asyncio.Lock] = {}
        self._running: dict[tuple[str, str], _Turn] = {}
        self._down = asyncio.Event()  # set while the dialogue cannot be reached
        self._closing = False

    @property
    def database(self) -> Database:
        return self._context.database

    @property
    def _context(self) -> BotContext:
        return self._actions.context

    async def handle(self, message: Inbound, deadline: float) -> Reply:
        """What to say to ``message`` within ``deadline`` seconds. Never raises for anything a resident may send."""
        loop = asyncio.get_running_loop()
        until = loop.time() + deadline
        message = replace(message, text=message.text.strip()[: MOST_TEXT + 1])
        if len(message.text) > MOST_TEXT:
            return Reply((say("too_long", most=MOST_TEXT),))
        row, is_new, reply = await self._write_down(message)
        if not is_new and reply is not None:
            await self._delivered(row)
            return Reply(tuple(reply))
        turn = self._turn(row, message)
        down = asyncio.create_task(self._told_down())
        try:
            await asyncio.wait(
                {turn.answer, down}, timeout=max(0.05, until - loop.time()), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            down.cancel()
        if turn.answer.done():
            late = await self.late(message.channel, message.sender, but=row)
            await self._delivered(row)
            return Reply((*late, *turn.answer.result()))
        urgent = self._advice(turn.read.result()[0]) if turn.read.done() else ()
        if self._down.is_set():
            return Reply((*urgent, say("engine_down")), pending=True)
        return Reply(urgent, pending=True)

    def is_alarm(self, text: str) -> bool:
        """Whether a reply says whom to call in a danger."""
        return any(text == hazard.advice for hazard in self._context.catalogue.hazards.values())

    async def late(self, channel: str, sender: str, but: int | None = None) -> tuple[str, ...]:
        """Answers that were ready too late for their own message; each is handed over once. ``but`` is a row left out."""

        def take() -> tuple[str, ...]:
            with self._context.database.session() as session:
                rows = [row for row in inbox.undelivered(session, channel, sender) if row.id != but]
                texts = tuple(text for row in rows for text in row.reply or [])
                inbox.mark_delivered(session, [row.id for row in rows])
                return texts

        return await anyio.to_thread.run_sync(take)

    async def recover(self) -> None:
        """Takes up what was written down and not answered before a stop. To be awaited before any channel is open: what a resident
        says next must come after it."""

        def left() -> list[tuple[int, Inbound]]:
            with self._context.database.session() as session:
                rows = inbox.unanswered(session, datetime.now(UTC) - _FORGET)
                return [(r.id, Inbound(r.channel, r.sender, r.message_id, r.text)) for r in rows]

        for row, message in await anyio.to_thread.run_sync(left):
            self._turn(row, message)

    async def close(self) -> None:
        """Stops waiting for the dialogue; unanswered messages stay written down."""
        self._closing = True
        running = [task for turn in self._running.values() for task in (turn.read, turn.answer)]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _write_down(self, message: Inbound) -> tuple[int, bool, list[str] | None]:
        def work() -> tuple[int, bool, list[str] | None]:
            with self._context.database.session() as session:
                row, is_new = inbox.receive(session, message.channel, message.message_id, message.sender, message.text)
                return row.id, is_new, list(row.reply or []) if row.state == "answered" else None

        return await anyio.to_thread.run_sync(work)

    def _turn(self, row: int, message: Inbound) -> _Turn:
        """The turn of ``message`` that runs, or a new one. Turns of one resident are worked through in the order they began."""
        key = (message.channel, message.message_id)
        if key not in self._running:
            read = asyncio.create_task(anyio.to_thread.run_sync(self._understand, message))
            turn = _Turn(read, asyncio.create_task(self._work(row, message, read)))
            self._running[key] = turn
            turn.answer.add_done_callback(lambda _: self._running.pop(key, None))
        return self._running[key]

    def _understand(self, message: Inbound) -> tuple[Reading, dict[str, Any]]:
        """The reading, and what of it the dialogue needs (see ``bot/engine/arbiter.py``)."""
        reading, vector = self._context.reader.read_with_vector(message.text)
        reading = sober(reading, self._context.reader.city.cues)
        found = self._context.knowledge.search(message.text, vector, most=1)
        return reading, {
            "reading": {
                "kind": reading.kind.label,
                "kind_confidence": reading.kind.confidence,
                "department": reading.department,
                "decision": reading.decision,
                "urgency": reading.urgency.level,
                "hazard": reading.urgency.hazard,
                "place": bool(reading.place),
                "time": bool(reading.time),
                "phone": bool(reading.phone),
            },
            "faq": found[0].score if found else 0.0,
            "vector": pack(vector),
        }

    async def _work(
        self, row: int, message: Inbound, read: asyncio.Task[tuple[Reading, dict[str, Any]]]
    ) -> tuple[str, ...]:
        async with self._lock(message.conversation):
            reading, metadata = await read
            earlier = await self._answered(row)
            if earlier is not None:  # a retry came just as the answer was written down
                return earlier
            advice = self._advice(reading)
            try:
                spoken = await self._speak(message, metadata)
                texts = (*advice, *spoken.replies)
            except EngineFailed as error:
                logger.error("the dialogue failed on %s (%s): %s", message.message_id, mask(message.text[:60]), error)
                texts = (*advice, say("engine_failed"))

            def done() -> None:
                with self._context.database.session() as session:
                    inbox.answered(session, row, list(texts), reading.to_dict())

            await anyio.to_thread.run_sync(done)
            return texts

    async def _answered(self, row: int) -> tuple[str, ...] | None:
        def look() -> tuple[str, ...] | None:
            with self._context.database.session(only_reads=True) as session:
                message = inbox.get(session, row)
                return tuple(message.reply or ()) if message.state == "answered" else None

        return await anyio.to_thread.run_sync(look)

    async def _speak(self, message: Inbound, metadata: dict[str, Any]) -> Spoken:
        """Asks the dialogue until it answers; a turn in which an action failed is taken back and tried once more."""
        for attempt in (1, 2):
            spoken = await self._when_up(lambda: self._engine.say(message, metadata))
            if message.message_id not in self._actions.failed:
                return spoken
            self._actions.failed.discard(message.message_id)
            await asyncio.sleep(0.3 * attempt)
        await self._when_up(lambda: self._engine.undo(message))
        raise EngineFailed("an action failed twice")

    async def _when_up(self, call: Callable[[], Awaitable[Any]]) -> Any:
        while True:
            try:
                result = await call()
                self._down.clear()
                return result
            except EngineDown:
                if self._closing:
                    raise asyncio.CancelledError from None
                self._down.set()
                await asyncio.sleep(_RETRY_EVERY)

    async def _told_down(self) -> None:
        await self._down.wait()
        await asyncio.sleep(self._patience)
        while not self._down.is_set():
            await self._down.wait()

    @staticmethod
    def _advice(reading: Reading) -> tuple[str, ...]:
        return (reading.urgency.advice,) if reading.urgency.hazard and reading.urgency.advice else ()

    async def _delivered(self, row: int) -> None:
        def mark() -> None:
            with self._context.database.session() as session:
                inbox.mark_delivered(session, [row])

        await anyio.to_thread.run_sync(mark)

    def _lock(self, conversation: str) -> asyncio.Lock:
        if len(self._locks) > 10_000:
            self._locks = {k: v for k, v in self._locks.items() if v.locked()}
        return self._locks.setdefault(conversation, asyncio.Lock())
