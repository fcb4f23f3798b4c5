"""A mini city with a tiny real model, and an app that holds the desk's routers alone, for tests in several folders."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from desk.api import api_router
from desk.config import DeskConfig
from desk.console import console_router, console_static
from desk.database import Database
from nlu.e5 import E5Small
from nlu.reader import City, Reader
from nlu.training.dataset import Example
from nlu.training.pipeline import train

TOKEN = "a-token-for-tests"
PASSWORD = "correct horse"
DEPARTMENTS = {
    "urban_management": ("城管局", "市容环卫、占道经营"),
    "water_supply": ("供水集团", "停水、水压、水质"),
    "police": ("公安局", "治安、纠纷"),
    "subdistrict": ("街道办", "社区事务"),
}
ITEMS = {
    "street_stall": ("占道经营", "urban_management", "流动摊贩占道摆卖，烧烤摊油烟"),
    "water_outage": ("停水", "water_supply", "小区停水、水压不足"),
    "noise_neighbour": ("社会生活噪声", "police", "邻居吵闹、广场舞"),
    "community": ("社区事务", "subdistrict", "社区日常事务"),
}
TEXTS = [
    ("楼下烧烤摊占道摆卖，半夜油烟大", "urban_management", "street_stall", "normal", "complaint", ""),
    ("路边流动摊贩占了人行道", "urban_management", "street_stall", "normal", "complaint", ""),
    ("小贩推车占道卖水果，走路都走不了", "urban_management", "street_stall", "normal", "complaint", ""),
    ("学校门口摆摊的太多了，占道经营", "urban_management", "street_stall", "normal", "complaint", ""),
    ("烧烤店把桌子摆到马路上，占道", "urban_management", "street_stall", "normal", "complaint", ""),
    ("小区停水两天了，没法做饭", "water_supply", "water_outage", "urgent", "help", ""),
    ("家里水压很低，洗澡没水", "water_supply", "water_outage", "urgent", "help", ""),
    ("自来水发黄有异味，什么时候恢复供水", "water_supply", "water_outage", "urgent", "consult", ""),
    ("整栋楼停水，老人没水喝", "water_supply", "water_outage", "urgent", "help", ""),
    ("又停水了，请问几点来水", "water_supply", "water_outage", "urgent", "consult", ""),
    ("邻居半夜唱歌吵得睡不着", "police", "noise_neighbour", "normal", "complaint", ""),
    ("广场舞音响太大，天天吵", "police", "noise_neighbour", "normal", "complaint", ""),
    ("楼上邻居吵闹到凌晨", "police", "noise_neighbour", "normal", "complaint", ""),
    ("隔壁打麻将喧哗，噪音大", "police", "noise_neighbour", "normal", "complaint", ""),
    ("三楼着火了，有人被困在里面", "police", "noise_neighbour", "critical", "help", "fire"),
    ("仓库起火，浓烟滚滚，快来人", "police", "noise_neighbour", "critical", "help", "fire"),
]


def write_city(folder: Path) -> None:
    """The written data of a city with four departments."""
    catalogue, places = folder / "catalogue", folder / "places"
    (catalogue / "items").mkdir(parents=True)
    places.mkdir()
    (catalogue / "departments.yml").write_text(
        "".join(
            f"- {{code: {code}, name: '{name}', full_name: '{name}', duties: '{duties}'"
            f"{', fallback: true' if code == 'subdistrict' else ''}}}\n"
            for code, (name, duties) in DEPARTMENTS.items()
        ),
        "utf-8",
    )
    (catalogue / "groups.yml").write_text("- {code: city, name: 全市}\n", "utf-8")
    (catalogue / "details.yml").write_text("- {code: place, name: 地点, question: '在哪里？'}\n", "utf-8")
    (catalogue / "hazards.yml").write_text(
        "- {code: fire, name: 火灾, call: ['119'], advice: '请立即拨打 119 并撤离', department: police}\n", "utf-8"
    )
    (catalogue / "hazard_cues.yml").write_text("- {code: fire, cues: ['着火|起火|浓烟']}\n", "utf-8")
    (catalogue / "items" / "all.yml").write_text(
        "".join(
            f"- {{code: {code}, name: '{name}', department: {owner}, group: city, about: '{about}'"
            f"{', co_departments: [police]' if code == 'street_stall' else ''}}}\n"
            for code, (name, owner, about) in ITEMS.items()
        ),
        "utf-8",
    )
    (places / "districts.yml").write_text(
        "- code: east\n  name: 东城区\n  aliases: [东城]\n  subdistricts:\n    - {code: east_river, name: 江边街道}\n",
        "utf-8",
    )
    (places / "landmarks.yml").write_text("- {name: 江边公园, kind: park, subdistrict: east_river}\n", "utf-8")


def tiny_reader(folder: Path) -> Reader:
    """A real model of the mini city, which is written into ``folder``."""
    write_city(folder)
    city = City.load(folder)
    encoder = E5Small()
    keys = ("text", "department", "item", "urgency", "kind", "hazard")
    examples = [Example(**dict(zip(keys, row, strict=True))) for row in TEXTS]
    return Reader(train(examples, encoder, city.catalogue), encoder, city)


def make_app(reader: Reader | None, database: Database, config: DeskConfig | None = None) -> FastAPI:
    """What ``minyi/app.py`` does for the desk, and nothing else."""
    app = FastAPI()
    app.state.reader, app.state.database, app.state.desk = reader, database, config or DeskConfig()
    app.state.api_token, app.state.secret = TOKEN, "s" * 32
    app.include_router(api_router())
    app.include_router(console_router())
    app.mount("/desk/static", console_static(), name="desk-static")
    return app


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address of a real server in a thread, on a free port of loopback."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
