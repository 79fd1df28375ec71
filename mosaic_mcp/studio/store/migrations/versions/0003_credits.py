"""Credits of owners, and what used them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Accounts, their entries, and nodes that wait for credits."""
    op.create_table(
        "credit_accounts",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=True),
        sa.Column("plan_since", sa.Text(), nullable=True),
        sa.Column("topup_enabled", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("topup_threshold", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("topup_quantity", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("owner"),
    )
    op.create_table(
        "credit_entries",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.Boolean(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key"),
    )
    op.create_index(op.f("ix_credit_entries_run_id"), "credit_entries", ["run_id"], unique=False)
    op.add_column(
        "run_nodes",
        sa.Column("needs_credits", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
