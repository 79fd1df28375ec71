"""Triggers of agents: kept and listed (docs.mosaic.so/api/triggers/)."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter

from mosaic_mcp.contract.runs import RunList
from mosaic_mcp.contract.triggers import (
    AddYoutubeChannels,
    ChannelsChanged,
    FoundChannel,
    RemoveYoutubeChannels,
    Trigger,
    youtube_channel,
)
from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.studio.routes.dependencies import CallerDep, PageDep, StudioDep
from mosaic_mcp.studio.store.triggers import NOTE, details
from mosaic_mcp.studio.webhooks.posting import allowed_by, callback_faults

router = APIRouter(tags=["triggers"])


@router.get("/agent/{agent_id}/triggers", response_model_exclude_none=True)
async def list_triggers(agent_id: str, studio: StudioDep, caller: CallerDep) -> list[Trigger]:
    """The triggers of an agent."""
    await studio.agents.get(caller.owner, agent_id)
    return await studio.triggers.of_agent(caller.owner, agent_id)


@router.post("/agent/{agent_id}/triggers/add_youtube_channels", response_model_exclude_none=True)
async def add_youtube_channels(
    agent_id: str, body: AddYoutubeChannels, studio: StudioDep, caller: CallerDep
) -> ChannelsChanged:
    """Add channels by id, handle or address to the trigger with the same filter options."""
    await studio.agents.get(caller.owner, agent_id)
    allowed = allowed_by(studio.settings.private_urls)
    wrong = await callback_faults(body.trigger_callback_url, allowed)
    found = _channels(body.youtube_channels, wrong)
    said = "trigger_callback_url" in body.model_fields_set
    await studio.triggers.add(
        caller.owner,
        agent_id,
        [channel.channel_id for channel in found],
        body.filter_options,
        {"callback_url": body.trigger_callback_url} if said else {},
    )
    ids = tuple(dict.fromkeys(channel.channel_id for channel in found))
    return ChannelsChanged(
        message="YouTube channels added successfully",
        channel_ids=ids,
        channels=tuple(found),
        filter_options=body.filter_options,
        youtube_channel_details=details(ids),
        note=NOTE,
    )


@router.post("/agent/{agent_id}/triggers/remove_youtube_channels", response_model_exclude_none=True)
async def remove_youtube_channels(
    agent_id: str, body: RemoveYoutubeChannels, studio: StudioDep, caller: CallerDep
) -> ChannelsChanged:
    """Take channels out of the agent's triggers; a trigger without channels is deleted."""
    await studio.agents.get(caller.owner, agent_id)
    found = _channels(body.youtube_channels, [])
    ids = [channel.channel_id for channel in found]
    removed = await studio.triggers.remove(caller.owner, agent_id, ids)
    return ChannelsChanged(
        message="YouTube channels removed successfully",
        channel_ids=tuple(removed),
        channels=tuple(channel for channel in found if channel.channel_id in removed),
    )


@router.get("/trigger/{trigger_id}/runs")
async def list_trigger_runs(
    trigger_id: str,
    studio: StudioDep,
    caller: CallerDep,
    _page: PageDep,
) -> RunList:
    """The runs that a trigger started: none, since the studio watches no channel."""
    await studio.triggers.check(caller.owner, trigger_id)
    return RunList()


def _channels(said: Sequence[str], faults: list[Fault]) -> list[FoundChannel]:
    """The channels that are meant; raises InvalidRequest with `faults` and those that are none."""
    found: list[FoundChannel] = []
    for index, text in enumerate(said):
        channel = youtube_channel(text)
        if channel is None:
            faults.append(
                Fault(
                    f"youtube_channels[{index}]",
                    f"{text!r} is not a YouTube channel.",
                    "Give its id (UC…), its handle (@name) or the address of its page.",
                )
            )
        else:
            found.append(FoundChannel(input=text, channel_id=channel))
    if faults:
        raise InvalidRequest(faults)
    return found
