"""Schemas of databases: as they were at a version, and told to the last detail."""

from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from mosaic_mcp.studio.store.migrating import MIGRATIONS


def at_revision(engine: sa.Engine, revision: str) -> None:
    """Bring an empty database to the schema as it was then, by migrations alone."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def details(engine: sa.Engine) -> dict[str, Any]:
    """Everything about every table but the order of its columns."""
    found = sa.inspect(engine)
    return {
        table: {
            "columns": sorted(str(sorted(c.items())) for c in found.get_columns(table)),
            "key": found.get_pk_constraint(table),
            "unique": sorted(map(str, found.get_unique_constraints(table))),
            "foreign": sorted(map(str, found.get_foreign_keys(table))),
            "indexes": sorted(
                str(i | {"dialect_options": {k: str(v) for k, v in i["dialect_options"].items()}})
                for i in found.get_indexes(table)
            ),
        }
        for table in found.get_table_names()
    }
