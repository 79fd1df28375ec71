"""The ledger of credits: what owners were given, and what used it.

A balance is a sum: the starting credits that the settings give, and the owner's entries. An entry's
key says what it is for, and there is one of each, so that nothing is given or taken twice:

| key | units | |
| --- | --- | --- |
| `plan:<family>:<day>` | + | the credits of a month that began on that day |
| `topup:<uuid>` | + | an automatic top-up |
| `node:<id>`, `render:<id>` | − | one node's or render's work, however often begun |

Work is reserved before it begins and settled when it is recorded, each in the transaction that
does so. Whoever changes a balance downwards holds the lock on the account, so that two runs never
spend the same credits. Rows are locked in this order: the node or render, the account, the run.
"""

from __future__ import annotations

import math
from calendar import monthrange
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from mosaic_mcp.contract.runs import NodeStatus
from mosaic_mcp.studio.quota import UNITS, per_month
from mosaic_mcp.studio.store.tables import credit_accounts, credit_entries, renders, run_nodes

E = credit_entries.c


# Accounts


def locked_account(connection: sa.Connection, owner: str, now: datetime | None = None) -> Any:
    """The owner's account, locked, with the credits of the month in it; made when there is none."""
    query = sa.select(credit_accounts).where(credit_accounts.c.owner == owner).with_for_update()
    account = connection.execute(query).one_or_none()
    if account is None:
        _add(connection, credit_accounts, owner=owner)
        account = connection.execute(query).one()
    if account.plan_id is not None:
        start, _ = month(account, now)
        _give(connection, account, start)
    return account


def month(account: Any, now: datetime | None = None) -> tuple[datetime, datetime]:
    """Begin and end of the plan's present month."""
    since = datetime.fromisoformat(account.plan_since)
    now = now or datetime.now(UTC)
    count = (now.year - since.year) * 12 + now.month - since.month
    if _months_after(since, count) > now:
        count -= 1
    return _months_after(since, count), _months_after(since, count + 1)


def _months_after(moment: datetime, count: int) -> datetime:
    """The same day and time some months later; the last day where a month is too short."""
    year, index = divmod(moment.year * 12 + moment.month - 1 + count, 12)
    day = min(moment.day, monthrange(year, index + 1)[1])
    return moment.replace(year=year, month=index + 1, day=day)


def _give(connection: sa.Connection, account: Any, start: datetime) -> None:
    """The plan's credits of the month that began at `start`, once."""
    family = account.plan_id.removesuffix("_annual")
    _add(
        connection,
        credit_entries,
        owner=account.owner,
        key=f"plan:{family}:{start.date()}",
        units=per_month(account.plan_id) * UNITS,
        reserved=False,
        at=start.isoformat(),
    )


def _add(connection: sa.Connection, table: sa.Table, **row: Any) -> None:
    """Insert a row unless there is one of its key."""
    insert = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[connection.dialect.name]
    connection.execute(insert(table).values(**row).on_conflict_do_nothing())


def balance(connection: sa.Connection, owner: str, starting: int) -> int:
    """Units that are left; what is reserved is not."""
    query = sa.select(sa.func.coalesce(sa.func.sum(E.units), 0)).where(E.owner == owner)
    return starting + int(connection.execute(query).scalar_one())


def used(connection: sa.Connection, owner: str, since: datetime | None = None) -> int:
    """Units used, or reserved, since then."""
    query = sa.select(sa.func.coalesce(sa.func.sum(E.units), 0)).where(
        E.owner == owner, E.units < 0
    )
    if since is not None:
        query = query.where(E.at >= since.isoformat())
    return -int(connection.execute(query).scalar_one())


def used_by(
    connection: sa.Connection, owner: str, since: datetime | None = None
) -> list[tuple[str, str, str, int]]:
    """Date, kind (`node` or `render`), node type and units used or reserved; newest first."""
    nodes = run_nodes.c
    work = sa.select(
        (sa.literal("node:") + nodes.id).label("key"),
        sa.literal("node").label("kind"),
        nodes.node_type_id.label("tile"),
    ).where(nodes.owner == owner)
    made = (
        sa.select(sa.literal("render:") + renders.c.id, sa.literal("render"), nodes.node_type_id)
        .join_from(renders, run_nodes, nodes.id == renders.c.run_node_id)
        .where(renders.c.owner == owner)
    )
    done = sa.union_all(work, made).subquery()
    entries = (
        sa.select(sa.func.substr(E.at, 1, 10).label("day"), done.c.kind, done.c.tile, E.units)
        .join_from(credit_entries, done, done.c.key == E.key)
        .where(E.owner == owner, E.units < 0)
    )
    if since is not None:
        entries = entries.where(E.at >= since.isoformat())
    # Grouped by names: PostgreSQL takes two equal expressions with parameters for different ones.
    entry = entries.subquery().c
    query = (
        sa.select(entry.day, entry.kind, entry.tile, -sa.func.sum(entry.units))
        .group_by(entry.day, entry.kind, entry.tile)
        .order_by(entry.day.desc(), sa.func.sum(entry.units))
    )
    return [(row[0], row[1], row[2], int(row[3])) for row in connection.execute(query)]


# Work


def reserve(
    connection: sa.Connection, owner: str, key: str, run_id: str, units: int, starting: int
) -> int | None:
    """Set `units` aside for a job. None when that is done, else the units that are left.

    What an earlier attempt set aside or paid is enough.
    """
    account = locked_account(connection, owner)
    mine = (E.owner == owner, E.key == key)
    if connection.execute(sa.select(E.key).where(*mine)).one_or_none() is not None:
        return None
    left = balance(connection, owner, starting)
    left += _top_up(connection, account, left - units)
    if left < units:
        return left
    if units:
        _add(
            connection,
            credit_entries,
            owner=owner,
            key=key,
            run_id=run_id,
            units=-units,
            reserved=True,
            at=datetime.now(UTC).isoformat(),
        )
    return None


def _top_up(connection: sa.Connection, account: Any, left: int) -> int:
    """Add as many top-ups as keep `left` from being below the threshold; the units added."""
    threshold, quantity = account.topup_threshold * UNITS, account.topup_quantity * UNITS
    if account.plan_id is None or not account.topup_enabled or not quantity or left >= threshold:
        return 0
    units = math.ceil((threshold - left) / quantity) * quantity
    _add(
        connection,
        credit_entries,
        owner=account.owner,
        key=f"topup:{uuid4()}",
        units=units,
        reserved=False,
        at=datetime.now(UTC).isoformat(),
    )
    return units


def settle(connection: sa.Connection, owner: str, key: str) -> None:
    """The work was done: what was set aside for it is spent."""
    connection.execute(
        credit_entries.update().where(E.owner == owner, E.key == key).values(reserved=False)
    )


def settle_render(connection: sa.Connection, owner: str, render_id: str, recipe_hash: str) -> None:
    """Like `settle`; an equal render that was finished meanwhile has paid for both."""
    key = f"render:{render_id}"
    reserved = sa.select(E.key).where(E.owner == owner, E.key == key, E.reserved)
    if connection.execute(reserved).one_or_none() is None:
        return
    locked_account(connection, owner)  # equal renders that end together count each other
    if has_twin(connection, owner, render_id, recipe_hash):
        release(connection, owner, key)
    else:
        settle(connection, owner, key)


def has_twin(connection: sa.Connection, owner: str, render_id: str, recipe_hash: str) -> bool:
    """True when the owner has another finished render of the same recipe."""
    twin = sa.exists().where(
        renders.c.owner == owner,
        renders.c.recipe_hash == recipe_hash,
        renders.c.status == NodeStatus.completed,
        renders.c.id != render_id,
    )
    return bool(connection.execute(sa.select(twin)).scalar())


def release(connection: sa.Connection, owner: str, key: str) -> None:
    """The work came to nothing: what was set aside for it is free again. What is paid stays so."""
    connection.execute(credit_entries.delete().where(E.owner == owner, E.key == key, E.reserved))


def release_run(connection: sa.Connection, run_id: str) -> None:
    """Nothing of this run is at work any more: whatever is still set aside for it is free."""
    connection.execute(credit_entries.delete().where(E.run_id == run_id, E.reserved))
