import time
from pathlib import Path

import numpy as np
import pytest

from nlu.e5 import E5Small
from nlu.errors import DataMalformed
from nlu.knowledge import Knowledge, _core, load_answers
from nlu.reader import City


@pytest.fixture(scope="module")
def knowledge(city_folder: Path, encoder: E5Small) -> Knowledge:
    return Knowledge(load_answers(city_folder / "faq"), encoder)


@pytest.mark.parametrize(
    ("question", "entry"),
    [
        ("渡轮几点开", "ferry_times"),
        ("请问渡轮几点开呀？", "ferry_times"),
        ("最晚的船几点", "ferry_times"),
        ("路燈壞了找誰", "lamp_report"),
        ("买了假货商家不肯退", "refund"),
    ],
)
def test_the_nearest_entry_comes_first(knowledge: Knowledge, question: str, entry: str) -> None:
    found = knowledge.search(question)
    assert found[0].entry.id == entry
    assert [m.score for m in found] == sorted((m.score for m in found), reverse=True)
    assert len({m.entry.id for m in found}) == len(found) == 3
    assert all(0 <= m.score <= 1.0001 for m in found)


def test_the_very_question_scores_highest(knowledge: Knowledge) -> None:
    assert knowledge.search("怎么报修路灯", most=1)[0].score > 0.95


def test_a_vector_at_hand_is_used(knowledge: Knowledge, encoder: E5Small) -> None:
    plain, given = (
        knowledge.search("渡轮几点开", vector=v, most=1)[0] for v in (None, encoder.encode(["渡轮几点开"])[0])
    )
    assert (plain.entry.id, plain.score) == (given.entry.id, pytest.approx(given.score))


@pytest.mark.parametrize("question", ["", "  ", "\n"])
def test_no_question_has_no_answer(knowledge: Knowledge, question: str) -> None:
    assert knowledge.search(question) == []


@pytest.mark.parametrize("question", ["？", "\0", "\ud800"])
def test_odd_questions_are_searched_too(knowledge: Knowledge, question: str) -> None:
    assert all(np.isfinite(m.score) for m in knowledge.search(question))


@pytest.mark.parametrize(
    ("question", "core"),
    [
        ("请问渡轮几点开？", "渡轮几点开"),
        ("您好，渡轮几点开呢谢谢！", "渡轮几点开"),
        ("渡轮几点开", "渡轮几点开"),
        ("好吗", "好吗"),
        ("吗？", "吗？"),
    ],
)
def test_greetings_and_particles_do_not_count(question: str, core: str) -> None:
    assert _core(question) == core


@pytest.mark.parametrize("question", ["吗" * 20_000, "?" * 20_000 + "x"])
def test_finding_the_core_takes_no_longer_than_reading(question: str) -> None:
    started = time.process_time()
    _core(question)
    assert time.process_time() - started < 0.5


ENTRY = "- {id: a1, title: 甲, department: lamps, questions: [甲], answer: 乙, where: 丙, source: 丁, date: 2026-01}\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (ENTRY + ENTRY.replace("[甲]", "[戊]"), "all.yml:2: code 'a1' is already used"),
        (ENTRY + ENTRY.replace("a1", "a2"), "all.yml:2: question '甲' already stands at"),
        (ENTRY.replace("lamps", "nobody"), "all.yml:1: unknown department 'nobody'"),
        (ENTRY.replace(", answer: 乙", ""), "all.yml:1: 'a1' has no answer"),
        (ENTRY.replace("[甲]", "[]"), "all.yml:1: 'a1' has an empty questions"),
        (ENTRY.replace("[甲]", "甲"), "all.yml:1: 'a1' has questions '甲', expected a list"),
        (ENTRY.replace("id: a1, ", ""), "has no id"),
        ("- 甲\n", "expected entries with keys"),
        ("[]", "no FAQ entries"),
    ],
)
def test_a_fault_names_file_and_line(own_city: Path, city: City, content: str, told: str) -> None:
    (own_city / "faq" / "all.yml").write_text(content, "utf-8")
    with pytest.raises(DataMalformed) as fault:
        load_answers(own_city / "faq", city.catalogue.departments)
    assert told in str(fault.value)


def test_the_shipped_answers_load(city_folder: Path) -> None:
    root = Path(__file__).parents[2] / "training_data"
    answers = load_answers(root / "faq", City.load(root).catalogue.departments)
    assert len(answers) >= 100
    assert all(a.where and a.source and a.date for a in answers)
