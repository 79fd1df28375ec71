"""Workers of more than one process."""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Nothing yet."""
