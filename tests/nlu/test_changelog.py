from pathlib import Path

import pytest

from nlu.catalogue import load_catalogue
from nlu.errors import DataMalformed
from nlu.training.dataset import load_examples

SHIPPED = Path(__file__).parents[2] / "training_data" / "catalogue"
LOG = """\
- {version: 1, date: 2026-01-01, why: 第一版}
- {change: added, department: harbour, name: 港务局}
- {change: added, department: lamps, name: 路灯所}
- {change: added, department: markets, name: 市场所}
- {change: added, department: old_town, name: 旧镇公所}
- {change: added, item: ferry_late, name: 渡轮误点, owner: harbour}
- {change: added, item: lamp_out, name: 灯不亮, owner: harbour}
- {change: added, item: bad_scale, name: 秤不准, owner: markets}
- {change: added, item: fakes, name: 假货, owner: markets}
- {change: added, item: everything, name: 杂事, owner: old_town}
- {version: 2, date: 2026-06-01, why: 机构调整}
- {change: added, department: town_hall, name: 镇公所}
- {change: added, item: short_weight, name: 缺斤少两, owner: markets}
- {change: added, item: other_matter, name: 其他, owner: town_hall}
- {change: renamed, item: lamp_out, name: 路灯不亮}
- {change: moved, item: lamp_out, owner: lamps, why: 路灯所成立}
- {change: retired, item: bad_scale, into: [short_weight]}
- {change: retired, item: fakes, into: [bad_scale]}
- {change: retired, item: everything, into: [other_matter, lamp_out]}
- {change: retired, department: old_town, into: [town_hall]}
"""


def _log(city: Path, content: str) -> Path:
    (city / "catalogue" / "changes.yml").write_text(content, "utf-8")
    return city / "catalogue"


def test_the_log_gives_the_version_and_what_became_of_codes(own_city: Path) -> None:
    log = load_catalogue(_log(own_city, LOG)).changelog
    assert log.version == "2"
    assert [log.now(code) for code in ("bad_scale", "fakes", "everything", "old_town", "lamp_out", "")] == [
        "short_weight", "short_weight", "", "town_hall", "lamp_out", "",
    ]  # fmt: skip


def test_old_labels_are_read_as_what_they_mean_today(own_city: Path) -> None:
    catalogue = load_catalogue(_log(own_city, LOG))
    file = own_city / "old.csv"
    file.write_text("text,department,item\n秤少二两,,bad_scale\n什么都有,old_town,everything\n", "utf-8")
    first, second = load_examples([file], catalogue)
    assert (first.department, first.item) == ("markets", "short_weight")
    assert (second.department, second.item) == ("town_hall", "")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("item: lamp_out, name: 路灯不亮}", "item: lamp_out, name: 旧名}", "'lamp_out' has another name; write"),
        (", owner: lamps, why: 路灯所成立", ", owner: markets", "'lamp_out' has another owner; write {change: moved"),
        ("- {change: added, item: other_matter, name: 其他, owner: town_hall}\n", "", "'other_matter' is new; write"),
        ("department: lamps, name: 路灯所", "department: lights, name: 路灯所", "'lights' is gone; write"),
        ("version: 2", "version: 1", "version 1 is already described"),
        ("into: [short_weight]}", "into: [nowhere]}", "retired into 'nowhere', which does not exist"),
        ("change: renamed", "change: improved", "changes.yml:15: change 'improved' must be one of"),
        ("renamed, item: lamp_out", "renamed, item: gone", "changes.yml:15: item 'gone' does not exist at this point"),
        ("{change: retired, department: old_town, into: [town_hall]}", "{change: added, item: fakes, name: 假货, owner: lamps}",
         "changes.yml:20: 'fakes' was retired and meant something else; take a new code"),
        ("added, item: short_weight", "added, item: lamp_out", "changes.yml:13: item 'lamp_out' was added before"),
        ("- {version: 1, date: 2026-01-01, why: 第一版}\n", "", "changes.yml:1: the log must begin with a version"),
        ("name: 港务局}", "owner: 港务局}", "changes.yml:2: 'harbour' has no name"),
    ],
)  # fmt: skip
def test_what_the_log_does_not_say_is_told_with_what_to_write(own_city: Path, old: str, new: str, told: str) -> None:
    assert old in LOG
    with pytest.raises(DataMalformed) as fault:
        load_catalogue(_log(own_city, LOG.replace(old, new)))
    assert told in str(fault.value)


def test_the_shipped_catalogue_has_a_log() -> None:
    log = load_catalogue(SHIPPED).changelog
    assert int(log.version) >= 2
