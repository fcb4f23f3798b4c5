"""The order of messages and what becomes of those left over from a stop; the reader and the database are real, the dialogue is a stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.actions.context import BotContext
from bot.actions.server import ActionServer
from bot.conversation import Conversation
from bot.engine_client import EngineClient, EngineDown, Spoken
from bot.inbound import Inbound
from desk import inbox
from desk.config import DeskConfig
from desk.database import Database, open_database
from minyi.reader import open_reader
from minyi.settings import load_settings
from nlu.knowledge import Knowledge, load_answers


class Dialogue(EngineClient):
    """Says back what it hears, and keeps what it heard in order."""

    def __init__(self, up: bool = True) -> None:
        super().__init__("http://127.0.0.1:9", "token")
        self.heard: list[str] = []
        self.up = up

    async def say(self, message: Inbound, metadata: dict[str, Any]) -> Spoken:
        if not self.up:
            raise EngineDown("stopped")
        await asyncio.sleep(0.02)
        self.heard.append(message.text)
        return Spoken([f"听到：{message.text}"], None, False)


@pytest.fixture(scope="module")
def understanding() -> tuple[Any, Knowledge]:
    settings = load_settings()
    reader = open_reader(settings)
    answers = load_answers(settings.training_data / "faq", reader.city.catalogue.departments)
    return reader, Knowledge(answers[:3], reader.encoder)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / 'turns.sqlite'}")
    yield opened
    opened.dispose()


@pytest.fixture
def context(understanding: tuple[Any, Knowledge], database: Database) -> BotContext:
    return BotContext(*understanding, database, DeskConfig())


def message(text: str, sender: str = "one") -> Inbound:
    return Inbound("web", sender, f"{sender}-{text}", text)


def left_over(database: Database, *texts: str) -> None:
    """As a stop leaves them: written down, not answered."""
    with database.session() as session:
        for text in texts:
            m = message(text)
            inbox.receive(session, m.channel, m.message_id, m.sender, m.text)


def test_what_was_left_over_comes_before_what_is_said_next(context: BotContext, database: Database) -> None:
    left_over(database, "第一句", "第二句")

    async def talk() -> tuple[list[str], tuple[str, ...]]:
        dialogue = Dialogue()
        conversation = Conversation(ActionServer(context, "token"), dialogue)
        await conversation.recover()
        reply = await conversation.handle(message("第三句"), 10)
        await conversation.close()
        return dialogue.heard, reply.texts

    heard, told = asyncio.run(talk())
    assert heard == ["第一句", "第二句", "第三句"]
    assert told == ("听到：第一句", "听到：第二句", "听到：第三句")


def test_a_retry_that_comes_as_the_answer_is_written_down_is_not_worked_through_again(
    context: BotContext, database: Database
) -> None:
    async def talk() -> tuple[list[str], tuple[str, ...]]:
        dialogue = Dialogue()
        conversation = Conversation(ActionServer(context, "token"), dialogue)
        await conversation.handle(message("确认"), 10)
        await conversation.handle(message("还有一件事"), 10)
        with database.session() as session:
            row, _ = inbox.receive(session, "web", "one-确认", "one", "确认")
            number = row.id
        again = await conversation._turn(number, message("确认")).answer  # as if its state had been looked up before
        await conversation.close()
        return dialogue.heard, again

    heard, again = asyncio.run(talk())
    assert heard == ["确认", "还有一件事"]
    assert again == ("听到：确认",)


def test_retries_at_the_same_moment_share_one_turn(context: BotContext) -> None:
    async def talk() -> tuple[list[str], set[tuple[str, ...]]]:
        dialogue = Dialogue()
        conversation = Conversation(ActionServer(context, "token"), dialogue)
        replies = await asyncio.gather(*(conversation.handle(message("路灯不亮"), 10) for _ in range(5)))
        await conversation.close()
        return dialogue.heard, {reply.texts for reply in replies}

    heard, told = asyncio.run(talk())
    assert heard == ["路灯不亮"]
    assert told == {("听到：路灯不亮",)}


def test_what_could_not_be_worked_through_stays_for_the_next_start(context: BotContext, database: Database) -> None:
    async def stopped() -> None:
        conversation = Conversation(ActionServer(context, "token"), Dialogue(up=False), patience=0.1)
        reply = await conversation.handle(message("楼下漏水"), 0.6)
        assert reply.pending
        await conversation.close()

    async def started_again() -> tuple[list[str], tuple[str, ...]]:
        dialogue = Dialogue()
        conversation = Conversation(ActionServer(context, "token"), dialogue)
        await conversation.recover()
        async with asyncio.timeout(10):
            while not (told := await conversation.late("web", "one")):
                await asyncio.sleep(0.05)
        await conversation.close()
        return dialogue.heard, told

    asyncio.run(stopped())
    assert asyncio.run(started_again()) == (["楼下漏水"], ("听到：楼下漏水",))
