"""Workers of more than one process: since when they work, and the secrets that they share."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("workers", sa.Column("since", sa.Float(), server_default="0", nullable=False))
    op.create_table(
        "secrets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_secrets_owner"), "secrets", ["owner"], unique=False)
    if op.get_bind().dialect.name == "postgresql":  # SQLite's integers have 64 bits anyway
        op.alter_column("events", "seq", type_=sa.BigInteger(), existing_nullable=False)
        op.execute("ALTER SEQUENCE events_seq_seq AS bigint")
