from __future__ import annotations

import html
import re
from collections.abc import Callable

import httpx
import pytest
from desk_helpers import PASSWORD, make_app, served

from desk.config import DeskConfig
from desk.console.pieces import Secrets
from desk.console.words import remaining
from desk.database import Database
from desk.inbox import answered, receive
from desk.labels import labelled_texts
from desk.people import add_user
from desk.tickets import Draft, Ticket, accept, file_ticket, find_ticket, to_api
from nlu.reader import Reader

Make = Callable[..., Draft]


def _csrf(page: str) -> str:
    match = re.search(r'name="csrf" value="([^"]+)"', page)
    assert match
    return match[1]


def _log_in(client: httpx.Client, name: str = "alice", password: str = PASSWORD, next: str = "/desk") -> httpx.Response:
    token = _csrf(client.get("/desk/login").text)
    return client.post("/desk/login", data={"name": name, "password": password, "csrf": token, "next": next})


@pytest.fixture
def desk(agent: httpx.Client) -> httpx.Client:
    """alice, logged in."""
    assert _log_in(agent).status_code == 303
    return agent


def _filed(database: Database, draft: Draft) -> Ticket:
    with database.session() as session:
        return file_ticket(session, draft, DeskConfig())


def _read(reader: Reader, make: Make, text: str, **fields: object) -> Draft:
    reading = reader.read(text)
    given = {"text": text, "department": reading.department, "item": reading.item, "reading": reading.to_dict()}
    return make(**given | fields)


def _now(database: Database, ticket: Ticket) -> Ticket:
    with database.session() as session:
        found = find_ticket(session, ticket.number)
        assert found is not None and found.events
        return found


def _post(desk: httpx.Client, ticket: Ticket, move: str, **fields: str) -> httpx.Response:
    page = desk.get(f"/desk/tickets/{ticket.number}").text
    version = re.search(r'name="version" value="(\d+)"', page)
    data = {"csrf": _csrf(page), "version": version[1] if version else "1"} | fields
    return desk.post(f"/desk/tickets/{ticket.number}/{move}", data=data)


class TestEntrance:
    @pytest.mark.parametrize(
        "path", ["/desk", "/desk/tickets/MY261124-000000", "/desk/next", "/desk/password", "/desk?q=a%26b"]
    )
    def test_the_logged_out_go_to_the_login_and_back(self, agent: httpx.Client, path: str) -> None:
        answer = agent.get(path)
        assert answer.status_code == 303
        page = agent.get(answer.headers["location"])
        assert f'name="next" value="{html.escape(path)}"' in page.text
        assert _log_in(agent, next=path).headers["location"] == path

    @pytest.mark.parametrize(
        "next", ["https://evil", "//evil", "/desk.evil", "/\\evil", "/desk/../x", "javascript:x", "/desk\nx", ""]
    )
    def test_never_leads_elsewhere(self, agent: httpx.Client, next: str) -> None:
        assert _log_in(agent, next=next).headers["location"] == "/desk"

    def test_the_cookie_is_guarded(self, agent: httpx.Client) -> None:
        cookie = next(c for c in _log_in(agent).headers.get_list("set-cookie") if c.startswith("minyi_desk="))
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/desk" in cookie and "Secure" not in cookie

    def test_behind_https_cookies_are_secure(self, reader: Reader, sqlite: Database) -> None:
        with served(make_app(reader, sqlite, DeskConfig(cookie_secure=True))) as address:
            assert "Secure" in httpx.get(f"{address}/desk/login").headers["set-cookie"]

    def test_wrong_tries_are_answered_alike_then_paused(self, agent: httpx.Client) -> None:
        for name in ("alice", "nobody"):
            answers = [_log_in(agent, name, "wrong password") for _ in range(6)]
            assert [a.status_code for a in answers] == [401] * 4 + [429] * 2
            assert "用户名或密码不正确" in answers[0].text
        assert _log_in(agent).status_code == 429

    def test_a_login_without_our_form_is_refused(self, agent: httpx.Client) -> None:
        assert agent.post("/desk/login", data={"name": "alice", "password": PASSWORD, "csrf": ""}).status_code == 403
        agent.get("/desk/login")
        assert agent.post("/desk/login", data={"name": "alice", "password": PASSWORD, "csrf": "x"}).status_code == 403

    def test_logging_out_ends_the_login(self, desk: httpx.Client) -> None:
        kept = dict(desk.cookies)
        assert desk.post("/desk/logout", data={"csrf": _csrf(desk.get("/desk").text)}).status_code == 303
        assert httpx.get(desk.base_url.join("/desk"), cookies=kept).status_code == 303

    @pytest.mark.parametrize(
        ("old", "new", "again", "told"),
        [
            (PASSWORD, "new password", "other", "不一致"),
            (PASSWORD, "short", "short", "8 至"),
            ("wrong one", "new password", "new password", "原密码不正确"),
        ],
    )
    def test_a_password_change_that_fails_says_why(
        self, desk: httpx.Client, old: str, new: str, again: str, told: str
    ) -> None:
        data = {"csrf": _csrf(desk.get("/desk/password").text), "old": old, "new": new, "again": again}
        assert told in desk.post("/desk/password", data=data).text

    def test_a_new_password_is_the_only_one(self, desk: httpx.Client) -> None:
        data = {
            "csrf": _csrf(desk.get("/desk/password").text),
            "old": PASSWORD,
            "new": "new password",
            "again": "new password",
        }
        assert desk.post("/desk/password", data=data).headers["location"] == "/desk/login"
        assert desk.get("/desk").status_code == 303
        assert _log_in(desk).status_code == 401
        assert _log_in(desk, password="new password").status_code == 303


class TestPages:
    def test_every_page_is_guarded_and_not_kept(self, desk: httpx.Client, sqlite: Database, draft: Make) -> None:
        ticket = _filed(sqlite, draft())
        for path in (
            "/desk",
            "/desk/login",
            "/desk/password",
            f"/desk/tickets/{ticket.number}",
            "/desk/tickets/x",
            "/desk/counts",
        ):
            answer = desk.get(path)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy
            assert answer.headers["cache-control"] == "no-store"
            assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=|javascript:", answer.text), path

    def test_what_residents_write_is_escaped(
        self, desk: httpx.Client, sqlite: Database, reader: Reader, draft: Make
    ) -> None:
        evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>占道"
        ticket = _filed(
            sqlite, _read(reader, draft, evil, place={"text": evil}, time=evil, details={evil: evil}, sender="e")
        )
        with sqlite.session() as session:
            message, _ = receive(session, "web", "m", "e", evil)
            answered(session, message.id, [evil], None)
        for page in (
            desk.get("/desk").text,
            desk.get(f"/desk/tickets/{ticket.number}").text,
            desk.get("/desk", params={"q": evil}).text,
        ):
            assert "<script>alert" not in page and "<img" not in page

    def test_the_list_puts_danger_first_and_hides_phones(
        self, desk: httpx.Client, sqlite: Database, draft: Make
    ) -> None:
        tickets = {urgency: _filed(sqlite, draft(urgency=urgency)) for urgency in ("normal", "critical", "urgent")}
        page = desk.get("/desk").text
        assert [page.index(tickets[u].number) for u in ("critical", "urgent", "normal")] == sorted(
            page.index(t.number) for t in tickets.values()
        )
        assert "13812345678" not in page and "138****5678" in page

    @pytest.mark.parametrize(
        ("query", "shown"),
        [("state=pending", True), ("state=closed", False), ("urgency=critical", False), ("department=police", False), ("overdue=1", False),
         ("q=烧烤摊", True), ("q=火星", False), ("q=13812345678", True), ("state=nonsense&urgency=nonsense", True)],
    )  # fmt: skip
    def test_filters(self, desk: httpx.Client, sqlite: Database, draft: Make, query: str, shown: bool) -> None:
        ticket = _filed(sqlite, draft())
        assert (ticket.number in desk.get(f"/desk?{query}").text) == shown

    def test_pages_of_a_long_list(self, desk: httpx.Client, sqlite: Database, draft: Make) -> None:
        with sqlite.session() as session:
            for _ in range(51):
                file_ticket(session, draft(), DeskConfig())
        assert "第 1 / 2 页" in desk.get("/desk").text
        assert desk.get("/desk?p=2").text.count('class="row ') == 1
        assert desk.get("/desk?p=9").status_code == 200

    def test_counts(self, desk: httpx.Client, sqlite: Database, draft: Make) -> None:
        _filed(sqlite, draft(urgency="critical"))
        _filed(sqlite, draft(decision="auto"))
        assert desk.get("/desk/counts").json() == {
            "pending": 1, "critical": 1, "urgent": 0, "routed": 1, "in_progress": 0, "overdue": 0,
        }  # fmt: skip
        desk.cookies.clear()
        assert desk.get("/desk/counts", headers={"Accept": "application/json"}).status_code == 401

    def test_a_ticket_shows_what_speaks_for_the_suggestion(
        self, desk: httpx.Client, sqlite: Database, reader: Reader, draft: Make
    ) -> None:
        text = "仓库着火了，浓烟滚滚"
        ticket = _filed(sqlite, _read(reader, draft, text, urgency="critical", hazard="fire"))
        page = desk.get(f"/desk/tickets/{ticket.number}").text
        assert re.search(r'<mark class="reason"[^>]*>(着火|浓烟)', page)
        assert "请立即拨打 119" in page and "特急工单须人工确认" in page
        assert page.count("data-key=") >= 5

    def test_an_unknown_ticket_is_a_page(self, desk: httpx.Client) -> None:
        answer = desk.get("/desk/tickets/MY000000-000000")
        assert answer.status_code == 404 and "没有找到工单" in answer.text


class TestWork:
    def test_accepting_opens_the_next_ticket(self, desk: httpx.Client, sqlite: Database, draft: Make) -> None:
        first, second = _filed(sqlite, draft(urgency="urgent")), _filed(sqlite, draft())
        answer = _post(desk, first, "accept")
        assert answer.headers["location"] == "/desk/next"
        assert desk.get("/desk/next").headers["location"] == f"/desk/tickets/{second.number}"
        assert f"{first.number} 已分拨：城管局" in desk.get(f"/desk/tickets/{second.number}").text
        assert _now(sqlite, first).state == "routed" and _now(sqlite, first).events[-1].who == "alice"

    def test_after_the_last_one_the_list_says_so(self, desk: httpx.Client, sqlite: Database, draft: Make) -> None:
        _post(desk, _filed(sqlite, draft()), "accept")
        assert desk.get("/desk/next").headers["location"] == "/desk"
        assert desk.get("/desk/next", follow_redirects=True).status_code == 200

    def test_a_correction_becomes_a_label(self, desk: httpx.Client, sqlite: Database, draft: Make) -> None:
        ticket = _filed(sqlite, draft())
        answer = _post(
            desk,
            ticket,
            "correct",
            department="police",
            item="noise_neighbour",
            urgency="urgent",
            kind="report",
            note="吵",
        )
        assert answer.status_code == 303
        with sqlite.session() as session:
            (row,) = labelled_texts(session)
        assert (row["department"], row["item"], row["urgency"], row["kind"]) == (
            "police",
            "noise_neighbour",
            "urgent",
            "report",
        )
        assert _now(sqlite, ticket).events[-1].note == "吵"

    def test_a_code_the_catalogue_does_not_know_is_refused(
        self, desk: httpx.Client, sqlite: Database, draft: Make
    ) -> None:
        ticket = _filed(sqlite, draft())
        answer = _post(desk, ticket, "correct", department="nobody")
        assert answer.status_code == 409 and "目录中没有“nobody”" in answer.text

    def test_the_slower_agent_sees_what_happened(self, desk: httpx.Client, sqlite: Database, draft: Make) -> None:
        ticket = _filed(sqlite, draft())
        page = desk.get(f"/desk/tickets/{ticket.number}").text
        with sqlite.session() as session:
            accept(session, ticket, "bob")
        data = {"csrf": _csrf(page), "version": "1", "department": "police"}
        answer = desk.post(f"/desk/tickets/{ticket.number}/correct", data=data)
        assert answer.status_code == 409 and "刚刚被他人修改（bob）" in answer.text
        assert _now(sqlite, ticket).department == "urban_management"

    def test_two_agents_get_different_tickets(self, desk: httpx.Client, sqlite: Database, draft: Make) -> None:
        with sqlite.session() as session:
            add_user(session, "bob", PASSWORD)
        first, second = _filed(sqlite, draft()), _filed(sqlite, draft())
        desk.get(f"/desk/tickets/{first.number}")
        with httpx.Client(base_url=desk.base_url) as bob:
            _log_in(bob, "bob")
            assert bob.get("/desk/next").headers["location"].endswith(second.number)
            assert "alice 正在查看" in bob.get(f"/desk/tickets/{first.number}").text

    def test_a_ticket_goes_all_the_way(self, desk: httpx.Client, sqlite: Database, draft: Make) -> None:
        ticket = _filed(sqlite, draft(decision="auto"))
        for move, fields in [
            ("start", {}), ("reply", {"answer": "已清理"}), ("close", {}), ("reopen", {"note": "又来了"}), ("reply", {"answer": "再清理"}),
        ]:  # fmt: skip
            assert _post(desk, ticket, move, **fields).status_code == 303, move
        assert to_api(_now(sqlite, ticket), whole_phone=True)["state"] == "replied"
        assert _post(desk, ticket, "start").status_code == 409
        assert _post(desk, _filed(sqlite, draft()), "reject", note="诉讼中").status_code == 303

    def test_the_phone_is_shown_on_request_and_that_is_written_down(
        self, desk: httpx.Client, sqlite: Database, draft: Make
    ) -> None:
        ticket = _filed(sqlite, draft())
        assert "13812345678" not in desk.get(f"/desk/tickets/{ticket.number}").text
        assert _post(desk, ticket, "phone").json() == {"hidden": {"138****5678": "13812345678"}}
        assert (_now(sqlite, ticket).events[-1].what, _now(sqlite, ticket).events[-1].who) == ("show_phone", "alice")
        assert "查看联系电话" in desk.get(f"/desk/tickets/{ticket.number}").text

    @pytest.mark.parametrize("move", ["accept", "correct", "reject", "start", "reply", "close", "reopen", "phone"])
    def test_a_post_without_the_token_changes_nothing(
        self, desk: httpx.Client, sqlite: Database, draft: Make, move: str
    ) -> None:
        ticket = _filed(sqlite, draft())
        answer = desk.post(f"/desk/tickets/{ticket.number}/{move}", data={"version": "1", "csrf": "wrong"})
        assert answer.status_code == 403 and _now(sqlite, ticket).version == 1
        desk.cookies.clear()
        answer = desk.post(f"/desk/tickets/{ticket.number}/{move}", data={"version": "1"})
        assert answer.headers["location"].startswith("/desk/login")

    def test_a_huge_form_is_refused(self, desk: httpx.Client, sqlite: Database, draft: Make) -> None:
        assert _post(desk, _filed(sqlite, draft()), "reply", answer="x" * 300_000).status_code == 413


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("电话13812345678。", "电话138****5678。"),
        ("138 1234 5678或0755-12345678", "138 **** 5678或075*-****5678"),
        ("身份证44030119900101123X", "身份证440***********123X"),
        ("没有号码", "没有号码"),
        ("", ""),
    ],
)
def test_personal_numbers_are_hidden(text: str, shown: str) -> None:
    secrets = Secrets()
    pieces = secrets.pieces(text, [(0, 2, "evidence"), (1, 99, "reason")])
    assert "".join(p.text for p in pieces) == shown
    for hidden, original in secrets.originals.items():
        shown = shown.replace(hidden, original)
    assert shown == text


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, "剩 0 分"),
        (59, "剩 59 分"),
        (65, "剩 1 小时 5 分"),
        (600, "剩 10 小时"),
        (4000, "剩 2 天"),
        (-1, "超时 1 分"),
        (-3000, "超时 2 天"),
    ],
)
def test_time_left_is_said_in_words(minutes: int, said: str) -> None:
    from datetime import UTC, datetime, timedelta

    moment = datetime(2026, 11, 24, tzinfo=UTC)
    assert remaining(moment + timedelta(minutes=minutes), moment) == said
