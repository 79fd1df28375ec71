"""What of a run the studio cannot do: POST /studio/v1/agents/{agent_id}/check, ours."""

from __future__ import annotations

from mosaic_mcp.contract.base import Response
from mosaic_mcp.errors import Fault


class WrongParam(Response):
    """A parameter that a tile of this studio does not do as it is given, or a tile that it does
    not do at all."""

    where: str
    """Its place in the request: "update_params.<node>.voice"; of a tile "agent.<node>"."""
    what: str
    remedy: str = ""
    rule: str = ""


class Doable(Response):
    """The answer: nothing is listed when the run may be tried."""

    faults: tuple[WrongParam, ...] = ()


def not_done(tile: str, note: str, node: str, skip: str | None) -> Fault:
    """The fault of a tile that the studio does not do; `note` says what to do instead.

    `node` is what the caller calls it, and `skip` the argument that leaves it out; None where a
    run cannot do without it.
    """
    what = f"{tile} cannot be done by the local studio. {note}".strip()
    remedy = f"{skip} leaves it out." if skip else "Or run an agent without it."
    return Fault(f"agent.{node}", what, remedy)
