"""What of a run the studio cannot do: POST /studio/v1/agents/{agent_id}/check, ours."""

from __future__ import annotations

from mosaic_mcp.contract.base import Response


class WrongParam(Response):
    """A parameter that a tile of this studio does not do as it is given."""

    where: str
    """Its place in the request: "update_params.<node>.voice"."""
    what: str
    remedy: str = ""
    rule: str = ""


class Doable(Response):
    """The answer: nothing is listed when the run may be tried."""

    faults: tuple[WrongParam, ...] = ()
