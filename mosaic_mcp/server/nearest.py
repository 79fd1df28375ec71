"""Unknown ids answered with the nearest ones that exist, looked up among the newest runs."""

from __future__ import annotations

import difflib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mosaic_mcp.client import MosaicClient

LOOKED_AT = 50
"""Runs that are searched."""
SHOWN = 3


@asynccontextmanager
async def known_run(client: MosaicClient, run_id: str) -> AsyncGenerator[None]:
    """Within it, a run that is not found is answered with those that are."""
    from mosaic_mcp.errors import NotFound

    try:
        yield
    except NotFound as error:
        runs = await client.list_runs(limit=LOOKED_AT)
        ids = [run.run_id for run in runs.runs]
        remedy = f"{_nearest(run_id, ids, 'run')}list_runs() shows your runs."
        raise NotFound(f"There is no run {run_id!r}.", remedy=remedy) from error


@asynccontextmanager
async def known_output(client: MosaicClient, output_id: str) -> AsyncGenerator[None]:
    """Within it, an output that is not found is answered with those that are."""
    from mosaic_mcp.errors import NotFound

    try:
        yield
    except NotFound as error:
        runs = await client.list_runs(limit=LOOKED_AT)
        ids = [output.id for run in runs.runs for output in run.outputs]
        remedy = f"{_nearest(output_id, ids, 'output')}list_outputs(run_id=…) shows those of a run."
        raise NotFound(f"There is no output {output_id!r}.", remedy=remedy) from error


def _nearest(said: str, ids: Sequence[str], what: str) -> str:
    """The id that was probably meant, else the newest ones; empty when there is none."""
    near = difflib.get_close_matches(said, ids, n=1, cutoff=0.7)
    if near:
        return f"Did you mean {near[0]!r}? "
    return f"Newest {what}s: {', '.join(ids[:SHOWN])}. " if ids else ""
