import time

import pytest

from nlu.moments import find_time


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("昨晚十点楼下烧烤还在营业", "昨晚十点"),
        ("上周三停水", "上周三"),
        ("今天早上8点半堵车", "今天早上8点半"),
        ("从上个月开始就没人管", "从上个月开始"),
        ("每天凌晨两点装修", "每天凌晨两点"),
        ("每晚11:30到1点", "每晚11:30到1点"),
        ("3月15日发生的事", "3月15日"),
        ("2024年5月1号下午", "2024年5月1号下午"),
        ("2024-05-01 12:30断电", "2024-05-01 12:30"),
        ("已经三天没来水了", "已经三天"),
        ("两个多月了都没人处理", "两个多月了"),
        ("国庆期间停车乱收费", "国庆期间"),
        ("周末早上施工", "周末早上"),
        ("刚才有人打架", "刚才"),
        ("今晚七点半左右", "今晚七点半左右"),
        ("礼拜日晚上", "礼拜日晚上"),
        ("从昨天下午三点到现在", "从昨天下午三点到现在"),
        ("大前天夜里", "大前天夜里"),
        ("连续两晚", "连续两晚"),
        ("前几天傍晚", "前几天傍晚"),
        ("早高峰公交不停站", "早高峰"),
        ("昨日２２：３０开始", "昨日２２：３０开始"),
        ("晚上十二点以后还在吵", "晚上十二点以后"),
        ("上個禮拜五", "上個禮拜五"),
        ("半年前报过", "半年前"),
        ("放学时间门口堵", "放学"),
        # Cantonese
        ("噚晚成晚有人唱K", "噚晚"),
        ("琴日下昼开始冇水", "琴日下昼开始"),
        ("寻日朝早落雨浸咗", "寻日朝早"),
        ("尋日朝早落雨浸咗", "尋日朝早"),
        ("而家仲未有水", "而家"),
        ("头先见到有人跌落", "头先"),
        ("日日都停电", "日日"),
    ],
)
def test_the_residents_own_words_for_the_time(text: str, words: str) -> None:
    found = find_time(text)
    assert found is not None
    assert (found.text, text[found.start : found.end]) == (words, words)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "我们小区没有路灯",
        "12345热线打不通",
        "一共三百块",
        "住在3号楼",
        "欠了三个月工资",
        "11号线太挤",
        "😀",
    ],
)
def test_what_tells_no_time(text: str) -> None:
    assert find_time(text) is None


def test_a_day_is_told_before_a_duration() -> None:
    found = find_time("已经停了三个多小时，昨晚八点开始的")
    assert found is not None and found.text == "昨晚八点开始"


@pytest.mark.parametrize("words", ["都", "大概都", "一", "已经", "昨天到", "12:", "从", "半"])
def test_monotonous_texts_take_no_longer_than_others(words: str) -> None:
    started = time.process_time()
    find_time((words * 4000)[:4000] + "x")
    assert time.process_time() - started < 0.5
