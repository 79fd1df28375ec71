"""Waiting for disk space, finding work among thousands of runs, and outputs without files."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Columns of waiting jobs and deleted files; small indexes of what is at work."""
    for table in ("run_nodes", "renders"):
        for column in _waiting():
            op.add_column(table, column)
        at_work = sa.text("status IN ('queued', 'running')")
        op.create_index(
            f"ix_{table}_at_work",
            table,
            ["status", "owner", "run_id"],
            sqlite_where=at_work,
            postgresql_where=at_work,
        )
    op.add_column(
        "renders", sa.Column("need_memory", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.add_column("renders", sa.Column("deleted_at", sa.Text(), nullable=True))
    op.create_index("ix_runs_status", "runs", ["status"])


def _waiting() -> Iterator[sa.Column[Any]]:
    yield sa.Column("need_disk", sa.BigInteger(), nullable=False, server_default="0")
    yield sa.Column("turn", sa.Integer(), nullable=False, server_default="0")
    yield sa.Column("not_before", sa.Float(), nullable=True)
    yield sa.Column("waits_for", sa.Text(), nullable=True)
