from pathlib import Path

import pytest

from nlu.errors import DataMalformed
from nlu.places import Gazetteer, load_places
from nlu.reader import City

SHIPPED = Path(__file__).parents[2] / "training_data" / "places"


@pytest.fixture(scope="module")
def shenzhen() -> Gazetteer:
    return load_places(SHIPPED)


@pytest.mark.parametrize(
    ("text", "words", "district", "subdistrict"),
    [
        # full names
        ("南山区粤海街道有人摆摊", "南山区粤海街道", "nanshan", "nanshan_yuehai"),
        ("光明区马田街道", "光明区马田街道", "guangming", "guangming_matian"),
        ("大鹏新区葵涌", "大鹏新区葵涌", "dapeng", "dapeng_kuichong"),
        ("我家住宝安区新安街道宝民一路23号", "宝安区新安街道宝民一路23号", "baoan", "baoan_xinan"),
        ("龙岗区布吉街道", "龙岗区布吉街道", "longgang", "longgang_buji"),
        ("民治街道梅龙路", "民治街道梅龙路", "longhua", "longhua_minzhi"),
        ("福海街道桥头", "福海街道", "baoan", "baoan_fuhai"),
        (
            "光明马田街道合水口新村一巷7号 有人在楼顶养鸡",
            "光明马田街道合水口新村一巷7号",
            "guangming",
            "guangming_matian",
        ),
        # bare and short names
        ("布吉这边停水", "布吉", "longgang", "longgang_buji"),
        ("坪山什么时候通地铁", "坪山", "pingshan", None),
        ("福永堵车", "福永", "baoan", "baoan_fuyong"),
        ("松岗路灯不亮", "松岗", "baoan", "baoan_songgang"),
        ("南园有人吵架", "南园", "futian", "futian_nanyuan"),
        ("罗湖区翠竹路积水", "罗湖区翠竹路", "luohu", None),  # the road leaves 翠竹街道
        ("景田社区垃圾没人收", "景田社区", "futian", "futian_lianhua"),
        ("坂田街道岗头社区", "坂田街道岗头社区", "longgang", "longgang_bantian"),
        ("新安社区服务站关门", "新安社区", None, None),  # several districts have one
        ("观澜镇大布巷路烂", "观澜镇大布巷路", "longhua", None),  # the old town is three subdistricts today
        (
            "深南大道一路都堵得厉害，车公庙站C口挤",
            "车公庙站C口",
            "futian",
            "futian_shatou",
        ),  # a road across districts settles nothing
        ("盐田区沙头角海边", "盐田区沙头角", "yantian", "yantian_shatoujiao"),
        # traditional characters
        ("龍華區民治街道停水", "龍華區民治街道", "longhua", "longhua_minzhi"),
        ("寶安區沙井垃圾", "寶安區沙井", "baoan", "baoan_shajing"),
        # landmarks
        ("莲花山公园厕所脏", "莲花山公园", "futian", "futian_lianhua"),
        ("深圳北站出租车拒载", "深圳北站", "longhua", "longhua_minzhi"),
        ("世界之窗门口堵死", "世界之窗门口", "nanshan", "nanshan_shahe"),
        ("海上世界有人卖唱", "海上世界", "nanshan", "nanshan_zhaoshang"),
        ("西乡固戍一出口堵车", "西乡固戍一出口", "baoan", "baoan_xixiang"),
        ("坂田街道雪象村", "坂田街道雪象村", "longgang", "longgang_bantian"),
        # what settles only a part
        ("深圳湾公园有人钓鱼", "深圳湾公园", None, None),
        ("梧桐山垃圾没人收", "梧桐山", None, None),
        ("前海那边在施工", "前海", None, None),
        ("人民医院停车难", "人民医院", None, None),
        ("皇岗口岸排队", "皇岗口岸", "futian", None),
        # the resident's own district wins over a landmark elsewhere
        ("南山区莲花山公园有人唱歌", "南山区莲花山公园", "nanshan", None),
        # not in the gazetteer, and yet a place
        ("阳光花园三期有人打架", "阳光花园三期", None, None),
    ],
)
def test_where_a_text_speaks_of(
    shenzhen: Gazetteer, text: str, words: str, district: str | None, subdistrict: str | None
) -> None:
    place = shenzhen.find(text)
    assert place is not None
    assert text[place.start : place.end] == place.text
    assert place.text == words
    assert (place.district, place.subdistrict) == (district, subdistrict)
    assert place.district_name == shenzhen.districts.get(district or "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "光明正大地违规",
        "大鹏展翅",
        "和平共处",
        "平安回家",
        "我在路上",
        "走路不方便",
        "网路不通",
        "我们小区没有水",
        "凤凰",
        "东门很吵",
        "楼下路灯坏了",
        "招商银行不给取钱",
        "希望政府有个明确的出路",
        "公路局不管",
        "这条路太黑",
        "😀😀",
    ],
)
def test_common_words_are_no_place(shenzhen: Gazetteer, text: str) -> None:
    assert shenzhen.find(text) is None


def test_every_district_and_subdistrict_is_found_by_its_full_name(shenzhen: Gazetteer) -> None:
    missed = [
        name
        for code, (name, _) in shenzhen.subdistricts.items()
        if not (place := shenzhen.find(f"{shenzhen.districts[shenzhen.subdistricts[code][1]]}{name}有问题"))
        or place.subdistrict != code
    ]
    assert missed == []


@pytest.mark.parametrize("text", ["南山" * 2000, "龙华路" * 1300, "a路" * 2000, "区" * 4000, "\0南山\0", "\ud800福田"])
def test_strange_texts_are_searched_too(shenzhen: Gazetteer, text: str) -> None:
    place = shenzhen.find(text)
    assert place is None or place.end <= len(text)


@pytest.mark.parametrize(
    ("text", "district", "subdistrict"),
    [
        ("柳荫的灯", "north", "north_willow"),
        ("听涛阁门口", "south", "south_pier"),
        ("滨河步道", None, None),
        ("北岸滨河步道", "north", None),
    ],
)
def test_another_city_is_other_files(city: City, text: str, district: str | None, subdistrict: str | None) -> None:
    place = city.places.find(text)
    assert place is not None and (place.district, place.subdistrict) == (district, subdistrict)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (
            "landmarks.yml",
            "- {name: 听涛阁, kind: park, subdistrict: nowhere}\n",
            "landmarks.yml:1: unknown subdistrict 'nowhere'",
        ),
        (
            "landmarks.yml",
            "- {name: 听涛阁, kind: park, district: nowhere}\n",
            "landmarks.yml:1: unknown district 'nowhere'",
        ),
        ("landmarks.yml", "- {name: 听涛阁, kind: park}\n", "landmarks.yml:1: '听涛阁' has neither"),
        ("districts.yml", "- {code: a, name: 甲}\n", "districts.yml:1"),
        (
            "districts.yml",
            "- code: aa\n  name: 甲\n  subdistricts:\n    - {code: bb, name: 乙}\n    - {code: bb, name: 丙}\n",
            "districts.yml:5: code 'bb'",
        ),
        ("districts.yml", "- {code: aa, name: 甲, subdistricts: [乙]}\n", "districts.yml:1: 'aa' has subdistricts"),
        ("districts.yml", "- {code: aa, name: 甲, subdistricts: 乙}\n", "districts.yml:1: 'aa' has subdistricts"),
        (
            "districts.yml",
            "- {code: aa, name: 甲, aliases: 甲区, subdistricts: []}\n",
            "districts.yml:1: 'aa' has aliases '甲区', expected a list",
        ),
    ],
)
def test_a_fault_in_the_places_names_file_and_line(own_city: Path, name: str, content: str, told: str) -> None:
    (own_city / "places" / name).write_text(content, "utf-8")
    with pytest.raises(DataMalformed) as fault:
        load_places(own_city / "places")
    assert told in str(fault.value)


def test_areas_are_districts_and_subdistricts_not_landmarks(shenzhen: Gazetteer) -> None:
    text = "宝安区西乡街道固戍地铁站旁边，从南山开过来"
    assert [text[start:end] for start, end in shenzhen.areas(text)] == ["宝安区", "西乡街道", "南山"]


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        ("[柳荫]", "districts.yml:5: community '柳荫' must be written with 社区 at its end"),
        ("[柳荫社区, 柳荫社区]", "districts.yml:5: community '柳荫社区' is listed twice"),
        ("柳荫社区", "districts.yml:5: 'north_willow' has communities '柳荫社区', expected a list"),
    ],
)
def test_a_fault_in_the_communities_is_told_with_its_line(own_city: Path, listed: str, told: str) -> None:
    file = own_city / "places" / "districts.yml"
    file.write_text(file.read_text("utf-8").replace("aliases: [柳荫]}", f"communities: {listed}}}"), "utf-8")
    with pytest.raises(DataMalformed) as fault:
        load_places(own_city / "places")
    assert told in str(fault.value)
