"""Starting a run exactly once, over retries, restarts and lost answers.

The studio knows runs by idempotency key, so asking it again is safe. The hosted API documents no
keys: there a request whose answer was lost is looked for among the agent's runs before it is sent
again, and when that stays unclear the caller is told so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mosaic_mcp.client.api import MosaicClient
from mosaic_mcp.client.ledger import Entry, Ledger, request_hash
from mosaic_mcp.contract.runs import RunRequest, RunSummary
from mosaic_mcp.errors import MosaicError, NotFound, OutcomeUnknown

REPEAT_S = 600.0
"""An equal request within this time of an undelivered one is the same wish ("Repeats")."""
SETTLED_S = {"sent": 60.0, "unknown": 15.0, "accepted": 0.0}
"""Seconds after sending within which a run may still appear: while the request may be on its way,
and after its answer was lost."""
LOOKS = 8
"""How often the runs are listed before we give up for now."""
LOOK_S = 1.0
CLOCK_S = 5.0
"""Seconds by which the engine's clock and our idea of it may differ."""


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
    same key is a Conflict. Without, an equal request is the same wish while its run goes on or
    its answer was not delivered. Raises OutcomeUnknown when nobody can say whether it was started.
    """
    submission = _Submission(client, ledger, agent_id, request, key, quality)
    submitted = await submission.once()
    ledger.add_lineage(submitted.run_id, from_outputs)
    return submitted


@dataclass(frozen=True, slots=True)
class _Submission:
    client: MosaicClient
    ledger: Ledger
    agent_id: str
    request: RunRequest
    key: str | None
    quality: str | None

    async def once(self) -> Submitted:
        digest = request_hash(self.agent_id, self.request.body(), self.quality)
        over = None
        while True:
            entry, new = self.ledger.begin(
                self.client.engine,
                digest,
                self.agent_id,
                key=self.key,
                engine_time=self.client.transport.engine_time(),
                over=over,
            )
            if new:
                return Submitted(await self._post(entry, new))
            run_id = entry.run_id or await self._find(entry)
            if run_id is not None:
                self.ledger.accepted(entry, run_id)
                if entry.named or await self._same_wish(entry, run_id):
                    return Submitted(run_id, replayed=True)
                over = entry.key
            elif self.ledger.claim(entry):
                return Submitted(await self._post(entry, new))

    async def _post(self, entry: Entry, new: bool) -> str:
        studio = await self.client.studio()
        try:
            started = await self.client.run(
                self.agent_id,
                self.request,
                idempotency_key=entry.key,
                quality=self.quality if studio is not None else None,
            )
        except OutcomeUnknown:
            return await self._lost(entry)
        except MosaicError:
            # Refused; but an earlier attempt under this key may still have been accepted.
            if new:
                self.ledger.refused(entry)
            else:
                self.ledger.unknown(entry)
            raise
        except BaseException:  # the caller went away while the request was on its way
            self.ledger.unknown(entry)
            raise
        self.ledger.accepted(entry, started.run_id)
        return started.run_id

    async def _lost(self, entry: Entry) -> str:
        """The run of the request whose answer was just lost."""
        self.ledger.unknown(entry)
        run_id = await self._find(entry)
        if run_id is None:
            raise OutcomeUnknown(
                "The engine did not answer, and has no run of this request.",
                remedy="Make the same call again: nothing is started twice.",
            )
        self.ledger.accepted(entry, run_id)
        return run_id

    async def _find(self, entry: Entry) -> str | None:
        """The run that a request without an answer started, None when it started none."""
        studio = await self.client.studio()
        if studio is not None:
            return await studio.find_run(entry.key)
        for _ in range(LOOKS):
            run_id = await self._begun_since(entry)
            if run_id is not None or self.ledger.age_s(entry) > SETTLED_S[entry.state]:
                return run_id
            await self.client.sleep(LOOK_S)
        raise OutcomeUnknown(
            f"A request to run agent {self.agent_id} was sent a moment ago, and its answer is "
            "not known yet.",
            remedy="Make the same call again in a minute: it looks for the run first.",
        )

    async def _begun_since(self, entry: Entry) -> str | None:
        """The one run of the agent that began after the request was sent and is not another's."""
        since = datetime.fromtimestamp(entry.first_at - CLOCK_S, UTC).isoformat()
        page = await self.client.list_runs(self.agent_id, from_=since, limit=100)
        others = self.ledger.other_runs(entry)
        runs = [run.run_id for run in page.runs if run.run_id not in others and _ours(run)]
        if len(runs) > 1:
            raise OutcomeUnknown(
                f"A request to run agent {self.agent_id} was sent and its answer lost; "
                f"{len(runs)} runs began since, and one of them may be it.",
                remedy="list_runs shows them. A new idempotency_key starts another run.",
            )
        return runs[0] if runs else None

    async def _same_wish(self, entry: Entry, run_id: str) -> bool:
        """True while a repeated request more likely means the same run than another one."""
        try:
            run = await self.client.get_run(run_id)
        except NotFound:
            return False
        fresh = self.ledger.age_s(entry) < REPEAT_S and not entry.delivered
        return fresh or not run.status.terminal


def _ours(run: RunSummary) -> bool:
    """False for runs that a trigger started."""
    return "trigger_id" not in (run.triggered_by or {})
