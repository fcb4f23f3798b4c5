import stat
from pathlib import Path

import pytest

from minyi.keys import Keys
from minyi.settings import Settings, load_settings
from nlu.errors import SettingsInvalid


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data=tmp_path / "data")


def test_keys_are_made_once_and_kept(settings: Settings) -> None:
    keys = Keys.load(settings)
    assert Keys.load(settings) == keys
    assert len({keys.api, keys.cookies, keys.engine}) == 3
    assert min(map(len, (keys.api, keys.cookies, keys.engine))) >= 32


def test_only_the_owner_may_read_them(settings: Settings) -> None:
    Keys.load(settings)
    folder = settings.data / "keys"
    assert sorted(path.name for path in folder.iterdir()) == ["api_token", "cookies", "engine"]
    for path in [folder, *folder.iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_token_that_was_set_is_used_and_not_written(tmp_path: Path) -> None:
    keys = Keys.load(load_settings(data=tmp_path, api_token="mine"))
    assert keys.api == "mine"
    assert not (tmp_path / "keys" / "api_token").exists()


def test_what_a_cut_off_start_left_is_made_anew(settings: Settings) -> None:
    keys = Keys.load(settings)
    (settings.data / "keys" / "cookies").write_text("")
    again = Keys.load(settings)
    assert (again.api, again.engine) == (keys.api, keys.engine)
    assert len(again.cookies) >= 32


@pytest.mark.parametrize("spoil", ["bytes", "folder", "file in the way"])
def test_what_cannot_be_used_is_told_with_its_path(settings: Settings, spoil: str) -> None:
    path = settings.data / "keys" / "cookies"
    if spoil == "file in the way":
        settings.data.write_text("")
    else:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"\xff" * 64) if spoil == "bytes" else path.mkdir()
    with pytest.raises(SettingsInvalid, match="check MINYI_DATA"):
        Keys.load(settings)
