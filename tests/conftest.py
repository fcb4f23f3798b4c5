"""A small invented city with a real model, trained once a session: the city is data, and no test needs the shipped one for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from nlu.e5 import E5Small
from nlu.reader import City, Reader
from nlu.store import Model
from nlu.training.dataset import Example, load_examples
from nlu.training.pipeline import train

# two test processes share two cores: more threads for matrices would only get in each other's way
os.environ.setdefault("OMP_NUM_THREADS", "1")

# the same cases every time, and no stopwatch: other work may share the machine
settings.register_profile("minyi", derandomize=True, deadline=None, database=None)
settings.load_profile("minyi")

FILES = {
    "catalogue/departments.yml": """\
- {code: harbour, name: 港务局, full_name: 临河市港务局, duties: 码头、渡轮和航道。}
- {code: lamps, name: 路灯所, full_name: 临河市路灯管理所, duties: 路灯、景观灯。}
- {code: markets, name: 市场所, full_name: 临河市市场管理所, duties: 缺斤少两、假货、退款。}
- {code: town_hall, name: 镇公所, full_name: 临河市镇公所, duties: 其余的事。, fallback: true}
""",
    "catalogue/groups.yml": """\
- {code: river, name: 水上}
- {code: town, name: 城里}
""",
    "catalogue/details.yml": """\
- {code: place, name: 地点, question: 在哪里？}
- {code: pole, name: 灯杆号, question: 灯杆上的号码是多少？, said: ["灯杆\\\\d+"]}
- {code: subject, name: 事情, question: 什么事？, enough: 6}
""",
    "catalogue/hazards.yml": """\
- {code: fire, name: 着火, call: ["119"], advice: 请立即拨打119！, department: town_hall}
- {code: drowning, name: 落水, call: [119, 120], advice: 请立即拨打119和120！, department: harbour}
""",
    "catalogue/hazard_cues.yml": """\
- {code: fire, cues: [着火|起火|浓烟]}
- {code: drowning, cues: [落水|掉进河]}
- {code: doubt, cues: [火烧眉毛|演习]}
""",
    "catalogue/items/all.yml": """\
- {code: ferry_late, name: 渡轮误点, department: harbour, about: 渡轮晚开、停航、改班次。, group: river, details: [place]}
- code: lamp_out
  name: 路灯不亮
  department: lamps
  about: 路灯坏了、不亮、闪烁、灯杆歪斜。
  group: town
  details: [place, pole]
  co_departments: [town_hall]
  ask: {place: 哪一段路的灯不亮？}
- {code: short_weight, name: 缺斤少两, department: markets, about: 秤不准、卖假货、不肯退款。, group: town, anonymous: false, details: [subject]}
- {code: other_matter, name: 其他, department: town_hall, about: 没有归处的事。, group: town, reply_hours: 48, urgency: urgent}
""",
    "places/districts.yml": """\
- code: north
  name: 北岸区
  aliases: [北岸]
  subdistricts:
    - {code: north_willow, name: 柳荫街道, aliases: [柳荫]}
    - {code: north_mill, name: 磨坊街道}
- code: south
  name: 南岸区
  subdistricts:
    - {code: south_pier, name: 栈桥街道, aliases: [栈桥]}
""",
    "places/landmarks.yml": """\
- {name: 听涛阁, kind: landmark, subdistrict: south_pier}
- {name: 滨河步道, kind: park, districts: [north, south]}
""",
    "faq/all.yml": """\
- id: ferry_times
  title: 渡轮几点开
  department: harbour
  questions: [渡轮几点开, 最后一班船是什么时候, 渡轮班次在哪里查]
  answer: 六点到二十二点，每半小时一班。
  where: 码头公告栏
  source: 港务局
  date: 2026-01-05
- id: lamp_report
  title: 路灯坏了怎么报
  department: lamps
  questions: [路灯坏了找谁, 怎么报修路灯]
  answer: 告诉我灯杆号就行。
  where: 在这里登记
  source: 路灯所
  date: "2026-01"
- id: refund
  title: 买到假货怎么退
  department: markets
  questions: [买到假货怎么办, 商家不退款找谁]
  answer: 留好小票，在这里登记。
  where: 在这里登记
  source: 市场所
  date: "2026-01"
""",
    "complaints/all.csv": """\
text,department,item,urgency,kind,hazard,place
渡轮又晚开了半个钟头,harbour,ferry_late,normal,complaint,,
码头上等了四十分钟没有船,harbour,ferry_late,normal,complaint,,
听涛阁那边的渡轮停航怎么不通知,harbour,ferry_late,normal,complaint,,听涛阁
渡轮改班次了吗几点开,harbour,ferry_late,normal,consult,,
渡轮甲板上有个洞,harbour,ferry_late,urgent,report,,
末班船提前开走了我们一车人没赶上,harbour,ferry_late,normal,complaint,,
有小孩在渡轮码头掉进河里了,harbour,ferry_late,critical,help,drowning,
老人落水了快来人,harbour,ferry_late,critical,help,drowning,
柳荫街道的路灯不亮,lamps,lamp_out,normal,complaint,,柳荫街道
我家门口路灯坏了半个月,lamps,lamp_out,normal,complaint,,
一整条街的路灯都灭了,lamps,lamp_out,urgent,help,,
路灯一闪一闪晃得睡不着,lamps,lamp_out,normal,complaint,,
灯杆歪了快要倒了,lamps,lamp_out,urgent,report,,
路灯几点亮,lamps,lamp_out,normal,consult,,
北岸灯杆被车撞歪了路灯不亮,lamps,lamp_out,urgent,report,,北岸
卖鱼的秤不准少了二两,markets,short_weight,normal,complaint,,
市场里买到假货不给退款,markets,short_weight,normal,complaint,,
肉铺缺斤少两还骂人,markets,short_weight,normal,complaint,,
买水果老板不肯退款,markets,short_weight,normal,help,,
假酒哪里举报,markets,short_weight,normal,report,,
市场着火了浓烟滚滚,markets,short_weight,critical,help,fire,
卖菜的秤都不准谁来管,markets,short_weight,normal,complaint,,
谢谢你们上次帮忙,,,normal,other,,
在吗,,,normal,other,,
""",
}


def write_city(folder: Path) -> Path:
    """The city's files under ``folder``."""
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return folder


@pytest.fixture(scope="session")
def city_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The invented city, for reading only."""
    return write_city(tmp_path_factory.mktemp("linhe"))


@pytest.fixture
def own_city(tmp_path: Path) -> Path:
    """A copy of the invented city that a test may spoil."""
    return write_city(tmp_path / "linhe")


@pytest.fixture(scope="session")
def city(city_folder: Path) -> City:
    return City.load(city_folder)


@pytest.fixture(scope="session")
def encoder() -> E5Small:
    return E5Small()


@pytest.fixture(scope="session")
def examples(city_folder: Path, city: City) -> list[Example]:
    return load_examples([city_folder / "complaints" / "all.csv"], city.catalogue)


@pytest.fixture(scope="session")
def model(examples: list[Example], encoder: E5Small, city: City) -> Model:
    return train(examples, encoder, city.catalogue, cues=city.cues)


@pytest.fixture(scope="session")
def reader(model: Model, encoder: E5Small, city: City) -> Reader:
    return Reader(model, encoder, city)
