"""What a run logs, and where it belongs in a trace."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Runs that exist have no log, and are in no trace."""
    with op.batch_alter_table("runs") as table:
        table.add_column(sa.Column("trace", sa.Text(), nullable=True))
    op.create_table(
        "job_logs",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("run_node_id", sa.Text(), nullable=False),
        sa.Column("render_id", sa.Text(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("files", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index(op.f("ix_job_logs_owner"), "job_logs", ["owner"], unique=False)
    op.create_index(op.f("ix_job_logs_run_id"), "job_logs", ["run_id"], unique=False)
    op.create_table(
        "ffmpeg_logs",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("job_seq", sa.Integer(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("began_at", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("media_s", sa.Float(), nullable=False),
        sa.Column("log", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index(op.f("ix_ffmpeg_logs_owner"), "ffmpeg_logs", ["owner"], unique=False)
    op.create_index(op.f("ix_ffmpeg_logs_run_id"), "ffmpeg_logs", ["run_id"], unique=False)
    op.create_index(op.f("ix_ffmpeg_logs_job_seq"), "ffmpeg_logs", ["job_seq"], unique=False)
