"""Sends what WeChat's servers send: signed addresses, XML bodies, the same MsgId again when no answer came in time."""

from __future__ import annotations

import hashlib
import itertools
import time
from dataclasses import dataclass, field
from xml.etree import ElementTree

import httpx

ACCOUNT = "gh_0123456789ab"


@dataclass
class WeChatClient:
    """A follower ``openid`` of the account; ``say`` returns the text of the passive reply, "" for an empty one."""

    url: str
    token: str
    openid: str
    attempts: int = 3
    log: list[tuple[str, str]] = field(default_factory=list)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(23_000_000_000_000_000))

    def signed(self, token: str | None = None) -> dict[str, str]:
        timestamp, nonce = str(int(time.time())), "1372623149"
        joined = "".join(sorted([token or self.token, timestamp, nonce]))
        return {
            "signature": hashlib.sha1(joined.encode()).hexdigest(),
            "timestamp": timestamp,
            "nonce": nonce,
            "openid": self.openid,
        }

    def verify(self, echo: str) -> httpx.Response:
        return httpx.get(f"{self.url}/wechat", params={**self.signed(), "echostr": echo}, trust_env=False)

    def post(self, content: str, message_id: int, timeout: float = 5.0) -> httpx.Response:
        body = (
            f"<xml><ToUserName><![CDATA[{ACCOUNT}]]></ToUserName><FromUserName><![CDATA[{self.openid}]]></FromUserName>"
            f"<CreateTime>{int(time.time())}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
            f"<Content><![CDATA[{content}]]></Content><MsgId>{message_id}</MsgId></xml>"
        )
        return httpx.post(
            f"{self.url}/wechat",
            params=self.signed(),
            content=body.encode(),
            headers={"Content-Type": "text/xml"},
            timeout=timeout,
            trust_env=False,
        )

    def say(self, content: str) -> str:
        """One message, asked again up to three times as WeChat does when the connection breaks or runs out of time."""
        message_id = next(self._ids)
        for attempt in range(self.attempts):
            try:
                answer = self.post(content, message_id)
            except httpx.HTTPError:
                time.sleep(0.5 * (attempt + 1))
                continue
            assert answer.status_code == 200, (answer.status_code, answer.text)
            text = self.text_of(answer)
            self.log.append((content, text))
            return text
        self.log.append((content, "(no answer)"))
        return ""

    def text_of(self, answer: httpx.Response) -> str:
        if answer.text in ("", "success"):
            return ""
        xml = ElementTree.fromstring(answer.content)
        assert xml.findtext("ToUserName") == self.openid and xml.findtext("FromUserName") == ACCOUNT
        return xml.findtext("Content") or ""
