"""The WeChat door: conformance vectors, hostile bodies, and what goes in and comes out; the conversation behind it is a stand-in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.wechat import MOST_BODY, MOST_CHARACTERS, WeChat, signature, signed
from bot.conversation import Reply
from bot.inbound import Inbound
from bot.wording import say

TOKEN = "a-token"
RESIDENT, ACCOUNT = "oResident-01_x", "gh_account"


class Listens:
    """Keeps the promises of a conversation: one answer a message, nothing after the deadline, late answers kept for a retry."""

    def __init__(self, answer: Callable[[str], str] = lambda text: f"听到：{text}", takes: float = 0) -> None:
        self.answer, self.takes = answer, takes
        self.heard: list[Inbound] = []
        self.deadlines: list[float] = []
        self._working: dict[str, asyncio.Task[str]] = {}

    async def handle(self, message: Inbound, deadline: float) -> Reply:
        self.deadlines.append(deadline)
        task = self._working.get(message.message_id)
        if task is None:
            self.heard.append(message)
            task = self._working[message.message_id] = asyncio.create_task(self._work(message.text))
        done, _ = await asyncio.wait({task}, timeout=max(0, deadline))
        return Reply((task.result(),)) if done else Reply(pending=True)

    async def _work(self, text: str) -> str:
        await asyncio.sleep(self.takes)
        return self.answer(text)


Post = Callable[..., Awaitable[httpx.Response]]


def query(token: str = TOKEN, timestamp: str = "1409735669", nonce: str = "1320562132") -> dict[str, str]:
    return {"timestamp": timestamp, "nonce": nonce, "signature": signature(token, timestamp, nonce)}


def door(listens: Listens, **options: Any) -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(WeChat(TOKEN, listens, **options).router())  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://minyi")


def message(content: str = "路灯坏了", number: int | str = 1, kind: str = "text", **more: str) -> bytes:
    fields = {"ToUserName": ACCOUNT, "FromUserName": RESIDENT, "CreateTime": "1348831860", "MsgType": kind}
    fields |= {"MsgId": str(number)} if number else {}
    fields |= {"Content": content} if kind == "text" else {}
    body = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in (fields | more).items())
    return f"<xml>{body}</xml>".encode()


def event(name: str, **more: str) -> bytes:
    return message(number="", kind="event", Event=name, **more)


def said(response: httpx.Response) -> str:
    """The text of a passive reply; "" for an acknowledgement."""
    assert response.status_code == 200, response.text
    if not response.content:
        return ""
    root = ElementTree.fromstring(response.content)
    assert root.tag == "xml" and {child.tag for child in root} == {
        "ToUserName",
        "FromUserName",
        "CreateTime",
        "MsgType",
        "Content",
    }
    assert (root.findtext("ToUserName"), root.findtext("FromUserName"), root.findtext("MsgType")) == (
        RESIDENT,
        ACCOUNT,
        "text",
    )
    assert abs(int(root.findtext("CreateTime") or 0) - time.time()) < 60
    return root.findtext("Content") or ""


def exchange(listens: Listens, *bodies: bytes, **options: Any) -> list[httpx.Response]:
    """The responses to ``bodies``, one after another."""

    async def talk() -> list[httpx.Response]:
        async with door(listens, **options) as client:
            return [await client.post("/wechat", params=query(), content=body) for body in bodies]

    return asyncio.run(talk())


def ask(method: str, params: dict[str, str], content: bytes = b"", **options: Any) -> httpx.Response:
    async def once() -> httpx.Response:
        async with door(Listens(), **options) as client:
            return await client.request(method, "/wechat", params=params, content=content)

    return asyncio.run(once())


# the signature --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "timestamp", "nonce", "sha1"),
    [
        ("test", "1410685589", "test", "f21891de399b4e33a1a93c9a7b8a8fffb5a443ff"),
        ("spamtest", "1409735669", "1320562132", "16120ec1b8dbb870f510d87ce6bc2463eae6ca1a"),
    ],
)
def test_published_signatures(token: str, timestamp: str, nonce: str, sha1: str) -> None:
    assert signature(token, timestamp, nonce) == sha1
    assert signed(token, sha1, timestamp, nonce)
    assert not signed(token, sha1[:-1] + ("e" if sha1[-1] != "e" else "f"), timestamp, nonce)
    assert not signed(token, "", timestamp, nonce)
    assert not signed(token, sha1 + "0", timestamp, nonce)
    assert not signed(token, "签名", timestamp, nonce)


def test_the_address_is_proved_with_echostr() -> None:
    answer = ask("GET", {**query(), "echostr": "5375 <b>&中"})
    assert (answer.status_code, answer.text) == (200, "5375 <b>&中")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "change",
    [
        {"signature": None},
        {"timestamp": None},
        {"nonce": None},
        {"signature": ""},
        {"signature": "0" * 40},
        {"timestamp": "1409735668"},
        {"nonce": "x"},
        {"signature": "签名"},
        {"signature": signature("another", "1409735669", "1320562132")},
    ],
)
def test_without_the_right_signature_nothing_is_answered(method: str, change: dict[str, str | None]) -> None:
    params = {k: v for k, v in {**query(), "echostr": "secret-echo", **change}.items() if v is not None}
    answer = ask(method, params, message())
    assert answer.status_code == 403
    assert "secret-echo" not in answer.text


@pytest.mark.parametrize(("age", "status"), [(0, 200), (30, 200), (-30, 200), (3600, 403), (-3600, 403)])
def test_old_requests_are_refused_where_an_age_is_set(age: int, status: int) -> None:
    assert ask("POST", query(timestamp=str(int(time.time()) - age)), message(), max_skew=300).status_code == status


@pytest.mark.parametrize("timestamp", ["²", "", "x", "9" * 5000, "-1"])
def test_a_timestamp_that_is_no_time_is_refused_where_an_age_is_set(timestamp: str) -> None:
    assert ask("POST", query(timestamp=timestamp), message(), max_skew=300).status_code == 403


# bodies ---------------------------------------------------------------------------------------------------------------------------

LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)
WHOLE = message().decode()
PROLOG = "<?xml version='1.0' encoding='{}'?>"
MALFORMED = {
    "empty": b"",
    "blank": b" \n",
    "json": b'{"text": 1}',
    "no end": message()[:-6],
    "two roots": message() + message(),
    "text after": message() + b"x",
    "billion laughs": (LAUGHS + WHOLE.replace("路灯坏了]]>", "]]>&i;")).encode(),
    "external entity": (
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + WHOLE.replace("路灯坏了]]>", "]]>&e;")
    ).encode(),
    "external dtd": ('<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">' + WHOLE).encode(),
    "parameter entity": ('<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/p">%p;]>' + WHOLE).encode(),
    "plain dtd": ("<!DOCTYPE xml>" + WHOLE).encode(),
    "unknown entity": WHOLE.replace("路灯坏了]]>", "]]>&nbsp;").encode(),
    "deep nesting": b"<xml>" * 9000 + b"</xml>" * 3000,
    "deep and closed": b"<a>" * 9000 + b"</a>" * 9000,
    "deep beside a message": (WHOLE[:-6] + "<a>" * 5000 + "</a>" * 5000 + "</xml>").encode(),
    "gb18030 undeclared": WHOLE.encode("gb18030"),
    "bytes": bytes(range(256)),
    "nul": WHOLE.replace("路灯", "\0").encode(),
    "nul reference": WHOLE.replace("路灯坏了]]>", "]]>&#0;").encode(),
    "surrogate reference": WHOLE.replace("路灯坏了]]>", "]]>&#xD800;").encode(),
    "half a character": message()[:-20] + b"\xe4\xbd" + message()[-20:],
    "unknown encoding": (PROLOG.format("klingon") + WHOLE).encode(),
    "codec that is no text": (PROLOG.format("zlib") + WHOLE).encode(),
    "idna": (PROLOG.format("idna") + WHOLE).encode(),
    "no sender": message().replace(RESIDENT.encode(), b""),
    "no account": message().replace(b"ToUserName", b"ToUser"),
    "sender with blanks": message().replace(RESIDENT.encode(), b"a b"),
    "sender with markup": message().replace(RESIDENT.encode(), "张三".encode()),
    "endless sender": message().replace(RESIDENT.encode(), b"o" * 129),
    "no kind": message().replace(b"MsgType", b"Type"),
    "no number": message(number="").replace(b"CreateTime", b"Created"),
    "endless number": message(number="9" * 200),
    "number that is none": message(number="一"),
    "endless event": event("x" * 5000),
    "encrypted": b"<xml><ToUserName>gh_account</ToUserName><Encrypt>abc</Encrypt></xml>",
    "oversize": message("长" * MOST_BODY),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_body_that_wechat_would_not_send_is_refused_at_once(name: str) -> None:
    listens = Listens()
    started = time.process_time()
    (answer,) = exchange(listens, MALFORMED[name])
    assert answer.status_code == 400
    assert time.process_time() - started < 0.5
    assert listens.heard == []


def test_oversize_is_refused_without_reading_on() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * MOST_BODY:
            sent += 8192
            yield b"<" * 8192

    async def talk() -> httpx.Response:
        async with door(Listens()) as client:
            return await client.post("/wechat", params=query(), content=endless())

    assert asyncio.run(talk()).status_code == 400
    assert sent < 2 * MOST_BODY


@pytest.mark.parametrize("length", ["9" * 12, "9" * 5000, "\xb2", str(MOST_BODY + 1)])
def test_a_declared_length_is_believed_only_as_far_as_it_is_one(length: str) -> None:
    async def talk() -> httpx.Response:
        async with door(Listens()) as client:
            return await client.post(
                "/wechat", params=query(), content=message(), headers={"Content-Length": length.encode("latin-1")}
            )

    assert asyncio.run(talk()).status_code == (200 if length == "\xb2" else 400)


@pytest.mark.parametrize(
    "encoding",
    [
        "utf-8",
        "UTF-8",
        "utf-16",
        "gbk",
        "gb2312",
        "gb18030",
        "big5",
        "iso-8859-1",
        "us-ascii",
        "utf-7",
        "latin-1",
        "utf-32",
        "cp936",
    ],
)
def test_a_declared_encoding_is_read_or_refused(encoding: str) -> None:
    body = (PROLOG.format(encoding) + message("lamp").decode()).encode(encoding if encoding != "us-ascii" else "ascii")
    listens = Listens()
    (answer,) = exchange(listens, body)
    assert answer.status_code in (200, 400)
    assert [m.text for m in listens.heard] == (["lamp"] if answer.status_code == 200 else [])


@settings(max_examples=150)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=40).map(lambda junk: message()[:60] + junk + message()[60:]),
        st.binary(max_size=20).map(lambda name: b"<?xml version='1.0' encoding='" + name + b"'?>" + message()),
        st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60).map(lambda text: message(text)),
        st.dictionaries(
            st.sampled_from(["Event", "EventKey", "MsgId", "Recognition", "Label", "CreateTime", "MsgType"]),
            st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20),
        ).map(lambda more: message(**more)),
    )
)
def test_any_bytes_are_answered_or_refused(body: bytes) -> None:
    started = time.process_time()
    (answer,) = exchange(Listens(), body)
    assert answer.status_code in (200, 400)
    assert time.process_time() - started < 1


# what goes in and comes out -------------------------------------------------------------------------------------------------------


def test_a_text_is_answered() -> None:
    listens = Listens()
    (answer,) = exchange(listens, message("  路灯坏了 &amp; <b>\n", 6054768590064713728))
    assert said(answer) == "听到：路灯坏了 &amp; <b>"
    assert answer.headers["content-type"].startswith("application/xml")
    assert listens.heard == [Inbound("wechat", RESIDENT, "6054768590064713728", "路灯坏了 &amp; <b>")]


def test_a_published_message_is_read() -> None:
    body = (
        b"<xml><ToUserName><![CDATA[gh_10f6c3c3ac5a]]></ToUserName>\n<FromUserName><![CDATA[oyORnuP8q7ou2gfYjqLzSIWZf0rs]]></FromUserName>\n"
        b"<CreateTime>1409735668</CreateTime>\n<MsgType><![CDATA[text]]></MsgType>\n<Content><![CDATA[abcdteT]]></Content>\n"
        b"<MsgId>6054768590064713728</MsgId>\n</xml>"
    )
    listens = Listens()
    (answer,) = exchange(listens, body)
    assert listens.heard == [Inbound("wechat", "oyORnuP8q7ou2gfYjqLzSIWZf0rs", "6054768590064713728", "abcdteT")]
    assert (
        b"<ToUserName>oyORnuP8q7ou2gfYjqLzSIWZf0rs</ToUserName><FromUserName>gh_10f6c3c3ac5a</FromUserName>"
        in answer.content
    )


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        ("好的", "好的"),
        ("]]> & < > \" '", "]]> & < > \" '"),
        ("<![CDATA[x]]>", "<![CDATA[x]]>"),
        ("&amp;&lt;", "&amp;&lt;"),
        ("😀👨‍👩‍👧𠮷", "😀👨‍👩‍👧𠮷"),
        ("一\n二\t三", "一\n二\t三"),
        ("一\r\n二", "一\n二"),
        ("a\x00b\x01c\x0bd\x1be\ufffef\uffffg\x7f", "abcdefg\x7f"),
        ("半\ud800个\udfff", "半个"),
        ("مرحبا\u202e", "مرحبا\u202e"),
    ],
)
def test_a_reply_is_valid_xml_whatever_it_says(reply: str, shown: str) -> None:
    (answer,) = exchange(Listens(lambda _: reply), message())
    assert said(answer) == shown


@settings(max_examples=60)
@given(st.text(alphabet=st.characters(), min_size=1, max_size=80))
def test_any_reply_is_valid_xml(reply: str) -> None:
    (answer,) = exchange(Listens(lambda _: reply), message())
    said(answer)


def test_several_sentences_stand_in_one_message() -> None:
    class Two(Listens):
        async def handle(self, message: Inbound, deadline: float) -> Reply:
            return Reply(("一", "二"))

    assert said(exchange(Two(), message())[0]) == "一\n二"


def test_retries_while_the_first_is_still_at_work_are_one_message() -> None:
    listens = Listens(takes=0.3)

    async def talk() -> list[httpx.Response]:
        async with door(listens) as client:
            posts = []
            for _ in range(3):
                posts.append(asyncio.create_task(client.post("/wechat", params=query(), content=message("停水", 7))))
                await asyncio.sleep(0.05)
            return list(await asyncio.gather(*posts))

    assert [said(answer) for answer in asyncio.run(talk())] == ["听到：停水"] * 3
    assert len(listens.heard) == 1


def test_an_answer_too_late_is_acknowledged_in_time_and_given_to_a_retry() -> None:
    listens = Listens(takes=0.5)

    async def talk() -> tuple[float, list[httpx.Response]]:
        async with door(listens, deadline=0.2) as client:
            started = time.monotonic()
            first = await client.post("/wechat", params=query(), content=message("停水", 7))
            took = time.monotonic() - started
            await asyncio.sleep(0.6)
            return took, [first, await client.post("/wechat", params=query(), content=message("停水", 7))]

    took, answers = asyncio.run(talk())
    assert took < 2
    assert [said(answer) for answer in answers] == ["", "听到：停水"]


def test_the_conversation_is_given_less_than_wechat_waits() -> None:
    listens = Listens()
    exchange(listens, message())
    assert 0 < listens.deadlines[0] <= 4.5


def test_messages_of_the_same_words_are_two() -> None:
    listens = Listens()
    exchange(listens, message("停水", 1), message("停水", 2))
    assert [m.message_id for m in listens.heard] == ["1", "2"]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (event("subscribe"), say("welcome")),
        (event("SUBSCRIBE", EventKey="qrscene_1"), say("welcome")),
        (event("unsubscribe"), ""),
        (event("SCAN", EventKey="1"), ""),
        (event("LOCATION", Latitude="22.5", Longitude="114.0"), ""),
        (event("VIEW", EventKey="http://x"), ""),
        (event("TEMPLATESENDJOBFINISH", Status="success"), ""),
        (event(""), ""),
        (event("CLICK"), ""),
        (message(kind="image", PicUrl="http://x/1.jpg", MediaId="m"), say("only_text")),
        (message(kind="video", MediaId="m"), say("only_text")),
        (message(kind="link", Title="t"), say("only_text")),
        (message(kind="location", Location_X="22.5", Location_Y="114.0"), say("only_text")),
        (message(kind="voice", MediaId="m"), say("voice_not_understood")),
        (message(kind="voice", MediaId="m", Recognition=" "), say("voice_not_understood")),
        (message("   "), say("only_text")),
        (message(kind="unheard-of"), say("only_text")),
    ],
)
def test_what_brings_no_words(body: bytes, answer: str) -> None:
    listens = Listens()
    assert said(exchange(listens, body)[0]) == answer
    assert listens.heard == []


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (message(kind="voice", MediaId="m", Recognition="路灯坏了"), "路灯坏了"),
        (message(kind="location", Location_X="22.5", Location_Y="114.0", Label="南山区科技园"), "南山区科技园"),
        (event("CLICK", EventKey="我要投诉"), "我要投诉"),
        (message(kind="TEXT").replace(b"</xml>", b"<Content>x</Content></xml>"), "x"),
    ],
)
def test_what_brings_words_in_another_way(body: bytes, text: str) -> None:
    listens = Listens()
    assert said(exchange(listens, body)[0]) == f"听到：{text}"
    assert [m.text for m in listens.heard] == [text]


def test_a_menu_pressed_twice_is_two_messages() -> None:
    listens = Listens()
    exchange(
        listens,
        event("CLICK", EventKey="进度"),
        event("CLICK", EventKey="进度").replace(b"1348831860", b"1348831861"),
        event("CLICK", EventKey="进度"),
    )
    assert len(listens.heard) == 2


LONG = "\n".join(f"第{n}条：" + "请带身份证到窗口办理。" * 8 for n in range(20))


def test_a_long_reply_is_read_on_with_more() -> None:
    listens = Listens(lambda _: LONG)
    answers = [
        said(a)
        for a in exchange(
            listens,
            message("怎么办", 1),
            message("更多", 2),
            message("更多", 2),
            message("更多", 3),
            message("怎么办", 1),
        )
    ]
    assert all(0 < len(text) <= MOST_CHARACTERS and len(text.encode()) < 2048 for text in answers)
    assert len(listens.heard) == 1
    assert answers[1] == answers[2]
    assert answers[0] == answers[4]
    assert len({answers[0], answers[1], answers[3]}) == 3
    assert "更多" in answers[0]


def test_more_of_nothing_is_a_message_like_others() -> None:
    listens = Listens()
    assert said(exchange(listens, message("更多"))[0]) == "听到：更多"
