"""The whole way: a WeChat conversation, a ticket, an agent in a browser, and a model that learnt from the agent."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.wechat_client import WeChatClient
from tests.service import ROOT, WECHAT_TOKEN, Service

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "correct horse 12345"

pytestmark = pytest.mark.rasa


def minyi(service: Service, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "minyi", *arguments],
        cwd=ROOT,
        env=service.environment,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


def test_from_wechat_to_a_model_that_learnt(service: Service, tmp_path: Path) -> None:
    wechat = WeChatClient(service.url, WECHAT_TOKEN, "oTest_resident_01")
    assert wechat.verify("echo-5837").text == "echo-5837"
    number = tell_by_wechat(wechat)
    service.extra["MINYI_MODELS"] = str(ROOT / "models")
    added = minyi(service, "user", "add", "alice", "--password-stdin", given=PASSWORD + "\n")
    assert added.returncode == 0, added.stderr
    if not Path(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is missing: apt-get install chromium fonts-noto-cjk")
    accept_in_browser(service, number)
    out = tmp_path / "learnt"
    trained = minyi(service, "train", "--out", str(out), "--no-promote")
    assert trained.returncode == 0, trained.stderr
    assert json.loads((out / "model.json").read_text("utf-8"))["data"]["desk_labels"] == 1


def tell_by_wechat(wechat: WeChatClient) -> str:
    """A resident's talk from 你好 to the number of the ticket."""
    assert "民意速办" in wechat.say("你好")
    heard = wechat.say("宝安区西乡街道固戍社区楼下的餐馆每天晚上往下水道倒潲水，臭得要命，已经半个月了")
    for _ in range(6):
        if "确认" in heard and "请核对" in heard:
            break
        heard = wechat.say("不留" if "电话" in heard else "不知道")
    assert "固戍" in heard or "西乡" in heard, wechat.log
    filed = wechat.say("确认")
    found = re.search(r"MY\d{6}-\d{6}", filed)
    assert found, wechat.log
    again = wechat.say(found.group())
    assert found.group() in again
    return found.group()


def accept_in_browser(service: Service, number: str) -> None:
    from playwright.sync_api import expect, sync_playwright

    pictures = ROOT / "tests" / "output"
    pictures.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1366, "height": 768}, base_url=service.url)
        page.goto("/desk")
        page.get_by_label("用户名").fill("alice")
        page.get_by_label("密码").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_text(number).first).to_be_visible()
        page.screenshot(path=str(pictures / "desk-list.png"))
        page.goto(f"/desk/tickets/{number}")
        expect(page.get_by_role("heading", name=number)).to_be_visible()
        page.screenshot(path=str(pictures / "desk-ticket.png"))
        page.keyboard.press("a")
        expect(page.get_by_role("status")).to_contain_text(number)
        page.screenshot(path=str(pictures / "desk-accepted.png"))
        browser.close()
