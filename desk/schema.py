"""Brings the tables of a database to the version this code works with."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, text

from desk.errors import DatabaseUnusable

_LOCK = 0x6D696E7969  # "minyi": the key of PostgreSQL's advisory lock while tables are changed


def migrate(engine: Engine) -> None:
    """Runs what is missing, in one transaction, one process at a time.

    Raises :class:`DatabaseUnusable` when the tables were made by a newer version.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    with engine.execution_options(only_reads=True).connect() as connection:
        if _version(connection) == head:
            return
    with engine.begin() as connection:  # on SQLite this waits for the write lock
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        found = _version(connection)
        if found == head:
            return  # another process was first
        if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
            raise DatabaseUnusable(
                f"{engine.url.render_as_string(hide_password=True)}: its tables are at version {found}, which "
                f"this minyi does not know (it knows {head}); run the newer minyi, or restore a backup"
            )
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise DatabaseUnusable(
                f"{engine.url.render_as_string(hide_password=True)}: {error}; restore a backup"
            ) from error


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
