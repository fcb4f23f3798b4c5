from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from desk_helpers import TOKEN, make_app, served

from desk.api.models import MOST, ReadingOut
from desk.database import Database
from desk.http import MAX_BODY
from nlu.reader import Reader

STALL = "东城区江边公园门口烧烤摊占道，昨晚油烟很大，电话13812345678"


def _file(api: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = api.post("/api/v1/tickets", json={"text": STALL} | fields)
    assert answer.status_code == 201, answer.text
    shape: dict[str, Any] = answer.json()
    return shape


def test_reads_a_text(api: httpx.Client, reader: Reader) -> None:
    reading = api.post("/api/v1/read", json={"text": STALL}).json()
    assert reading == ReadingOut(**reader.read(STALL).to_dict()).model_dump()
    assert reading["departments"][0]["code"] == "urban_management"
    assert reading["place"]["subdistrict"] == "east_river" and reading["phone"] == "13812345678"


@pytest.mark.parametrize("text", ["", "???", "字" * 300])
def test_reads_whatever_is_sent(api: httpx.Client, text: str) -> None:
    assert api.post("/api/v1/read", json={"text": text}).status_code == 200


def test_a_ticket_takes_from_the_text_what_is_missing(api: httpx.Client) -> None:
    ticket = _file(api)
    assert ticket["department"] == "urban_management" and ticket["item"] == "street_stall"
    assert ticket["co_departments"] == ["police"]
    assert ticket["channel"] == ticket["sender"] == "api"
    assert ticket["phone"] == "13812345678" and ticket["time"] == "昨晚"
    assert ticket["place"]["district_name"] == "东城区" and "start" not in ticket["place"]
    assert set(ticket["deadlines"]) == {"dispatch", "contact", "reply"}
    assert api.get(f"/api/v1/tickets/{ticket['number'].lower()}").json()["history"][0]["what"] == "file"


def test_what_the_client_says_wins(api: httpx.Client) -> None:
    ticket = _file(
        api,
        sender="u1",
        channel="gov",
        phone="0755-12345678",
        place="江边公园东门",
        item="noise_neighbour",
        urgency="urgent",
    )
    assert (ticket["department"], ticket["item"], ticket["urgency"]) == ("police", "noise_neighbour", "urgent")
    assert (ticket["sender"], ticket["channel"], ticket["phone"]) == ("u1", "gov", "075512345678")
    assert (ticket["place"]["text"], ticket["place"]["subdistrict"]) == ("江边公园东门", "east_river")
    assert (ticket["decision"], ticket["state"]) == ("auto", "routed")


def test_danger_waits_for_an_agent_with_its_owner_named(api: httpx.Client) -> None:
    ticket = _file(api, text="三楼着火了，有人被困", department="police")
    assert (ticket["state"], ticket["urgency"], ticket["hazard"]) == ("pending", "critical", "fire")
    assert ticket["department"] == "police"


@pytest.mark.parametrize("where", ["header", "body"])
def test_the_same_key_files_one_ticket(api: httpx.Client, where: str) -> None:
    def file(n: int) -> str:
        headers = {"Idempotency-Key": "k-1"} if where == "header" else {}
        body = {"text": f"{STALL}{n}"} | ({"key": "k-1"} if where == "body" else {})
        answer = api.post("/api/v1/tickets", json=body, headers=headers)
        assert answer.status_code == 201
        return str(answer.json()["number"])

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(file, range(6)))) == 1
    assert len(api.get("/api/v1/tickets").json()["tickets"]) == 1


def test_lists_newest_first_page_by_page(api: httpx.Client) -> None:
    numbers = [_file(api, sender="a" if n != 1 else "b")["number"] for n in range(4)]
    page = api.get("/api/v1/tickets", params={"sender": "a", "limit": 2, "state": ""}).json()
    assert [t["number"] for t in page["tickets"]] == [numbers[3], numbers[2]]
    rest = api.get("/api/v1/tickets", params={"sender": "a", "limit": 2, "before": page["next"]}).json()
    assert [t["number"] for t in rest["tickets"]] == [numbers[0]] and rest["next"] is None
    assert api.get("/api/v1/tickets", params={"state": "closed"}).json() == {"tickets": [], "next": None}


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer ünï"])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/read"), ("POST", "/tickets"), ("GET", "/tickets"), ("GET", "/tickets/x")]
)
def test_no_token_no_answer(api: httpx.Client, authorization: str | None, method: str, path: str) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    answer = httpx.request(
        method, f"{api.base_url}/api/v1{path}".replace("//api", "/api"), headers=headers, content=b"{"
    )
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert (
        answer.json()["error"]["code"] == "unauthorized"
        and "Authorization: Bearer" in answer.json()["error"]["message"]
    )


@pytest.mark.parametrize(
    ("path", "content", "told"),
    [
        ("/read", b"{", "JSON"),
        ("/read", b"[]", "JSON"),
        ("/read", b"{}", "text：必填"),
        ("/read", b'{"text": 5}', "text：应为字符串"),
        ("/read", ('{"text": "' + "x" * (MOST + 1) + '"}').encode(), "10000"),
        ("/tickets", b'{"text": ""}', "text：不能为空"),
        ("/tickets", b'{"text": " \\n"}', "text：不能为空"),
        ("/tickets", b'{"text": "a", "phone": "call me"}', "phone：应为 5 至 20 位"),
        ("/tickets", b'{"text": "a", "department": "nobody"}', "目录中没有“nobody”"),
        ("/tickets", b'{"text": "a", "item": "nothing"}', "目录中没有“nothing”"),
        ("/tickets", b'{"text": "a", "urgency": "soon"}', "urgency"),
    ],
)
def test_a_malformed_request_says_where(api: httpx.Client, path: str, content: bytes, told: str) -> None:
    answer = api.post(f"/api/v1{path}", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["code"] == "invalid" and told in answer.json()["error"]["message"]


@pytest.mark.parametrize("query", ["state=gone", "urgency=soon", "limit=0", "limit=999", "limit=x"])
def test_a_malformed_query_says_where(api: httpx.Client, query: str) -> None:
    answer = api.get(f"/api/v1/tickets?{query}")
    assert answer.status_code == 422 and query.split("=")[0] in answer.json()["error"]["message"]


def test_an_unknown_number_is_not_found(api: httpx.Client) -> None:
    answer = api.get("/api/v1/tickets/MY000000-000000")
    assert answer.status_code == 404 and answer.json()["error"]["code"] == "not_found"


def test_a_huge_body_is_refused(api: httpx.Client) -> None:
    assert api.post("/api/v1/read", json={"text": "x" * MAX_BODY}).status_code == 413
    in_parts = (b"x" * 1024 for _ in range(MAX_BODY // 1024 + 2))
    answer = api.post("/api/v1/read", content=in_parts)
    assert answer.status_code == 413, answer.text


@pytest.mark.parametrize(("text", "status"), [(r"a\u0000 <script>", 201), (r"a\ud800", 422), ("🚰停水了", 201)])
def test_odd_characters_do_no_harm(api: httpx.Client, text: str, status: int) -> None:
    content = f'{{"text": "{text}"}}'.encode()
    answer = api.post("/api/v1/tickets", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text


def test_before_the_model_is_loaded_clients_are_told_to_wait(sqlite: Database) -> None:
    with served(make_app(None, sqlite)) as address:
        answer = httpx.post(
            f"{address}/api/v1/read", json={"text": "停水"}, headers={"Authorization": f"Bearer {TOKEN}"}
        )
        assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0


def test_is_documented(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    filing = document["paths"]["/api/v1/tickets"]["post"]
    assert set(filing["responses"]) >= {"201", "401", "413", "422", "503"}
    assert filing["security"] and document["components"]["securitySchemes"]
    assert document["components"]["schemas"]["TicketIn"]["examples"]
    assert not [path for path in document["paths"] if path.startswith("/desk")]
