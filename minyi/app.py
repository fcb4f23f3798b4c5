"""Our process as one FastAPI app: channels, actions, desk and API over one reader and one database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio.to_thread
from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse

import minyi
from bot.actions.context import BotContext
from bot.actions.server import ActionServer
from bot.channels.web import Web
from bot.channels.wechat import WeChat
from bot.conversation import Conversation
from bot.engine_client import EngineClient
from desk.config import DeskConfig
from desk.database import Database, open_database
from minyi.keys import Keys
from minyi.reader import cached_encoder, open_reader
from minyi.settings import Settings
from nlu.knowledge import Knowledge, load_answers
from nlu.reader import Reader

VERSION = minyi.__version__


@dataclass
class Parts:
    """What the app is built from; loading them raises a :class:`MinyiError` that says what to do."""

    settings: Settings
    keys: Keys
    reader: Reader
    knowledge: Knowledge
    database: Database
    desk: DeskConfig

    @classmethod
    def load(cls, settings: Settings, keys: Keys) -> Parts:
        database = open_database(settings.database)
        reader = open_reader(settings)
        answers = load_answers(settings.training_data / "faq", reader.city.catalogue.departments)
        knowledge = Knowledge(answers, cached_encoder(settings), reader.encoder)
        reader.warm_up()
        return cls(settings, keys, reader, knowledge, database, desk_config(settings))


def desk_config(settings: Settings) -> DeskConfig:
    return DeskConfig(
        dispatch_hours=settings.dispatch_hours,
        reply_hours=settings.reply_hours,
        contact_hours=settings.contact_hours,
        session_hours=settings.session_hours,
        cookie_secure=settings.cookie_secure,
    )


def create_app(parts: Parts, engine_url: str) -> FastAPI:
    """The app; ``engine_url`` is Rasa's address on loopback."""
    from desk.api import api_router
    from desk.console import console_router, console_static

    context = BotContext(parts.reader, parts.knowledge, parts.database, parts.desk)
    actions = ActionServer(context, parts.keys.engine)
    engine = EngineClient(engine_url, parts.keys.engine)
    conversation = Conversation(actions, engine)
    settings = parts.settings

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await conversation.recover()
        yield
        await conversation.close()
        await engine.close()
        parts.database.dispose()

    app = FastAPI(
        title="minyi 民意",
        version=VERSION,
        lifespan=lifespan,
        docs_url="/api/docs",
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        description="Reads residents' messages, routes them and keeps their tickets.",
    )
    app.state.reader, app.state.database, app.state.desk = parts.reader, parts.database, parts.desk
    app.state.api_token = parts.keys.api
    app.state.secret = parts.keys.cookies

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok")

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> JSONResponse:
        def database_answers() -> bool:
            try:
                parts.database.ping()
            except Exception:  # whatever the driver raises, the answer is "not ready"
                return False
            return True

        state = {
            "database": await anyio.to_thread.run_sync(database_answers),
            "dialogue": await engine.ready(),
            "model": parts.reader.model.version,
        }
        ready = bool(state["database"] and state["dialogue"])
        return JSONResponse({"ready": ready, **state}, 200 if ready else 503)

    app.include_router(actions.router())
    web = Web(conversation, parts.keys.cookies, cookie_secure=settings.cookie_secure)
    app.include_router(web.router())
    app.mount("/chat/static", web.mount(), name="chat-static")
    if settings.wechat_token:
        wechat = WeChat(
            settings.wechat_token.get_secret_value(),
            conversation,
            deadline=settings.reply_deadline,
            max_skew=settings.wechat_max_skew,
        )
        app.include_router(wechat.router())
    else:

        @app.api_route("/wechat", methods=["GET", "POST"], include_in_schema=False)
        async def wechat_off() -> PlainTextResponse:
            return PlainTextResponse("WeChat is not configured: set MINYI_WECHAT_TOKEN", 403)

    app.include_router(api_router())
    app.include_router(console_router())
    app.mount("/desk/static", console_static(), name="desk-static")
    return app
