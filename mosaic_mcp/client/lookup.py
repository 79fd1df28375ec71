"""Which run may be that of a request whose answer was lost: by all that a list of runs tells.

A workspace has several people, and some share an agent. A run that is taken for ours and is not
would be followed, cancelled and paid for as ours, so whatever speaks against it rules it out:

| what | rules out |
| --- | --- |
| the ledger | runs of our other requests |
| runs that were listed just before the request was sent | those |
| when the run began | before the request was sent, or long after it could have arrived |
| who started it | triggers, and people in the app |
| how many sources it has | another number than the request |

What remains is still a guess: nobody says which request a run belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence

from mosaic_mcp.client.ledger import Sending, State
from mosaic_mcp.client.transport import ACT_S
from mosaic_mcp.contract.runs import RunRequest, RunSummary

SETTLED_S: dict[State, float] = {"sent": 60.0, "unknown": 15.0, "accepted": 0.0, "guessed": 0.0}
"""Seconds after sending within which a run may still appear: while the request may be on its way,
and after its answer was lost."""
CLOCK_S = 5.0
"""Seconds by which the engine's clock and our idea of it may differ."""


def may_be(run: RunSummary, request: RunRequest, sendings: Sequence[Sending]) -> bool:
    """True when nothing speaks against the run being that of the request."""
    return (
        _in_time(run, sendings)
        and _through_the_api(run)
        and (not run.inputs or len(run.inputs) == request.count_all)
    )


def _in_time(run: RunSummary, sendings: Sequence[Sending]) -> bool:
    """Began after one of the times that the request was sent, and not when that was long over."""
    latest = ACT_S + SETTLED_S["sent"] + CLOCK_S
    began = run.started_at.timestamp()
    return not sendings or any(
        -CLOCK_S <= began - sending.at <= latest and run.run_id not in sending.before
        for sending in sendings
    )


def _through_the_api(run: RunSummary) -> bool:
    by = run.triggered_by or {}
    return "trigger_id" not in by and by.get("source") != "ui"
