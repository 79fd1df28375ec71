"""Starting a run exactly once, over retries, restarts and lost answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mosaic_mcp.client.api import MosaicClient
from mosaic_mcp.client.ledger import Entry, Ledger, request_hash
from mosaic_mcp.contract.runs import RunRequest
from mosaic_mcp.errors import EngineUnavailable, MosaicError, NotFound, OutcomeUnknown


@dataclass(frozen=True, slots=True)
class Submitted:
    """A run, and whether an earlier equal request had started it."""

    run_id: str
    replayed: bool = False


async def submit_once(
    client: MosaicClient,
    ledger: Ledger,
    agent_id: str,
    request: RunRequest,
    *,
    key: str | None = None,
    quality: str | None = None,
    from_outputs: Sequence[str] = (),
) -> Submitted:
    """Start the run, or find the one that this request started before.

    With `key`, the same key and request always give the same run, and another request under the
    same key is a Conflict. Without, an equal request is the same wish while its run has not ended
    in front of the caller. After a lost answer the run is looked for before anything is sent.
    """
    engine = client.transport.base_url if not await client.studio() else "studio"
    digest = request_hash(agent_id, request.body(), quality)
    earlier = ledger.begin(engine, key, digest, agent_id)
    if earlier is not None:
        found = earlier.run_id or await _look(client, earlier)
        if found is not None:
            ledger.accepted(engine, earlier.key, found)
            if key is not None or await _same_wish(client, earlier, found):
                return Submitted(found, replayed=True)
            ledger.begin(engine, None, digest, agent_id, anew=True)
    entry = ledger.latest(engine, digest)
    if entry is None:
        raise OutcomeUnknown("The ledger lost a request.", remedy="Call again.")
    run_id = await _post(client, ledger, engine, entry, request, quality)
    ledger.add_lineage(run_id, from_outputs)
    return Submitted(run_id)


async def _same_wish(client: MosaicClient, earlier: Entry, run_id: str) -> bool:
    """True while a repeated request more likely means the same run than another one."""
    if earlier.recent and not earlier.delivered:
        return True
    try:
        run = await client.get_run(run_id)
    except NotFound:
        return False
    return not run.status.terminal


async def _post(
    client: MosaicClient,
    ledger: Ledger,
    engine: str,
    entry: Entry,
    request: RunRequest,
    quality: str | None,
) -> str:
    studio = await client.studio()
    try:
        started = await client.run(
            entry.agent_id,
            request,
            idempotency_key=entry.key,
            quality=quality if studio is not None else None,
        )
    except OutcomeUnknown:
        ledger.unknown(engine, entry.key)
        found = await _look(client, entry)
        if found is None:
            raise
        ledger.accepted(engine, entry.key, found)
        return found
    except MosaicError:
        ledger.refused(engine, entry.key)
        raise
    ledger.accepted(engine, entry.key, started.run_id)
    return started.run_id


async def _look(client: MosaicClient, entry: Entry) -> str | None:
    """The run that a request with a lost answer started, or None when it started none.

    The studio knows runs by key. Elsewhere it is the only run of the agent that began after the
    request was sent; several cannot be told apart, and then guessing would be worse than asking.
    """
    studio = await client.studio()
    if studio is not None:
        return await studio.find_run(entry.key)
    since = datetime.fromtimestamp(entry.sent_at - 5, UTC).isoformat()
    try:
        page = await client.list_runs(entry.agent_id, from_=since, limit=25)
    except EngineUnavailable:
        return None
    if len(page.runs) > 1:
        raise OutcomeUnknown(
            f"A request to run agent {entry.agent_id} was sent and its answer lost; "
            f"{len(page.runs)} runs began since.",
            remedy="list_runs() shows them. Use a new idempotency_key to start another.",
        )
    return page.runs[0].run_id if page.runs else None
