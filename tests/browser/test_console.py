"""An agent at work in a real browser, on a real server."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "desk"))
from desk_helpers import PASSWORD, make_app, served, tiny_reader

from desk.config import DeskConfig
from desk.database import Database, open_database
from desk.drafting import draft_of
from desk.people import add_user
from desk.tickets import file_ticket, find_ticket
from nlu.reader import Reader

pytestmark = pytest.mark.browser

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
STALL, WATER, NOISE = "江边公园门口烧烤摊占道，电话13812345678", "小区停水两天了，没法做饭", "楼上邻居半夜唱歌吵闹"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return tiny_reader(tmp_path_factory.mktemp("city"))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{tmp_path / 'desk.sqlite'}")
    with database.session() as session:
        add_user(session, "alice", PASSWORD)
    yield database
    database.dispose()


@pytest.fixture
def page(reader: Reader, database: Database) -> Iterator[Page]:
    """alice's browser after the login, at the list; the page's own errors fail the test."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is missing: apt-get install chromium fonts-noto-cjk")
    faults: list[str] = []
    with served(make_app(reader, database)) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1366, "height": 768}, base_url=address)
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.goto("/desk")
        page.get_by_label("用户名").fill("alice")
        page.get_by_label("密码").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="下一件待分拨")).to_be_visible()
        yield page
        browser.close()
    assert faults == []


def _file(database: Database, reader: Reader, text: str) -> str:
    draft = draft_of(reader.read(text), reader.city.catalogue, key=uuid.uuid4().hex, channel="web", sender="resident")
    with database.session() as session:
        # the tiny model is sure of itself; these are for an agent
        return file_ticket(session, type(draft)(**{**vars(draft), "decision": "review"}), DeskConfig()).number


def _state(database: Database, number: str) -> tuple[str, str, str | None]:
    with database.session() as session:
        ticket = find_ticket(session, number)
        assert ticket is not None
        return ticket.state, ticket.department, ticket.item


def test_three_tickets_with_five_keys(page: Page, database: Database, reader: Reader) -> None:
    first, second, third = (_file(database, reader, text) for text in (STALL, NOISE, NOISE))
    page.keyboard.press("j")
    expect(page.get_by_role("heading", name=first)).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name=second)).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text(f"{first} 已分拨：城管局")
    page.keyboard.press("2")
    page.keyboard.press("c")
    expect(page.get_by_role("heading", name=third)).to_be_visible()
    assert _state(database, first) == ("routed", "urban_management", "street_stall")
    with database.session() as session:
        ticket = find_ticket(session, second)
        assert ticket is not None
        assert ticket.department == ticket.reading["departments"][1]["code"] and ticket.state == "routed"


def test_any_department_and_item_is_found_by_typing(page: Page, database: Database, reader: Reader) -> None:
    number = _file(database, reader, STALL)
    page.goto(f"/desk/tickets/{number}")
    page.keyboard.press("c")  # nothing chosen yet: C leads to the search
    page.keyboard.type("街道")
    expect(page.locator("#department-options li")).to_have_text(["街道办"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="事项")).to_have_value("未定事项")
    page.get_by_role("combobox", name="事项").click()
    page.keyboard.type("吵闹")
    page.get_by_role("option", name="社会生活噪声").click()
    expect(page.get_by_role("combobox", name="部门")).to_have_value("公安局")
    page.get_by_label("备注").fill("投诉的是噪声")
    page.get_by_role("button", name="更正").click()
    page.wait_for_url("**/desk")
    assert _state(database, number) == ("routed", "police", "noise_neighbour")


def test_keys_do_nothing_while_somebody_types(page: Page, database: Database, reader: Reader) -> None:
    number = _file(database, reader, STALL)
    page.goto(f"/desk/tickets/{number}")
    page.get_by_label("备注").fill("")
    page.get_by_label("备注").press_sequentially("ajc12")
    assert _state(database, number)[0] == "pending"


def test_the_phone_is_hidden_until_it_is_asked_for(page: Page, database: Database, reader: Reader) -> None:
    page.goto(f"/desk/tickets/{_file(database, reader, STALL)}")
    assert "13812345678" not in page.content()
    page.get_by_role("button", name="显示").click()
    expect(page.locator(".said")).to_contain_text("13812345678")
    page.reload()
    assert "13812345678" not in page.content()
    expect(page.get_by_text("查看联系电话")).to_be_visible()


def test_the_list_tells_of_new_tickets(page: Page, database: Database, reader: Reader) -> None:
    page.clock.install()
    page.goto("/desk")
    number = _file(database, reader, WATER)
    page.clock.run_for(16_000)
    expect(page.locator("[data-count=pending]")).to_have_text("1")
    page.get_by_text("有新的待分拨工单").click()
    page.get_by_text(WATER).click()
    expect(page.get_by_role("heading", name=number)).to_be_visible()


def test_everything_an_agent_decides_with_fits_on_a_small_screen(
    page: Page, database: Database, reader: Reader
) -> None:
    page.goto(f"/desk/tickets/{_file(database, reader, STALL)}")
    for name in ("采纳建议", "更正"):
        expect(page.get_by_role("button", name=name)).to_be_in_viewport()
    for box in (b.bounding_box() for b in page.locator(".accept, .choice, .correct").all()):
        assert box is not None and box["height"] >= 28 and box["x"] + box["width"] <= 1366
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_text_can_be_read_and_controls_have_names(page: Page, database: Database, reader: Reader) -> None:
    for path in ("/desk", f"/desk/tickets/{_file(database, reader, '三楼着火了，浓烟滚滚')}", "/desk/password"):
        page.goto(path)
        assert page.evaluate(_FAINT) == []
        assert page.evaluate(_NAMELESS) == []


# text whose contrast with the nearest painted background is below 4.5:1 (WCAG AA)
_FAINT = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const d = canvas.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255]; };
  const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map((v) => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * x + 0.7152 * y + 0.0722 * z; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor);
    if (c[3] > 0.99) return c; } return [255, 255, 255, 1]; };
  const faint = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility() || e.tagName === 'KBD') continue;
    const [a, b] = [light(rgba(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faint.push(`${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 20)} ${ratio.toFixed(2)}`);
  }
  return faint;
}"""
# controls that a screen reader could not name
_NAMELESS = """() => [...document.querySelectorAll('button, a[href], input:not([type=hidden]), select, textarea')]
  .filter((e) => e.checkVisibility() && !(e.textContent.trim() || e.ariaLabel || e.labels?.length)).map((e) => e.outerHTML)"""
