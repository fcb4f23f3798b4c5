"""Taking a complaint down, with the shipped catalogue and gazetteer and a reader that needs no model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.actions.draft import Draft, needed, open_draft, question, read_back
from bot.actions.steps import Step, step
from bot.wording import say
from nlu.moments import find_time
from nlu.reader import City
from nlu.reading import Choice, Kind, Reading, UrgencyReading
from nlu.text import find_phone

CITY = City.load(Path(__file__).resolve().parents[2] / "training_data")
CATALOGUE = CITY.catalogue
LIGHT = next(code for code, item in CATALOGUE.items.items() if item.details == ("place", "phone"))
SHOP = next(code for code, item in CATALOGUE.items.items() if "merchant" in item.details and "time" not in item.details)


def reader(item: str = LIGHT, kind: str = "complaint", urgency: str = "normal", decision: str = "auto") -> Any:
    """Places, times and phones are read for real; what the model would say is given."""

    def read(text: str) -> Reading:
        other = "工资" in text  # one word stands for a matter of somebody else
        department = "human_resources" if other else CATALOGUE.items[item].department
        phone = find_phone(text)
        return Reading(
            text,
            Kind(kind, 0.9),
            (Choice(department, "", 0.9),),
            (Choice(item, "", 0.9),),
            decision,
            (department,),  # type: ignore[arg-type]
            UrgencyReading(urgency, None, None, (), 0.9),
            CITY.places.find(text),
            find_time(text),
            phone[0] if phone else None,
            (),
            "paper",  # type: ignore[arg-type]
        )

    return SimpleNamespace(city=CITY, read=read)


READER = reader()
WHOLE = "福田区莲花街道景田路的树枝挡住了红绿灯，电话13512345678"


def opened(text: str, by: Any = READER) -> Draft:
    return open_draft(by, text, "m0", "web:one")


def after(draft: Draft, *turns: tuple[str, str], by: Any = READER) -> Step:
    """The last step of several ``(intent, text)``."""
    result = Step(draft)
    for number, (intent, text) in enumerate(turns, 1):
        result = step(result.draft, intent, text, f"m{number}", by)
    return result


def test_what_is_said_is_not_asked() -> None:
    draft = opened(WHOLE)
    assert draft.asked == "" and draft.details["phone"] == "13512345678"
    assert draft.place and draft.place["district"] == "futian"


def test_what_is_missing_is_asked_in_the_order_of_the_item() -> None:
    draft = opened("卖假货不退钱", reader(SHOP))
    assert draft.asked == CATALOGUE.items[SHOP].details[0]
    assert needed(draft, CATALOGUE)[-1] == "phone"


def test_a_draft_survives_as_a_slot() -> None:
    draft = opened(WHOLE)
    assert Draft.from_slot(draft.to_slot()) == draft
    assert Draft.from_slot(None) is None
    old = draft.to_slot()
    del old["later"]
    assert Draft.from_slot(old) == draft


@pytest.mark.parametrize("kind", ["consult", "suggestion", "praise"])
def test_questions_proposals_and_praise_are_only_asked_for_a_phone(kind: str) -> None:
    assert needed(opened("想说一件事情", reader(SHOP, kind)), CATALOGUE) == ["phone"]


def test_in_a_danger_only_what_helps_to_get_there() -> None:
    draft = open_draft(reader(SHOP), "出事了", "m0", "web:one", hazard=True)
    assert draft.urgency == "critical"
    assert needed(draft, CATALOGUE) == ["place", "phone"]


def test_who_wants_a_person_is_only_asked_for_a_phone() -> None:
    assert needed(open_draft(READER, "", "m0", "web:one", human=True), CATALOGUE) == ["phone"]


@pytest.mark.parametrize("text", ["我们小区天天有人跳舞", "楼下烧烤摊油烟大", "我家门口堆满纸皮", "这条路坑坑洼洼"])
def test_a_vague_place_is_asked_for(text: str) -> None:
    draft = opened(text)
    assert draft.asked == "place"
    assert question(draft, CATALOGUE) == CATALOGUE.question(LIGHT, "place")


def test_a_place_without_a_district_is_asked_for_its_district_and_kept() -> None:
    draft = opened("楼道里堆了旧家具")
    first = after(draft, ("answer", "幸福里小区3栋"))
    assert first.draft.asked == "place"
    assert "幸福里小区" in question(first.draft, CATALOGUE)
    told = after(first.draft, ("answer", "宝安区西乡街道")).draft
    assert "西乡" in told.details["place"] and "幸福里小区" in told.details["place"]
    assert told.place and told.place["district"] == "baoan"
    assert "幸福里小区" in after(first.draft, ("skip", "不知道")).draft.details["place"]


def test_a_place_nobody_knows_is_taken_the_second_time() -> None:
    first = after(opened("井盖一直响"), ("answer", "老榕树底下"))
    assert first.say == (say("ask_again_place"),) and first.draft.hinted
    second = after(first.draft, ("answer", "就老榕树那里嘛"))
    assert second.draft.details["place"] and second.draft.asked == "phone"


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        ("在龙岗区布吉街道长龙社区。", "龙岗区布吉街道长龙社区"),
        ("就在南山区粤海街道那边啊", "南山区粤海街道"),
        ("地点是宝安区新安街道翻身路", "宝安区新安街道翻身路"),
    ],
)
def test_a_place_is_kept_without_the_words_around_it(answer: str, place: str) -> None:
    assert after(opened("路灯坏了"), ("answer", answer)).draft.details["place"] == place


def test_an_estate_nobody_knows_stays_with_its_subdistrict() -> None:
    told = after(opened("路灯坏了"), ("answer", "就在龙华区民治街道水榭春天这边")).draft
    assert told.details["place"] == "龙华区民治街道水榭春天" and told.place and told.place["district"] == "longhua"


def test_what_an_answer_tells_beyond_the_question_is_kept() -> None:
    told = after(opened("路灯坏了"), ("answer", "龙华区民治街道，已经有老人因为这个摔倒过两次")).draft
    assert "民治" in told.details["place"] and "摔倒过两次" in told.text
    bare = after(opened("路灯坏了"), ("answer", "就在龙华区民治街道那边")).draft
    assert bare.text == "路灯坏了"


def test_a_more_exact_time_is_added() -> None:
    told = after(opened("福田区莲花街道楼下天天路灯不亮"), ("answer", "晚上七点到十点"))
    assert told.draft.details["time"] == "天天晚上七点到十点" and told.draft.asked == "phone"
    assert told.say == (say("noted_detail", names="时间"),)
    assert told.draft.text == "福田区莲花街道楼下天天路灯不亮"


def test_a_whole_sentence_is_no_place() -> None:
    told = after(opened("路灯坏了"), ("answer", "我跟你说过了就是龙华区民治街道那边天天黑漆漆的啊")).draft
    assert "黑漆漆" not in told.details["place"] and "民治" in told.details["place"]


def test_several_answers_in_one() -> None:
    told = after(opened("路灯坏了"), ("answer", "龙华区民治街道，我电话186 6543 2100")).draft
    assert told.details["phone"] == "18665432100" and "民治" in told.details["place"]
    assert "186" not in told.details["place"] and told.asked == ""


def test_an_answer_to_another_question_is_kept_and_acknowledged() -> None:
    told = after(opened("路灯坏了"), ("answer", "13712345678"))
    assert told.draft.details["phone"] == "13712345678" and told.draft.asked == "place"
    assert told.say == (say("noted_detail", names="联系电话"),)


@pytest.mark.parametrize("text", ["1391234567", "139123456789", "号码呢", "12"])
def test_a_wrong_phone_is_asked_again_and_then_left_out(text: str) -> None:
    draft = opened("福田区莲花街道路灯坏了")
    assert draft.asked == "phone"
    again = after(draft, ("answer", text))
    wrong = "ask_again_phone" if len(text) > 5 else "ask_again_no_phone"
    assert again.draft.asked == "phone" and again.say == (say(wrong),)
    assert after(again.draft, ("answer", text)).draft.details["phone"] == ""


def test_yes_to_the_question_for_a_phone_is_no_phone() -> None:
    yes = after(opened("福田区莲花街道路灯坏了"), ("affirm", "可以"))
    assert yes.draft.asked == "phone" and not yes.confirmed and "联系电话" in yes.say[0]
    assert after(yes.draft, ("answer", "13512345678")).draft.asked == ""


@pytest.mark.parametrize("intent", ["skip", "deny"])
def test_any_detail_may_be_left_out(intent: str) -> None:
    draft, turns = opened("卖假货不退钱", reader(SHOP)), 0
    while draft.asked:
        draft, turns = after(draft, (intent, "不知道"), by=reader(SHOP)).draft, turns + 1
    assert turns == len(CATALOGUE.items[SHOP].details)


def test_short_answers_are_taken_as_said() -> None:
    draft = replace(opened("卖假货不退钱", reader(SHOP)), asked="merchant")
    assert after(draft, ("answer", "老王烧烤。"), by=reader(SHOP)).draft.details["merchant"] == "老王烧烤"


@pytest.mark.parametrize(
    ("text", "code", "value"),
    [
        ("电话错了，是13587654321", "phone", "13587654321"),
        ("电话改成 135-8765-4321", "phone", "13587654321"),
        ("时间不是今天早上，是昨天晚上", "time", "昨天晚上"),
        ("不是十点，是夜里一点", "time", "夜里一点"),
        ("地点应该是南山区粤海街道", "place", "南山区粤海街道"),
        ("唔系福田区，系南山区粤海街道", "place", "南山区粤海街道"),
        ("店名写错了，应该叫好又佳便利店", "merchant", "好又佳便利店"),
    ],
)
def test_a_correction_changes_the_field_it_means(text: str, code: str, value: str) -> None:
    draft = opened(WHOLE)
    draft = replace(draft, details=draft.details | {"merchant": "好又多超市", "time": "今天早上十点"})
    told = after(draft, ("correct", text))
    assert told.draft.details[code] == value
    assert told.say == (say("changed"),) and told.draft.asked == ""
    assert {k for k in draft.details if draft.details[k] != told.draft.details[k]} == {code}


def test_a_corrected_place_changes_the_district() -> None:
    told = after(opened(WHOLE), ("correct", "地点应该是南山区粤海街道")).draft
    assert told.place and told.place["district"] == "nanshan"
    assert "福田区" not in read_back(told, CATALOGUE).split("地点：")[1]


@pytest.mark.parametrize(
    ("text", "asked"), [("地点", "place"), ("电话不对", "phone"), ("内容错了", "text"), ("地址写错了", "place")]
)
@pytest.mark.parametrize("intent", ["correct", "deny", "answer"])
def test_naming_a_field_asks_for_it(text: str, asked: str, intent: str) -> None:
    assert after(opened(WHOLE), (intent, text)).draft.asked == asked


def test_a_story_told_again_replaces_the_first() -> None:
    told = after(opened(WHOLE), ("correct", "内容不对"), ("answer", "是路灯杆歪了")).draft
    assert told.text == "是路灯杆歪了" and told.details["phone"] == "13512345678" and told.asked == ""


def test_no_alone_asks_what_is_wrong() -> None:
    told = after(opened(WHOLE), ("deny", "不对"))
    assert told.say == (say("ask_what_is_wrong"),) and told.draft.hinted and not told.confirmed


def test_whoever_disagrees_with_the_department_gets_an_agent() -> None:
    told = after(opened(WHOLE), ("correct", "部门不对，这个不归他们管"))
    assert told.draft.decision == "review" and told.say == (say("human_review"),)


def test_more_of_the_story_is_added() -> None:
    told = after(opened(WHOLE), ("answer", "树枝上还缠着电线看着挺危险的"))
    assert told.draft.text.endswith("看着挺危险的") and told.say == (say("noted"),)


def test_another_matter_waits_its_turn() -> None:
    told = after(opened(WHOLE), ("answer", "对了我公司拖欠三个月工资不发"))
    assert told.draft.later == "对了我公司拖欠三个月工资不发"
    assert "工资" not in told.draft.text and told.say == (say("another_matter"),)


def test_confirmed_only_when_nothing_is_open() -> None:
    assert after(opened(WHOLE), ("affirm", "确认")).confirmed
    assert not after(opened("路灯坏了"), ("affirm", "好")).confirmed


def test_the_read_back_shows_the_district_and_hides_the_phone() -> None:
    text = read_back(after(opened("路灯坏了"), ("answer", "西乡固戍二路"), ("answer", "13512345678")).draft, CATALOGUE)
    assert "宝安区" in text and "135****5678" in text and "13512345678" not in text


def test_the_read_back_of_a_long_story_is_short() -> None:
    assert len(read_back(opened(WHOLE + "很长" * 400), CATALOGUE)) < 400


def test_the_story_has_an_end() -> None:
    draft = opened(WHOLE)
    for number in range(30):
        draft = after(draft, ("answer", f"第{number}次补充" + "说了很多" * 60)).draft
    assert len(draft.text) <= 4000


INTENTS = [
    "answer",
    "affirm",
    "deny",
    "skip",
    "correct",
    "complain",
    "inform_place",
    "inform_time",
    "inform_phone",
    "inform_detail",
]


@given(
    st.text(max_size=50),
    st.lists(st.tuples(st.sampled_from(INTENTS), st.text(max_size=40)), max_size=6),
    st.sampled_from([LIGHT, SHOP]),
)
def test_nothing_a_resident_says_breaks_it(text: str, turns: list[tuple[str, str]], item: str) -> None:
    by = reader(item)
    draft = opened(text, by)
    for number, (intent, said) in enumerate(turns):
        draft = step(draft, intent, said, f"m{number}", by).draft
        assert draft.asked in ("", "text", *CATALOGUE.details)
        if draft.asked:
            assert question(draft, CATALOGUE)
        assert read_back(draft, CATALOGUE)


@given(st.lists(st.text(min_size=1, max_size=30), min_size=16, max_size=16))
def test_the_questions_come_to_an_end(answers: list[str]) -> None:
    by = reader(SHOP)
    draft = opened("卖假货不退钱", by)
    for number, answer in enumerate(answers):
        if draft.asked:
            draft = step(draft, "answer", answer, f"m{number}", by).draft
    assert draft.asked == ""


def test_a_place_that_runs_on_into_the_sentence_is_cut() -> None:
    place = CITY.places.find("请问龙岗坪地那个低碳城明年的花展门票几月几号开售")
    assert place
    told = opened("请问龙岗坪地那个低碳城明年的花展门票几月几号开售").details["place"]
    assert told.startswith("龙岗坪地") and len(told) <= 16
