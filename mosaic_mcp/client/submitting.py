"""Starting a run exactly once, over retries, restarts and lost answers.

The studio knows runs by idempotency key, so asking it again is safe. The hosted API documents no
keys: there a request whose answer was lost is looked for among the agent's runs before it is sent
again (`lookup.py`). What is found so is a guess and called one; when it stays unclear the caller is
told that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mosaic_mcp.client.api import MosaicClient
from mosaic_mcp.client.ledger import Entry, Ledger, request_hash
from mosaic_mcp.client.lookup import CLOCK_S, SETTLED_S, may_be
from mosaic_mcp.contract.runs import RunRequest
from mosaic_mcp.errors import MosaicError, NotFound, OutcomeUnknown

REPEAT_S = 600.0
"""An equal request within this time of an undelivered one is the same wish ("Repeats")."""
LOOKS = 8
"""How often the runs are listed before we give up for now."""
LOOK_S = 1.0
BEFORE_S = 60.0
"""How far back runs are listed before a request is sent: older ones are no candidates later."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A run, and whether an earlier equal request had started it."""

    run_id: str
    replayed: bool = False
    guessed: bool = False
    """The engine did not say that this run is the request's: it is the only one that may be."""
    warnings: tuple[str, ...] = ()
    """What could not be handed over with it, and need not be."""


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
                return await self._post(entry, new)
            found = self._known(entry) or await self._find(entry)
            if found is not None:
                self.ledger.accepted(entry, found.run_id, guessed=found.guessed)
                if entry.named or await self._same_wish(entry, found.run_id):
                    return replace(found, replayed=True)
                over = entry.key
            elif self.ledger.claim(entry):
                return await self._post(entry, new)

    @staticmethod
    def _known(entry: Entry) -> Submitted | None:
        return (entry.run_id and Submitted(entry.run_id, guessed=entry.state == "guessed")) or None

    async def _post(self, entry: Entry, new: bool) -> Submitted:
        studio = await self.client.studio()
        if studio is None:
            before = await self._before()
            self.ledger.sending(entry, self.client.transport.engine_time(), before)
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
        return Submitted(started.run_id)

    async def _before(self) -> list[str]:
        """The agent's newest runs: should the answer be lost, they are not what is looked for."""
        since = _stamp(self.client.transport.engine_time() - BEFORE_S)
        try:
            page = await self.client.list_runs(self.agent_id, from_=since, limit=100)
        except MosaicError:
            return []  # the request itself says what is wrong
        return [run.run_id for run in page.runs]

    async def _lost(self, entry: Entry) -> Submitted:
        """The run of the request whose answer was just lost."""
        self.ledger.unknown(entry)
        found = await self._find(entry)
        if found is None:
            raise OutcomeUnknown(
                "The engine did not answer, and has no run of this request.",
                remedy="Make the same call again: nothing is started twice.",
            )
        self.ledger.accepted(entry, found.run_id, guessed=found.guessed)
        return found

    async def _find(self, entry: Entry) -> Submitted | None:
        """The run that a request without an answer started, None when it started none."""
        studio = await self.client.studio()
        if studio is not None:
            run_id = await studio.find_run(entry.key)
            return Submitted(run_id) if run_id is not None else None
        for _ in range(LOOKS):
            run_id = await self._begun_since(entry)
            if run_id is not None or self.ledger.age_s(entry) > SETTLED_S[entry.state]:
                return Submitted(run_id, guessed=True) if run_id is not None else None
            await self.client.sleep(LOOK_S)
        raise OutcomeUnknown(
            f"A request to run agent {self.agent_id} was sent a moment ago, and its answer is "
            "not known yet.",
            remedy="Make the same call again in a minute: it looks for the run first.",
        )

    async def _begun_since(self, entry: Entry) -> str | None:
        """The one run of the agent that began after the request was sent and is not another's."""
        page = await self.client.list_runs(
            self.agent_id, from_=_stamp(entry.first_at - CLOCK_S), limit=100
        )
        others, sendings = self.ledger.other_runs(entry), self.ledger.sendings(entry)
        runs = [
            run.run_id
            for run in page.runs
            if run.run_id not in others and may_be(run, self.request, sendings)
        ]
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


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
