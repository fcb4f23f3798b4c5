import re
from pathlib import Path

import pytest

from nlu.catalogue import Catalogue, load_catalogue
from nlu.errors import DataMalformed
from nlu.urgency import load_cues

SHIPPED = Path(__file__).parents[2] / "training_data" / "catalogue"
DEPARTMENTS = set(
    re.findall(
        r"\w+",
        "police traffic_police urban_management housing housing_fund transport bus_metro port_air_rail environment water_affairs water_supply "
        "power_grid gas telecom postal market_regulation human_resources medical_insurance education health civil_affairs disabled_federation "
        "veterans culture_tourism_sports planning_land emergency_management fire tax commerce industry_it development_reform finance_regulation "
        "justice petition government_services agriculture customs_border weather unions_youth_women subdistrict out_of_scope",
    )
)


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    return load_catalogue(SHIPPED)


def test_the_shipped_catalogue_has_the_departments_of_the_design(shipped: Catalogue) -> None:
    assert set(shipped.departments) == DEPARTMENTS
    assert len(DEPARTMENTS) == 41
    assert shipped.fallback == "subdistrict"


def test_the_shipped_items_cover_every_department(shipped: Catalogue) -> None:
    missing = DEPARTMENTS - {path.stem for path in (SHIPPED / "items").glob("*.yml")}
    if missing:
        pytest.skip(f"items are still to be written for {', '.join(sorted(missing))}")
    assert len(shipped.items) >= 150
    assert {item.department for item in shipped.items.values()} == DEPARTMENTS


def test_shipped_hazards_say_whom_to_call_and_are_recognised(shipped: Catalogue) -> None:
    cues = load_cues(SHIPPED / "hazard_cues.yml", shipped)
    for hazard in shipped.hazards.values():
        assert set(hazard.call) & {"110", "119", "120", "122"}, hazard
        assert any(number in hazard.advice for number in hazard.call), hazard
        assert hazard.code in cues.dangers, hazard


def test_every_shipped_detail_can_be_asked(shipped: Catalogue) -> None:
    for item in shipped.items.values():
        for detail in item.details:
            assert shipped.question(item.code, detail).strip(), item


def test_an_items_own_wording_is_asked_first(city_folder: Path) -> None:
    catalogue = load_catalogue(city_folder / "catalogue")
    assert catalogue.question("lamp_out", "place") == "哪一段路的灯不亮？"
    assert catalogue.question("lamp_out", "pole") == "灯杆上的号码是多少？"
    assert catalogue.question(None, "place") == catalogue.question("gone", "place") == "在哪里？"
    assert catalogue.fallback == "town_hall"
    assert catalogue.hazards["drowning"].call == ("119", "120")
    assert (catalogue.department_name("lamps"), catalogue.department_name("gone")) == ("路灯所", "gone")
    assert (catalogue.item_name("lamp_out"), catalogue.item_name("gone")) == ("路灯不亮", "gone")


@pytest.mark.parametrize(
    ("detail", "text", "found"),
    [
        ("pole", "坏的是灯杆１２３那盏", "灯杆１２３"),
        ("pole", "不知道", None),
        ("subject", "楼下卖的酒是假的", "楼下卖的酒是假的"),
        ("subject", "不好", None),
    ],
)
def test_a_detail_already_said_is_found(city_folder: Path, detail: str, text: str, found: str | None) -> None:
    assert load_catalogue(city_folder / "catalogue").details[detail].find(text) == found


ITEM = "- {code: lamp_out, name: 路灯不亮, department: lamps, about: 路灯。, group: town"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (
            "items/all.yml",
            f"{ITEM}}}\n- {{code: b1, name: 甲, department: nobody, about: 乙, group: town}}\n",
            "all.yml:2: unknown department 'nobody'",
        ),
        ("items/all.yml", f"{ITEM}, details: [colour]}}\n", "all.yml:1: unknown detail 'colour'"),
        ("items/all.yml", f"{ITEM}, ask: {{colour: 什么颜色}}}}\n", "all.yml:1: unknown detail 'colour'"),
        ("items/all.yml", f"{ITEM}, co_departments: [nobody]}}\n", "all.yml:1: unknown department 'nobody'"),
        ("items/all.yml", f"{ITEM}, urgency: soon}}\n", "all.yml:1: unknown urgency 'soon'"),
        ("items/all.yml", f"{ITEM}, colour: red}}\n", "all.yml:1: unknown key 'colour'"),
        ("items/all.yml", f"{ITEM}, level: province}}\n", "all.yml:1: unknown level 'province'"),
        ("items/all.yml", f"{ITEM}, anonymous: maybe}}\n", "has anonymous 'maybe', expected true or false"),
        ("items/all.yml", f"{ITEM}, reply_hours: 0}}\n", "all.yml:1: 'lamp_out' has reply_hours 0"),
        ("groups.yml", "- {code: river, name: 水上}\n", "all.yml:2: unknown group 'town'"),
        (
            "items/all.yml",
            "\n- code: lamp_out\n  name: 路灯不亮\n  about: 路灯。\n  group: town\n",
            "all.yml:2: 'lamp_out' has no department",
        ),
        ("items/all.yml", f"{ITEM}}}\n{ITEM}}}\n", "all.yml:2: code 'lamp_out' is already used at"),
        (
            "items/all.yml",
            "- {code: Lamp Out, name: 甲, department: lamps, about: 乙, group: town}\n",
            "all.yml:1: code 'Lamp Out' must be",
        ),
        (
            "items/all.yml",
            "- {code: 5, name: 甲, department: lamps, about: 乙, group: town}\n",
            "all.yml:1: code 5 must be",
        ),
        (
            "items/all.yml",
            "- {code: b1, name: '', department: lamps, about: 乙, group: town}\n",
            "all.yml:1: 'b1' has an empty name",
        ),
        (
            "items/all.yml",
            "- {code: b1, name: 12, department: lamps, about: 乙, group: town}\n",
            "all.yml:1: 'b1' has name 12, expected text",
        ),
        ("items/all.yml", f"{ITEM}, details: place}}\n", "all.yml:1: 'lamp_out' has details 'place', expected a list"),
        ("items/all.yml", f"{ITEM}, details: [[place]]}}\n", "all.yml:1: 'lamp_out' has details"),
        ("items/all.yml", f"{ITEM}, ask: 在哪里}}\n", "all.yml:1: 'lamp_out' has ask '在哪里', expected keys"),
        (
            "items/all.yml",
            "- {code: b1, name: 甲, department: [lamps], about: 乙, group: town}\n",
            "all.yml:1: 'b1' has department",
        ),
        (
            "items/all.yml",
            "- code: b1\n  name: 甲\n  name: 乙\n",
            "all.yml:1: not readable as YAML (key 'name' is given twice)",
        ),
        ("items/all.yml", "- code: b1\n  name: [甲\n", "all.yml:3: not readable as YAML"),
        ("items/all.yml", "- code: b1\n\tname: 甲\n", "all.yml:2: not readable as YAML"),
        ("items/all.yml", "code: b1\n", "all.yml:1: expected a list"),
        ("items/all.yml", "- 甲\n", "expected entries with keys, found '甲'"),
        ("items/all.yml", "", "all.yml:1: expected a list"),
        (
            "departments.yml",
            "- {code: lamps, name: 路灯所, full_name: 所, duties: 灯}\n",
            "departments.yml: exactly one department must have fallback",
        ),
        ("departments.yml", "[]\n", "departments.yml: exactly one department must have fallback"),
        (
            "departments.yml",
            "- {code: lamps, name: 路灯所, full_name: 所, duties: 灯, fallback: 是}\n",
            "departments.yml:1: 'lamps' has fallback '是'",
        ),
        (
            "details.yml",
            "- {code: place, name: 地点, question: 在哪里？, said: ['(']}\n",
            "details.yml:1: 'place' has a pattern",
        ),
        (
            "details.yml",
            "- {code: place, name: 地点, question: 在哪里？, said: 灯杆}\n",
            "details.yml:1: 'place' has said '灯杆', expected a list",
        ),
        (
            "hazards.yml",
            "- {code: fire, name: 火, call: '119', advice: 打119, department: lamps}\n",
            "hazards.yml:1: 'fire' has call '119', expected a list",
        ),
        (
            "hazards.yml",
            "- {code: fire, name: 火, call: [119], advice: 打119, department: nobody}\n",
            "hazards.yml:1: unknown department 'nobody'",
        ),
    ],
)
def test_a_fault_names_file_and_line(own_city: Path, name: str, content: str, told: str) -> None:
    (own_city / "catalogue" / name).write_text(content, "utf-8")
    with pytest.raises(DataMalformed) as fault:
        load_catalogue(own_city / "catalogue")
    assert told in str(fault.value)


def test_all_faults_are_told_at_once(own_city: Path) -> None:
    (own_city / "catalogue" / "details.yml").write_text("- {code: place}\n", "utf-8")
    (own_city / "catalogue" / "items" / "more.yml").write_text("- {code: b1}\n- {code: b2}\n", "utf-8")
    with pytest.raises(DataMalformed) as fault:
        load_catalogue(own_city / "catalogue")
    lines = str(fault.value).splitlines()
    assert len([line for line in lines if re.search(r"more\.yml:[12]: 'b[12]' has no", line)]) == 8
    assert any("details.yml:1" in line for line in lines)


@pytest.mark.parametrize("name", ["groups.yml", "departments.yml", "details.yml", "hazards.yml"])
def test_a_missing_file_is_named(own_city: Path, name: str) -> None:
    (own_city / "catalogue" / name).unlink()
    with pytest.raises(DataMalformed, match=f"{name}: the file is missing"):
        load_catalogue(own_city / "catalogue")


def test_a_file_that_is_no_text_is_named(own_city: Path) -> None:
    (own_city / "catalogue" / "details.yml").write_bytes("- {code: place, name: 地点}".encode("gb18030"))
    with pytest.raises(DataMalformed, match=r"details\.yml: not readable as YAML"):
        load_catalogue(own_city / "catalogue")


def test_a_catalogue_without_items_is_refused(own_city: Path) -> None:
    (own_city / "catalogue" / "items" / "all.yml").unlink()
    with pytest.raises(DataMalformed, match="no item files"):
        load_catalogue(own_city / "catalogue")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("- {code: meteor, cues: [陨石]}\n", "hazard_cues.yml:1: unknown hazard 'meteor'"),
        ("- {code: fire, cues: ['(']}\n", "hazard_cues.yml:1: cue of 'fire' is no regular expression"),
        ("- {code: fire, cues: 着火}\n", "hazard_cues.yml:1: 'fire' has cues '着火', expected a list"),
        ("[]\n", "hazard_cues.yml: no cues"),
    ],
)
def test_a_fault_in_the_cues_is_named(own_city: Path, content: str, told: str) -> None:
    (own_city / "catalogue" / "hazard_cues.yml").write_text(content, "utf-8")
    with pytest.raises(DataMalformed) as fault:
        load_cues(own_city / "catalogue" / "hazard_cues.yml", load_catalogue(own_city / "catalogue"))
    assert told in str(fault.value)
