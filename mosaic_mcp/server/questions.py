"""Questions to the user before a run starts, asked through the client where it can ask.

Three things are worth a question: an agent's name that several agents have, videos of which nobody
said for which Video Input they are, and money. The SDK's resolvers carry the questions in both
protocol eras. Where the client cannot ask, or the user does not answer, nothing is guessed: the
plan's error lists the choices, and spending needs the `confirm` of a dry_run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit
from pydantic import BaseModel, Field, create_model

from mosaic_mcp.server.quoting import visible

MOST_CHOICES = 20
"""More than this are no choice; the error names them."""


class AgentChoice(BaseModel):
    """The agent to run, by id or as the caller said it."""

    agent: str


class Places(BaseModel):
    """The Video Input of each video that had none: fields `video_1`, `video_2`, …"""

    def of(self, index: int) -> str | None:
        """The Video Input chosen for the video at `index`, if it was asked for."""
        return cast(str | None, getattr(self, field_name(index), None))


class Go(BaseModel):
    """The user's word on spending."""

    start: bool = Field(title="Start the run", description="It uses credits of your account")


def can_ask(ctx: Context[Any, Any]) -> bool:
    """True when the client can put a form before its user (elicitation)."""
    asks = ctx.client_capabilities.elicitation if ctx.client_capabilities else None
    if asks is None or (asks.form is None and asks.url is not None):
        return False
    # A client of the older era is asked over its connection, which a stateless server has not.
    modern = (ctx.protocol_version or "") >= "2026-07-28"
    return modern or ctx.session.can_send_request


def answered(outcome: ElicitationResult[Any]) -> Any:
    """What the user (or our own look) decided; None when a question stayed open."""
    return outcome.data if isinstance(outcome, AcceptedElicitation) else None


def ask_agent(said: str, agents: Sequence[tuple[str, str]]) -> Elicit[AgentChoice]:
    """Which of these (id, name) is meant."""
    shown = tuple(_shown(agent_id, name) for agent_id, name in agents[:MOST_CHOICES])
    fields: dict[str, Any] = {"agent": (Literal[shown], Field(title="Agent"))}
    schema = create_model("AgentChoice", __base__=AgentChoice, **fields)
    return Elicit(f"{said!r} can mean several agents. Which one should run?", schema)


def chosen_id(choice: AgentChoice, agents: Sequence[tuple[str, str]]) -> str:
    """The id behind a choice of `ask_agent`, or what the choice says."""
    shown = {_shown(agent_id, name): agent_id for agent_id, name in agents}
    return shown.get(choice.agent, choice.agent)


def _shown(agent_id: str, name: str) -> str:
    """A choice; the name is somebody's words and stands before an id that is ours."""
    return f"{visible(name)[:80]} ({agent_id})"


def ask_places(videos: Sequence[tuple[int, str]], inputs: Sequence[str]) -> Elicit[Places]:
    """For which Video Input each of these (index, name) is."""
    labels = tuple(inputs)
    fields: dict[str, Any] = {
        field_name(index): (Literal[labels], Field(title=visible(name)[-80:]))
        for index, name in videos
    }
    schema = create_model("Places", __base__=Places, **fields)
    return Elicit("This agent takes several videos. Which video is for which input?", schema)


def ask_spending(agent: str, videos: int) -> Elicit[Go]:
    """Whether a run may use credits."""
    on = f" on {videos} video{'' if videos == 1 else 's'}" if videos else ""
    return Elicit(f"Run {agent!r}{on} on Mosaic? It uses credits of your account.", Go)


def field_name(index: int) -> str:
    """The form's field for the video at `index`."""
    return f"video_{index + 1}"
