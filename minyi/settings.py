"""Settings: environment (``MINYI_…``) over ``minyi.toml`` over defaults; read once, typed, unknown keys refused."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from nlu.errors import SettingsInvalid

ROOT = Path(__file__).resolve().parent.parent
FILE = "minyi.toml"


class Settings(BaseSettings):
    """Everything an operator may set. Times in seconds, sizes in bytes unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="MINYI_", extra="forbid", env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="address the service listens on")
    port: int = Field(8000, ge=1, le=65535, description="port the service listens on")
    data: Path = Field(ROOT / "data", description="folder for database, media, logs")
    models: Path = Field(ROOT / "models", description="folder of models, one folder a version")
    training_data: Path = Field(ROOT / "training_data", description="catalogue, places, complaints, FAQ")
    database_url: str | None = Field(None, description="SQLAlchemy address; SQLite in the data folder when empty")
    redis_url: str | None = Field(None, description="not used on one machine; kept for locks across workers")
    api_token: SecretStr | None = Field(
        None, description="bearer token of /api/v1; made and kept in the data folder when empty"
    )
    wechat_token: SecretStr | None = Field(None, description="token set in the Official Account's server configuration")
    wechat_appid: str | None = Field(None, description="AppID of the Official Account")
    wechat_aes_key: SecretStr | None = Field(None, description="EncodingAESKey; for the encrypted modes")
    wechat_max_skew: int = Field(0, ge=0, description="oldest accepted timestamp of a WeChat request; 0 accepts all")
    reply_deadline: float = Field(4.5, gt=0, le=4.9, description="WeChat cuts the connection after 5 s")
    rasa_port: int = Field(0, ge=0, le=65535, description="loopback port of the dialogue engine; 0 picks a free one")
    rasa_python: Path = Field(ROOT / ".venv-rasa" / "bin" / "python", description="interpreter of the dialogue engine")
    min_free_mb: int = Field(200, ge=0, description="refuse to start with less free space than this in the data folder")
    dispatch_hours: dict[str, float] = Field(
        {"critical": 1, "urgent": 2, "normal": 24}, description="hours until routed, by urgency"
    )
    reply_hours: dict[str, float] = Field(
        {"critical": 2, "urgent": 24, "normal": 168}, description="hours until answered, by urgency"
    )
    contact_hours: float = Field(24, gt=0, description="hours until the resident is first contacted")
    session_hours: float = Field(12, gt=0, description="how long an agent stays logged in")
    cookie_secure: bool = Field(False, description="set behind HTTPS: cookies are then sent over HTTPS only")
    log_level: str = Field("info", description="debug, info, warning or error")

    @field_validator("dispatch_hours", "reply_hours")
    @classmethod
    def _every_urgency(cls, hours: dict[str, float]) -> dict[str, float]:
        if set(hours) != {"critical", "urgent", "normal"} or any(h <= 0 for h in hours.values()):
            raise ValueError("give positive hours for critical, urgent and normal")
        return hours

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, level: str) -> str:
        if level.lower() not in ("debug", "info", "warning", "error"):
            raise ValueError("one of debug, info, warning, error")
        return level.lower()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config_file())

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data / 'minyi.sqlite'}"

    @property
    def url(self) -> str:
        return f"http://{'127.0.0.1' if self.host in ('0.0.0.0', '::') else self.host}:{self.port}"  # noqa: S104


def config_file() -> Path:
    """``MINYI_CONFIG``, else ``minyi.toml`` in the working folder, else the one beside the code."""
    if os.environ.get("MINYI_CONFIG"):
        return Path(os.environ["MINYI_CONFIG"])
    here = Path.cwd() / FILE
    return here if here.exists() else ROOT / FILE


def load_settings(**overrides: Any) -> Settings:
    """Raises :class:`SettingsInvalid` naming the key, its source and what is allowed."""
    file = config_file()
    if os.environ.get("MINYI_CONFIG") and not file.is_file():
        raise SettingsInvalid(f"MINYI_CONFIG={file}: no such file")
    known = {f"MINYI_{name.upper()}" for name in Settings.model_fields} | {"MINYI_CONFIG"}
    strange = sorted(key for key in os.environ if key.upper().startswith("MINYI_") and key.upper() not in known)
    if strange:
        raise SettingsInvalid(f"environment: unknown setting {', '.join(strange)}; known: {', '.join(sorted(known))}")
    try:
        return Settings(**overrides)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"{file}: not readable as TOML ({error})") from None
    except OSError as error:
        raise SettingsInvalid(f"{file}: cannot be read ({error.strerror})") from None
    except SettingsError:  # a table in the environment that is no JSON
        tables = sorted(
            f"MINYI_{name.upper()}"
            for name in ("dispatch_hours", "reply_hours")
            if os.environ.get(f"MINYI_{name.upper()}")
        )
        example = '{"critical": 1, "urgent": 2, "normal": 24}'
        raise SettingsInvalid(
            f"environment {' or '.join(tables)}: not readable as JSON; write it as {example}"
        ) from None
    except ValidationError as error:
        lines = []
        for fault in error.errors():
            key = ".".join(str(part) for part in fault["loc"])
            env = f"MINYI_{key.split('.')[0].upper()}"
            source = f"environment {env}" if os.environ.get(env) else str(file)
            if fault["type"] == "extra_forbidden":
                lines.append(f"{source}: unknown setting '{key}'; known: {', '.join(sorted(Settings.model_fields))}")
            else:
                secret = any(word in key for word in ("token", "key", "url"))
                shown = "" if secret else f" {fault['input']!r}"
                lines.append(f"{source}: {key}{shown} is not valid ({fault['msg']})")
        raise SettingsInvalid("; ".join(lines)) from None
