"""What was said is never lost and never counted twice, whatever dies in between."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.e2e.wechat_client import WeChatClient
from tests.service import API_TOKEN, WECHAT_TOKEN, Service

NUMBER = re.compile(r"MY\d{6}-\d{6}")
MATTER = "福田区梅林街道梅林一村3栋楼下餐馆半夜油烟很大，已经一个月了"

pytestmark = [pytest.mark.rasa, pytest.mark.timeout(300)]


def tickets(service: Service) -> list[str]:
    answer = httpx.get(
        f"{service.url}/api/v1/tickets", headers={"Authorization": f"Bearer {API_TOKEN}"}, trust_env=False
    )
    return [ticket["number"] for ticket in answer.json()["tickets"]]


def to_confirmation(say: object) -> str:
    """Talks until the bot reads back; the last reply."""
    heard = say(MATTER)  # type: ignore[operator]
    for _ in range(6):
        if "请核对" in heard:
            return str(heard)
        heard = say("不留" if "电话" in heard else "不知道")  # type: ignore[operator]
    raise AssertionError(f"never came to the confirmation: {heard}")


def test_rasa_killed_in_the_middle_of_a_form(service: Service) -> None:
    talker = service.talker()
    first = "\n".join(talker.say(MATTER))
    assert "记下了" in first
    os.kill(service.children()["dialogue"], signal.SIGKILL)
    honest = httpx.post(  # an answer at once that says what is going on
        f"{service.url}/chat/messages", json={"text": "在吗", "id": "while-it-is-down"}, timeout=15, trust_env=False
    ).json()
    assert honest["pending"] and "正在恢复" in "".join(honest["replies"])
    danger = httpx.post(
        f"{service.url}/chat/messages",
        json={"text": "救命，家里煤气漏了，我头好晕", "id": "danger-while-down"},
        timeout=15,
        trust_env=False,
    ).json()
    assert any(n in "".join(danger["replies"]) for n in ("119", "120", "110"))
    service.wait()
    heard = to_confirmation_from(talker, first)
    filed = "\n".join(talker.say("确认"))
    assert NUMBER.search(filed), (heard, filed)
    assert tickets(service) == NUMBER.findall(filed)[:1]


def to_confirmation_from(talker: object, heard: str) -> str:
    for _ in range(6):
        if "请核对" in heard:
            return heard
        heard = "\n".join(talker.say("不留" if "电话" in heard else "不知道"))  # type: ignore[attr-defined]
    raise AssertionError(f"never came to the confirmation: {heard}")


def test_our_process_killed_right_after_confirmation(service: Service) -> None:
    """WeChat sends the confirmation; our process dies while it is worked through; WeChat asks again with the same MsgId."""
    wechat = WeChatClient(service.url, WECHAT_TOKEN, "oTest_resident_02")
    to_confirmation(wechat.say)
    for delay in (0.0, 0.03, 0.06, 0.12):
        victim = service.children()["minyi"]
        killer = threading.Timer(delay, os.kill, (victim, signal.SIGKILL))
        killer.start()
        message_id = 24_000_000_000_000_000 + int(delay * 1000)
        answers = []
        for _ in range(3):
            try:
                answers.append(wechat.text_of(wechat.post("确认", message_id)))
                break
            except httpx.HTTPError:
                time.sleep(0.3)
        killer.join()
        service.wait()
        until = time.monotonic() + 30
        while not answers or not answers[-1]:
            assert time.monotonic() < until, "no answer to the confirmation"
            answers.append(wechat.text_of(wechat.post("确认", message_id)))
            time.sleep(0.3)
        assert len(tickets(service)) == len(set(tickets(service)))
        found = NUMBER.search("\n".join(answers))
        assert found, answers
        assert tickets(service).count(found.group()) == 1
        filed_so_far = len(tickets(service))
        to_confirmation(wechat.say)
        assert len(tickets(service)) == filed_so_far
    assert len(tickets(service)) == 4


def test_our_process_killed_in_the_middle_of_a_form(service: Service) -> None:
    talker = service.talker()
    first = "\n".join(talker.say(MATTER))
    os.kill(service.children()["minyi"], signal.SIGKILL)
    time.sleep(0.5)
    service.wait()
    to_confirmation_from(talker, first)
    assert NUMBER.search("\n".join(talker.say("确认")))
    assert len(tickets(service)) == 1


def test_everything_killed_at_once_and_started_again(tmp_path: Path) -> None:
    """The power goes: what was accepted is there, the talk goes on where it was."""
    service = Service(tmp_path / "data").start()
    talker = service.talker()
    first = "\n".join(talker.say(MATTER))
    children = service.children()
    assert service.process
    service.process.kill()
    service.process.wait(10)
    until = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in children.values()) and time.monotonic() < until:
        time.sleep(0.1)
    assert not [pid for pid in children.values() if Path(f"/proc/{pid}").exists()], "orphans are left"
    service.start()
    to_confirmation_from(talker, first)
    assert NUMBER.search("\n".join(talker.say("确认")))
    service.stop()
    with sqlite3.connect(service.data / "minyi.sqlite") as database:
        assert database.execute("SELECT count(*) FROM tickets").fetchone() == (1,)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything(tmp_path: Path, number: signal.Signals) -> None:
    service = Service(tmp_path / "data").start()
    children = service.children()
    assert set(children) == {"minyi", "dialogue"}
    assert service.stop(number) == 0
    assert not [pid for pid in children.values() if Path(f"/proc/{pid}").exists()]
