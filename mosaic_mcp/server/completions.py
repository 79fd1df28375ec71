"""Completions: agents, runs and tiles, offered while an argument or a resource's address is typed.

Values are what our tools and resources take, so a hostile name does no harm here; one that cannot
be read on one line is offered by its id.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from mcp_types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from mosaic_mcp.errors import MosaicError
from mosaic_mcp.server.engine import Engine

if TYPE_CHECKING:
    from mosaic_mcp.client import MosaicClient

logger = logging.getLogger(__name__)

MOST = 100
"""Values in one answer; the protocol's limit."""

Completer = Callable[
    [PromptReference | ResourceTemplateReference, CompletionArgument, CompletionContext | None],
    Awaitable[Completion | None],
]


def completer(engine: Engine) -> Completer:
    """The server's one completion handler, bound to an engine."""

    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        _context: CompletionContext | None,
    ) -> Completion | None:
        kind = _kind(ref, argument.name)
        if kind is None:
            return None
        try:
            found = await _LISTS[kind](engine, argument.value)
        except MosaicError as error:
            # Who types is not helped by an error; the call that follows tells it with its remedy.
            logger.info("no completions of %s: %s", kind, error.code)
            return None
        return Completion(values=found[:MOST], total=len(found), has_more=len(found) > MOST)

    return complete


def _kind(ref: PromptReference | ResourceTemplateReference, name: str) -> str | None:
    """What is being typed: agents, runs or tiles; None where we have nothing to offer."""
    if isinstance(ref, ResourceTemplateReference):
        kind = ref.uri.removeprefix("mosaic://").partition("/")[0]
        return kind if kind in _LISTS else None
    from mosaic_mcp.server.prompts import find

    prompt = find(ref.name)
    argument = prompt.argument(name) if prompt else None
    return argument.completes if argument else None


async def _agents(engine: Engine, typed: str) -> list[str]:
    """Agents by name, or by id where the id is being typed or the name does not tell."""
    heads = (await (await engine.client()).list_agents(limit=MOST)).agents
    names = Counter(head.name for head in heads)
    values = [
        head.name if head.name and names[head.name] == 1 and head.name.isprintable() else head.id
        for head in heads
    ]
    fitting = _fitting(typed, values)
    return fitting or [head.id for head in heads if typed and head.id.startswith(typed.casefold())]


async def _runs(engine: Engine, typed: str) -> list[str]:
    """The newest runs by id; the name of the agent finds them too."""
    client = await engine.client()
    runs = (await client.list_runs(limit=MOST)).runs
    by_id = [run.run_id for run in runs if run.run_id.startswith(typed.casefold())]
    return by_id or await _runs_of(client, typed, {run.run_id: run.agent_id for run in runs})


async def _runs_of(client: MosaicClient, typed: str, runs: dict[str, str]) -> list[str]:
    heads = (await client.list_agents(limit=MOST)).agents
    names = {head.id: head.name or "" for head in heads}
    return [run for run, agent in runs.items() if _fitting(typed, [names.get(agent, "")])]


async def _tiles(_engine: Engine, typed: str) -> list[str]:
    """Tiles by name."""
    from mosaic_mcp.contract.tiles.catalogue import TILE_TYPES

    return _fitting(typed, [tile.name for tile in TILE_TYPES])


def _fitting(typed: str, names: list[str]) -> list[str]:
    """The names that hold what was typed; those that begin with it first."""
    text = typed.casefold()
    fitting = [name for name in names if text in name.casefold()]
    return sorted(fitting, key=lambda name: not name.casefold().startswith(text))


_LISTS = {"agents": _agents, "runs": _runs, "tiles": _tiles}
