from pathlib import Path
from typing import Any

import pytest

from nlu.catalogue import Catalogue, load_catalogue
from nlu.errors import DataMalformed
from nlu.reader import City

SHIPPED = Path(__file__).parents[2] / "training_data"
NANSHAN = {"text": "科技园", "district": "nanshan", "district_name": "南山区"}
YUEHAI = NANSHAN | {"subdistrict": "nanshan_yuehai", "subdistrict_name": "粤海街道"}


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    return City.load(SHIPPED).catalogue


def test_the_place_names_the_office_of_the_level(shipped: Catalogue) -> None:
    street = next(i for i in shipped.items.values() if i.level == "subdistrict" and i.department == "urban_management")
    assert shipped.assign("urban_management", street.code, YUEHAI).unit == "粤海街道办事处"
    school = next(i for i in shipped.items.values() if i.level == "district" and i.department == "education")
    assert shipped.assign("education", school.code, YUEHAI).unit == "南山区教育局"
    fund = next(i for i in shipped.items.values() if i.level == "city" and i.department == "housing_fund")
    found = shipped.assign("housing_fund", fund.code, YUEHAI)
    assert (found.unit, found.level) == ("深圳市住房公积金管理中心", "city")
    assert shipped.assign("police", "street_disorder_fight", YUEHAI, settled=True).department == "police"


def test_an_unknown_place_goes_one_level_up_and_is_received_all_the_same(shipped: Catalogue) -> None:
    street = next(i for i in shipped.items.values() if i.level == "subdistrict" and i.department == "urban_management")
    found = shipped.assign("urban_management", street.code, NANSHAN)
    assert (found.unit, found.level, found.wanted) == ("南山区城市管理和综合执法局", "district", "subdistrict")
    nowhere = shipped.assign("urban_management", street.code, None)
    assert (nowhere.unit, nowhere.level) == ("深圳市城市管理和综合执法局", "city")


def test_the_fallback_is_the_subdistrict_office(shipped: Catalogue) -> None:
    assert shipped.assign(shipped.fallback, None, YUEHAI).unit == "粤海街道办事处"
    assert shipped.assign(shipped.fallback, None, NANSHAN).unit == "南山区政务服务和数据管理局"


def test_every_item_has_somebody_who_receives_it_everywhere(shipped: Catalogue) -> None:
    for item in (i for i in shipped.items.values() if i.department != "out_of_scope"):
        for place in (None, NANSHAN, YUEHAI):
            assert shipped.assign(item.department, item.code, place).unit, item.code


def test_rules_move_office_and_owner(shipped: Catalogue) -> None:
    dapeng = {"text": "南澳", "district": "dapeng", "district_name": "大鹏新区"}
    found = shipped.assign("water_affairs", None, dapeng)
    assert found.unit == "大鹏新区城市管理和水务局" and found.why
    station: dict[str, Any] = {"text": "深圳北站出站口", "district": "longhua", "district_name": "龙华区"}
    assert shipped.assign("urban_management", "public_toilet", station).department == "port_air_rail"
    # a person who chose the department keeps it
    assert shipped.assign("urban_management", "public_toilet", station, settled=True).department == "urban_management"


def test_a_label_of_a_models_own_has_no_office(shipped: Catalogue) -> None:
    assert shipped.assign("某某局", None, YUEHAI).unit == ""


def test_the_small_city_has_rules_of_its_own(own_city: Path) -> None:
    (own_city / "catalogue" / "ownership.yml").write_text(
        "- {why: 南岸的灯归港务局, items: [lamp_out], districts: [south], department: harbour}\n", "utf-8"
    )
    catalogue = City.load(own_city).catalogue
    south = {"text": "栈桥", "district": "south", "district_name": "南岸区"}
    assert catalogue.assign("lamps", "lamp_out", south).department == "harbour"
    assert catalogue.assign("lamps", "lamp_out", {"text": "柳荫", "district": "north"}).department == "lamps"
    assert catalogue.assign("town_hall", None, south | {"subdistrict_name": "栈桥街道"}).unit == "栈桥街道办事处"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("- {why: 甲, items: [gone], unit: 乙}\n", "ownership.yml:1: unknown item 'gone'"),
        ("- {why: 甲, departments: [gone], unit: 乙}\n", "ownership.yml:1: unknown department 'gone'"),
        ("- {why: 甲, items: [lamp_out], department: gone}\n", "ownership.yml:1: unknown department 'gone'"),
        ("- {why: 甲, items: [lamp_out], level: province}\n", "ownership.yml:1: unknown level 'province'"),
        ("- {why: 甲, items: [lamp_out]}\n", "ownership.yml:1: a rule that changes nothing"),
        ("- {why: 甲, unit: 乙}\n", "ownership.yml:1: a rule for nothing"),
        ("- {items: [lamp_out], unit: 乙}\n", "ownership.yml:1: '?' has no why"),
        ("- {why: 甲, items: lamp_out, unit: 乙}\n", "ownership.yml:1: '?' has items 'lamp_out', expected a list"),
        ("- {why: 甲, districts: [gone], unit: 乙}\n", "ownership.yml:1: unknown district 'gone'"),
        ("- {why: 甲, subdistricts: [gone], unit: 乙}\n", "ownership.yml:1: unknown subdistrict 'gone'"),
    ],
)
def test_a_fault_in_a_rule_is_told_with_its_line(own_city: Path, content: str, told: str) -> None:
    (own_city / "catalogue" / "ownership.yml").write_text(content, "utf-8")
    with pytest.raises(DataMalformed) as fault:
        City.load(own_city)
    assert told in str(fault.value)


OUT = """\
- {code: judged, name: 已判决, department: out_of_scope, about: 法院判了。, group: town}
- {code: pending, name: 在诉讼, department: out_of_scope, about: 法院在审。, group: town}
"""


@pytest.fixture
def with_court(own_city: Path) -> Path:
    with (own_city / "catalogue" / "departments.yml").open("a", encoding="utf-8") as file:
        file.write("- {code: out_of_scope, name: 不受理, full_name: 不受理, duties: 法院。}\n")
    (own_city / "catalogue" / "items" / "out.yml").write_text(OUT, "utf-8")
    return own_city / "catalogue"


def test_a_refusal_says_where_to_turn(with_court: Path) -> None:
    (with_court / "grounds.yml").write_text(
        "- {code: court, name: 法院, say: 请打12368。, ground: 诉讼法, items: [judged, pending]}\n"
        "- {code: nothing, name: 无内容, say: 请说清楚。, ground: 规定}\n",
        "utf-8",
    )
    catalogue = load_catalogue(with_court)
    ground = catalogue.refusal("judged")
    assert ground and ground.say == "请打12368。"
    assert catalogue.refusal("lamp_out") is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("- {code: court, name: 法院, say: 甲, ground: 乙, items: [judged]}\n", "item 'pending' of out_of_scope has no ground"),
        ("- {code: court, name: 法院, say: 甲, ground: 乙, items: [gone]}\n", "grounds.yml:1: unknown item 'gone'"),
        ("- {code: court, name: 法院, say: 甲, ground: 乙, items: [lamp_out]}\n", "'lamp_out' belongs to lamps"),
        ("- {code: court, name: 法院, ground: 乙}\n", "grounds.yml:1: 'court' has no say"),
        (
            "- {code: a1, name: 甲, say: 甲, ground: 乙, items: [judged, pending]}\n"
            "- {code: a2, name: 甲, say: 甲, ground: 乙, items: [judged]}\n",
            "grounds.yml:2: item 'judged' already has another ground",
        ),
    ],
)  # fmt: skip
def test_a_fault_in_the_grounds_is_told(with_court: Path, content: str, told: str) -> None:
    (with_court / "grounds.yml").write_text(content, "utf-8")
    with pytest.raises(DataMalformed) as fault:
        load_catalogue(with_court)
    assert told in str(fault.value)


def test_every_shipped_ground_says_where_to_turn(shipped: Catalogue) -> None:
    assert len(shipped.grounds) >= 8
    for item in shipped.items.values():
        if item.department == "out_of_scope":
            assert shipped.refusal(item.code), item.code
