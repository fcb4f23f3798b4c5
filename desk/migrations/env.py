"""How Alembic runs here: on the connection and in the transaction it is handed (see ``desk/schema.py``)."""

from typing import Any

from alembic import context

from desk.columns import Moment, Words
from desk.tables import Base


def plain(kind: str, item: Any, autogen_context: Any) -> Any:
    """Versions name standard types only: they must not change when our own types do."""
    if kind == "type" and isinstance(item, Moment):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Words):
        return "sa.Text()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
    render_item=plain,
)
with context.begin_transaction():
    context.run_migrations()
