"""PostgreSQL as the studio's database: its address, its connections, and when it is away."""

from __future__ import annotations

import importlib.util

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from mosaic_mcp.errors import EngineUnavailable, Fault, InvalidRequest

SETTING = "MOSAIC_STUDIO_DATABASE"
FORM = "postgresql://user:password@host:5432/database"
SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
BUSY_S = 2.0
"""Seconds after which to try again what met a database that was away."""

_CONNECTING = {
    "connect_timeout": 5,
    # A host that vanished without a word is noticed within half a minute.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


def postgres_url(text: str) -> sa.URL:
    """The setting as SQLAlchemy's URL, which hides its password when it is printed.

    Raises InvalidRequest for another kind of address, EngineUnavailable without the driver.
    """
    try:
        url = sa.make_url(text)
        usable = url.drivername in SCHEMES and url.database is not None
    except (ArgumentError, ValueError):  # what they say may hold the password
        url, usable = None, False
    if url is None or not usable:
        fault = Fault(SETTING, "this is not the address of a PostgreSQL database.", f"Use {FORM}.")
        raise InvalidRequest([fault])
    if importlib.util.find_spec("psycopg") is None:
        raise EngineUnavailable(
            f"{SETTING} is set, and PostgreSQL's driver is not installed.",
            remedy='Run `pip install "mosaic-mcp[cluster]"`, or unset it to use SQLite.',
        )
    return url.set(drivername="postgresql+psycopg")


def connections(url: sa.URL) -> sa.Engine:
    """A pool of connections; one that broke while it lay there is replaced."""
    return sa.create_engine(
        url,
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=15,
        connect_args=_CONNECTING,
        hide_parameters=True,
    )


def is_away(error: Exception) -> bool:
    """True when the database cannot be reached, is starting, ending, or full of connections."""
    if isinstance(error, PoolTimeout):  # none of our connections became free
        return True
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    state = _state(error)
    return (
        error.connection_invalidated or not state or state[:2] in ("08", "57") or state == "53300"
    )


def is_collision(error: Exception) -> bool:
    """True for a transaction that was chosen to give way to another: it may be done again."""
    return isinstance(error, DBAPIError) and _state(error) in ("40001", "40P01")


def unreachable(url: sa.URL, error: Exception) -> EngineUnavailable:
    """What to tell about a database that is away; names it without its password."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    why = next((line.strip() for line in str(cause).splitlines() if line.strip()), "no answer")
    return EngineUnavailable(
        f"The studio's database at {place(url)} cannot be reached: {why}",
        remedy="Nothing is lost: call again in a moment. If it stays so, look at PostgreSQL, and "
        f"at {SETTING}.",
        retry_after_s=BUSY_S,
    )


def place(url: sa.URL) -> str:
    """`host:port/database`."""
    return f"{url.host or 'localhost'}:{url.port or 5432}/{url.database}"


def _state(error: DBAPIError) -> str:
    """The five letters of the SQL standard by which PostgreSQL names an error; "" without."""
    return getattr(error.orig, "sqlstate", None) or ""
