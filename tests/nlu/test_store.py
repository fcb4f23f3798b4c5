import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nlu import store
from nlu.errors import ModelDamaged, ModelIncompatible, ModelMissing
from nlu.reader import City, Reader
from nlu.store import Model


@pytest.fixture
def folder(model: Model, tmp_path: Path) -> Path:
    store.save(model, tmp_path / "models" / "v1")
    return tmp_path / "models" / "v1"


def test_a_model_comes_back_and_reads_the_same(reader: Reader, folder: Path) -> None:
    again = Reader(store.load(folder), reader.encoder, reader.city)
    assert again.model.version == reader.model.version
    for name, p in reader.probabilities(["路灯不亮", "渡轮晚点"]).items():
        assert np.allclose(again.probabilities(["路灯不亮", "渡轮晚点"])[name], p, atol=2e-3), name


def test_a_model_holds_no_code_and_no_residents_words(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "vocabulary.json", "weights.safetensors"]
    assert "末班船提前开走了我们一车人没赶上" not in (folder / "vocabulary.json").read_text("utf-8")


def test_saving_leaves_nothing_else_behind(folder: Path) -> None:
    assert [path.name for path in folder.parent.iterdir()] == ["v1"]


def test_a_model_is_never_overwritten(model: Model, folder: Path) -> None:
    before = (folder / "model.json").read_bytes()
    with pytest.raises(ModelIncompatible, match="never overwritten"):
        store.save(model, folder)
    assert (folder / "model.json").read_bytes() == before


def test_a_folder_with_other_things_is_left_alone(model: Model, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("x")
    with pytest.raises(ModelIncompatible, match="not empty"):
        store.save(model, tmp_path / "notes")
    (tmp_path / "file").write_text("x")
    for target in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(ModelIncompatible):
            store.save(model, target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "notes"]


def test_an_empty_folder_may_be_given(model: Model, tmp_path: Path) -> None:
    (tmp_path / "fresh").mkdir()
    store.save(model, tmp_path / "fresh")
    assert store.load(tmp_path / "fresh").version == model.version


@pytest.mark.parametrize("name", ["model.json", "vocabulary.json", "weights.safetensors"])
@pytest.mark.parametrize("how", ["cut", "flipped", "emptied", "other"])
def test_damage_is_noticed(folder: Path, name: str, how: str) -> None:
    path = folder / name
    content = path.read_bytes()
    if how == "flipped":  # one digit or byte in the middle
        middle = content.index(b'"seed": 13') + 9 if name == "model.json" else len(content) // 2
        content = (
            content[:middle] + (b"4" if name == "model.json" else bytes([content[middle] ^ 1])) + content[middle + 1 :]
        )
    path.write_bytes({"cut": content[: len(content) // 2], "flipped": content, "emptied": b"", "other": b"[1, 2]"}[how])
    with pytest.raises(ModelDamaged, match="rollback"):
        store.load(folder)


@pytest.mark.parametrize("name", ["vocabulary.json", "weights.safetensors"])
def test_a_lost_file_is_damage(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelDamaged, match=name):
        store.load(folder)


def test_no_model_is_told_as_that(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="minyi train"):
        store.load(tmp_path)


def test_another_format_is_refused(folder: Path) -> None:
    card = json.loads((folder / "model.json").read_text("utf-8"))
    (folder / "model.json").write_text(json.dumps({**card, "format": 99}), "utf-8")
    with pytest.raises(ModelIncompatible, match="format 99"):
        store.load(folder)


def test_another_encoder_or_catalogue_is_refused(model: Model, reader: Reader, own_city: Path) -> None:
    other = replace(model, card={**model.card, "encoder": "another-1"})
    with pytest.raises(ModelIncompatible, match="another-1"):
        Reader(other, reader.encoder, reader.city)
    items = own_city / "catalogue" / "items" / "all.yml"
    items.write_text(items.read_text("utf-8").replace("ferry_late", "ferry_delay"), "utf-8")
    with pytest.raises(ModelIncompatible, match="ferry_late"):
        Reader(model, reader.encoder, City.load(own_city))


def test_promoting_and_the_way_back(model: Model, tmp_path: Path) -> None:
    assert (store.current(tmp_path), store.history(tmp_path), store.versions(tmp_path)) == (None, [], [])
    for name in ("v1", "v2"):
        store.save(replace(model, card={**model.card, "version": name, "created": name}), tmp_path / name)
        store.promote(tmp_path, name)
    assert store.current(tmp_path) == "v2"
    assert store.history(tmp_path) == ["v2", "v1"]
    assert [card["version"] for card in store.versions(tmp_path)] == ["v1", "v2"]
    store.promote(tmp_path, "v1")
    assert store.history(tmp_path) == ["v1", "v2"]


def test_a_damaged_model_is_not_promoted(folder: Path) -> None:
    (folder / "weights.safetensors").write_bytes(b"")
    with pytest.raises(ModelDamaged):
        store.promote(folder.parent, "v1")
    assert store.current(folder.parent) is None


@pytest.mark.parametrize("name", ["gone", "../models/v1", "", "."])
def test_what_is_no_version_is_not_promoted(folder: Path, name: str) -> None:
    with pytest.raises(ModelMissing):
        store.promote(folder.parent, name)
    assert store.current(folder.parent) is None


def test_a_strange_card_does_not_hide_the_others(folder: Path) -> None:
    for name, content in (("a", "[]"), ("b", "{"), ("c", '{"kind": "reader"}')):
        (folder.parent / name).mkdir()
        (folder.parent / name / "model.json").write_text(content)
    assert len(store.versions(folder.parent)) == 1
