from pathlib import Path

import pytest

from minyi.settings import Settings, config_file, load_settings
from nlu.errors import SettingsInvalid


def refusal() -> str:
    with pytest.raises(SettingsInvalid) as refused:
        load_settings()
    told = str(refused.value)
    assert "\n" not in told
    return told


def test_what_holds_when_nothing_is_set() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.wechat_token, settings.api_token) == ("127.0.0.1", 8000, None, None)
    assert settings.dispatch_hours == {"critical": 1, "urgent": 2, "normal": 24}
    assert settings.reply_hours == {"critical": 2, "urgent": 24, "normal": 168}
    assert settings.contact_hours == 24
    assert settings.database.startswith("sqlite:///") and settings.database.endswith("minyi.sqlite")


@pytest.mark.parametrize(
    ("name", "value", "attribute", "meant"),
    [
        ("MINYI_HOST", "0.0.0.0", "host", "0.0.0.0"),
        ("MINYI_PORT", "9001", "port", 9001),
        ("MINYI_DATA", "/srv/minyi", "data", Path("/srv/minyi")),
        ("MINYI_DATABASE_URL", "postgresql://h/d", "database", "postgresql://h/d"),
        ("MINYI_REDIS_URL", "redis://h", "redis_url", "redis://h"),
        ("MINYI_MODELS", "/srv/models", "models", Path("/srv/models")),
        ("MINYI_WECHAT_APPID", "wx1", "wechat_appid", "wx1"),
        ("MINYI_COOKIE_SECURE", "true", "cookie_secure", True),
        ("MINYI_LOG_LEVEL", "WARNING", "log_level", "warning"),
        (
            "MINYI_REPLY_HOURS",
            '{"critical": 1, "urgent": 2, "normal": 3}',
            "reply_hours",
            {"critical": 1, "urgent": 2, "normal": 3},
        ),
        ("MINYI_PORT", "", "port", 8000),
    ],
)
def test_the_environment_sets(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, attribute: str, meant: object
) -> None:
    monkeypatch.setenv(name, value)
    assert getattr(load_settings(), attribute) == meant


@pytest.mark.parametrize("name", ["MINYI_WECHAT_TOKEN", "MINYI_WECHAT_AES_KEY", "MINYI_API_TOKEN"])
def test_secrets_are_read_and_not_shown(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "s3cr3t-value")
    settings = load_settings()
    assert getattr(settings, name.removeprefix("MINYI_").lower()).get_secret_value() == "s3cr3t-value"
    assert "s3cr3t" not in repr(settings) and "s3cr3t" not in str(settings.model_dump())


def test_environment_over_file_over_default(monkeypatch: pytest.MonkeyPatch, clean_settings: Path) -> None:
    clean_settings.write_text('port = 8100\nhost = "::1"\n[dispatch_hours]\ncritical = 0.5\nurgent = 1\nnormal = 8\n')
    monkeypatch.setenv("MINYI_PORT", "8200")
    settings = load_settings()
    assert (settings.port, settings.host, settings.session_hours) == (8200, "::1", 12)
    assert settings.dispatch_hours["critical"] == 0.5
    assert load_settings(port=8300).port == 8300


def test_another_file_may_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("port = 8400\n")
    monkeypatch.setenv("MINYI_CONFIG", str(tmp_path / "other.toml"))
    assert config_file() == tmp_path / "other.toml"
    assert load_settings().port == 8400
    monkeypatch.setenv("MINYI_CONFIG", str(tmp_path / "gone.toml"))
    assert "gone.toml: no such file" in refusal()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("MINYI_PROT", "1", ["environment: unknown setting MINYI_PROT", "MINYI_PORT"]),
        ("minyi_prot", "1", ["environment: unknown setting minyi_prot"]),
        ("MINYI_PORT", "eighty", ["environment MINYI_PORT: port 'eighty'", "integer"]),
        ("MINYI_PORT", "70000", ["environment MINYI_PORT: port '70000'", "65535"]),
        ("MINYI_REPLY_DEADLINE", "9", ["environment MINYI_REPLY_DEADLINE", "4.9"]),
        ("MINYI_LOG_LEVEL", "loud", ["environment MINYI_LOG_LEVEL", "one of debug, info, warning, error"]),
        ("MINYI_COOKIE_SECURE", "perhaps", ["environment MINYI_COOKIE_SECURE", "boolean"]),
        ("MINYI_DISPATCH_HOURS", "2", ["environment MINYI_DISPATCH_HOURS", "dictionary"]),
        ("MINYI_DISPATCH_HOURS", "soon", ["environment MINYI_DISPATCH_HOURS: not readable as JSON"]),
        (
            "MINYI_DISPATCH_HOURS",
            '{"critical": 1}',
            ["environment MINYI_DISPATCH_HOURS", "critical, urgent and normal"],
        ),
        (
            "MINYI_REPLY_HOURS",
            '{"critical": 0, "urgent": 1, "normal": 1}',
            ["environment MINYI_REPLY_HOURS", "positive"],
        ),
    ],
)
def test_the_environment_is_refused_naming_the_key(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: list[str]
) -> None:
    monkeypatch.setenv(name, value)
    refused = refusal()
    assert [part for part in told if part not in refused] == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"prot = 1\n", ["minyi.toml: unknown setting 'prot'", "port"]),
        (b"[wechat]\ntoken = 's3cr3t'\n", ["minyi.toml: unknown setting 'wechat'"]),
        (b'port = "eighty"\n', ["minyi.toml: port 'eighty'"]),
        (b"host = 5\n", ["minyi.toml: host 5"]),
        (b"wechat_token = 73912\n", ["minyi.toml: wechat_token is not valid"]),
        (b"api_token = ['s3cr3t']\n", ["minyi.toml: api_token is not valid"]),
        (b"database_url = ['s3cr3t']\n", ["minyi.toml: database_url is not valid"]),
        (b"port = \n", ["minyi.toml: not readable as TOML", "line 1"]),
        (b"port = 1\nport = 2\n", ["minyi.toml: not readable as TOML", "line 2"]),
        ("host = '主机'\n".encode("gb18030"), ["minyi.toml: not readable as TOML"]),
        (b"prot = 1\nport = 'x'\n", ["unknown setting 'prot'", "port 'x'"]),
    ],
)
def test_the_file_is_refused_naming_the_key(clean_settings: Path, content: bytes, told: list[str]) -> None:
    clean_settings.write_bytes(content)
    refused = refusal()
    assert str(clean_settings) in refused
    assert [part for part in told if part not in refused] == []
    assert "s3cr3t" not in refused and "73912" not in refused


def test_an_empty_variable_is_not_blamed_for_the_file(monkeypatch: pytest.MonkeyPatch, clean_settings: Path) -> None:
    clean_settings.write_text("port = 'x'\n")
    monkeypatch.setenv("MINYI_PORT", "")
    assert refusal().startswith(str(clean_settings))


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    ("host", "url"), [("0.0.0.0", "http://127.0.0.1:8000"), ("127.0.0.1", "http://127.0.0.1:8000")]
)
def test_the_address_to_open(host: str, url: str) -> None:
    assert load_settings(host=host).url == url
