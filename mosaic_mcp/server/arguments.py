"""Arguments that several tools share: one meaning, one description, one set of bounds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

RunId = Annotated[str, Field(min_length=1, max_length=64, description="Run id")]

OutputId = Annotated[
    str, Field(min_length=1, max_length=64, description="Output id from list_outputs")
]

WaitS = Annotated[
    float, Field(ge=0, le=50, description="Seconds to wait for news before answering, 0-50")
]

Agent = Annotated[
    str, Field(min_length=1, max_length=120, description="Agent id or name (see find_agents)")
]

Cursor = Annotated[str | None, Field(max_length=512, description="next_cursor of the page before")]

Span = Annotated[
    str | None,
    Field(
        max_length=80,
        description="Part of each video: '1:30-2:45', 'first 20 minutes', 'last 30 s', 'from 45 s'",
    ),
]

ResponseFormat = Annotated[
    Literal["concise", "detailed"], Field(description="detailed adds all steps and ids")
]


class VideoArgument(BaseModel):
    """A video with more than its name."""

    model_config = ConfigDict(extra="forbid")

    source: Annotated[
        str,
        Field(
            min_length=1,
            max_length=4096,
            description="Path, URL, YouTube link, upload id, render:<output id> or mimir:<id>",
        ),
    ]
    input: Annotated[
        str | None, Field(max_length=120, description="Video Input, when the agent has several")
    ] = None
    clip: Annotated[str | None, Field(max_length=80, description="Part of this video")] = None
    artifact: Annotated[
        Literal["highres", "proxy", "auto"] | None, Field(description="Mimir only")
    ] = None
    transcript: Annotated[
        str | None, Field(max_length=4096, description="Path of its SRT or VTT")
    ] = None


def _listed(value: Any) -> Any:
    """One video is a list of one: models often forget the brackets."""
    return [value] if isinstance(value, str | dict) else value


Videos = Annotated[
    list[str | VideoArgument],
    BeforeValidator(_listed),
    Field(
        max_length=50,
        description="Paths, URLs, YouTube links, upload ids, render:<output id>; or objects",
    ),
]

Params = Annotated[
    dict[str, dict[str, Any]] | None,
    Field(
        description="Node label or tile -> parameters to change for this run, "
        "as {'Clips': {'num_clips': 5}}. A path given for an asset parameter is uploaded",
    ),
]

Skip = Annotated[list[str] | None, Field(max_length=50, description="Nodes to bypass in this run")]

Quality = Annotated[
    Literal["draft", "standard", "best"],
    Field(description="draft renders small and fast (local engine)"),
]

CallbackUrl = Annotated[
    str | None, Field(max_length=2048, description="Webhook to be told of progress")
]

DryRun = Annotated[bool, Field(description="Answer the exact request; upload and start nothing")]

IdempotencyKey = Annotated[
    str | None,
    Field(max_length=128, description="Same key, same run. A new key forces another run"),
]

Confirm = Annotated[
    str | None, Field(max_length=64, description="`confirm` of a dry_run: start only that request")
]
