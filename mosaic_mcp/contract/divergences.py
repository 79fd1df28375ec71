"""Where the studio differs from Mosaic, or decides what Mosaic's pages leave open. Data only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Divergence:
    """One place: what the page says or leaves open, and what the studio does."""

    id: str
    page: str
    mosaic: str
    studio: str


DIVERGENCES: tuple[Divergence, ...] = (
    Divergence(
        "resume-needs-credits",
        "post-agent-run-resume",
        "Run status must be failed or cancelled; Get Agent Run sends needs_credits runs here too.",
        "A run with needs_credits may be resumed from any terminal status.",
    ),
    Divergence(
        "resume-partly",
        "post-agent-run-resume",
        "Queued again are nodes in not_started, blocked, cancelled, failed.",
        "Of a run with needs_credits also partly completed nodes that lacked credits, for what "
        "they lack, and the Destination behind them.",
    ),
    Divergence(
        "image-outputs",
        "tiles/image-generation",
        "A picture is made and kept as a workspace asset; what outputs[] holds of a run that "
        "makes only a picture is not documented.",
        "video_url is a video of 5 s that shows the picture, so that every tile may follow it. The "
        "picture itself is an asset; GET /studio/v1/renders/{id} names it as image_url.",
    ),
    Divergence(
        "generation-inputs",
        "tiles/image-generation",
        "What a generating tile does with what flows into it is not documented.",
        "It flows on, and what was made follows it.",
    ),
    Divergence(
        "credits",
        "api/credits, api/plan",
        "Credits are bought; a plan may need a checkout.",
        "An optional quota that takes no money, off by default: then unlimited is true (in GET "
        "/credits too, ours) and numbers are null. A credit is a minute of video, counted in "
        "thousandths. Plans cost 0, begin at once and only go up; 409 otherwise.",
    ),
    Divergence(
        "credits-usage",
        "get-credits-usage",
        "GET /credits/usage breaks usage down by tile and date, in a form that is not public; POST "
        "/credits/buy is in an older page.",
        "The first is served in a form of ours: total, and lines of date (UTC), kind (a tile's "
        "work or its outputs), tile and credits, what is set aside included. The second is not.",
    ),
    Divergence(
        "resume-deleted-files",
        "post-agent-run-resume",
        "How long files of outputs are kept, and what then, is not documented.",
        "They stay until the user lets them be deleted (docs/disk.md). An output then carries "
        "files_deleted_at, and its run may be resumed from any terminal status: it makes them "
        "again, under the same ids.",
    ),
    Divergence(
        "resume-partial",
        "post-agent-run-resume",
        "Nodes that are partial_complete are not among those queued again; more is not documented.",
        "Their failed outputs stay failed. A Destination says anew what it got once all is done.",
    ),
    Divergence(
        "cancel-terminal",
        "post-agent-run-cancel",
        "Behaviour on a run that has ended is not documented.",
        "200 with tasks_cancelled 0 and nodes_reset 0; nothing changes.",
    ),
    Divergence(
        "ignore-inputs",
        "post-agent-run",
        "ignore_nodes on a Video Input or a generation node is not documented.",
        "400: without it nothing can run.",
    ),
    Divergence(
        "ignored-params",
        "post-agent-run",
        "update_params on an ignored node is not documented.",
        "400: “Keys must be valid agent_node_id values from the runnable graph.”",
    ),
    Divergence(
        "ignore-ends",
        "post-agent-run",
        "ignore_nodes on a Destination or on a leaf is not documented.",
        "The tiles before it become the last ones, and their renders are the outputs.",
    ),
    Divergence(
        "unconnected",
        "post-agent-run",
        "What the “runnable graph” leaves out is not documented.",
        "Triggers, ignored nodes, and tiles that no Video Input or generating tile leads to.",
    ),
    Divergence(
        "top-range",
        "post-agent-run",
        "A top-level clip range beside video_inputs is not documented.",
        "400: it applies to top-level arrays, and there are none.",
    ),
    Divergence(
        "youtube-urls",
        "post-agent-run",
        "youtube_urls stands in one example, but in no table.",
        "Accepted wherever video_urls is, for YouTube videos only.",
    ),
    Divergence(
        "same-source",
        "post-agent-run",
        "A source that is named twice is not documented.",
        "It is processed twice.",
    ),
    Divergence(
        "saved-params",
        "post-agent-update",
        "Whether a saved tile may lack required parameters is not documented.",
        "It may; the run is refused with 400 unless update_params brings them.",
    ),
    Divergence(
        "item-ranges",
        "post-agent-run",
        "A clip range beside per-item inputs alone is not documented.",
        "400: it would apply to nothing.",
    ),
    Divergence(
        "update-atomic",
        "post-agent-update",
        "Whether an update with one bad operation is atomic is not documented.",
        "All operations or none; all faults are reported at once.",
    ),
    Divergence(
        "delete-connection",
        "post-agent-update",
        "The fields of delete_connection are not public.",
        "Those of create_connection.",
    ),
    Divergence(
        "node-type-ids",
        "get-agent-nodes",
        "The ids of Destination, Montage, triggers and some older tiles are not public.",
        "UUIDv5 of our own namespace, flagged unverified.",
    ),
    Divergence(
        "reframe-16-9",
        "tiles/reframe",
        "The current page names 9:16 and 1:1.",
        "16:9 as well.",
    ),
    Divergence(
        "montage-prompt",
        "tiles/montage",
        "The style prompt is required; its key is not public.",
        "It may be left out. Pace and length are read from it, and nothing else.",
    ),
    Divergence(
        "svg",
        "api/asset-management",
        "Pictures may be SVG.",
        "SVG is refused: it can name other files and addresses. Give a PNG.",
    ),
    Divergence(
        "quality",
        "post-agent-run",
        "There is no quality setting.",
        "?quality=draft|standard|best on the run, ours.",
    ),
    Divergence(
        "webhooks",
        "api/webhooks/events",
        "RUN_STARTED, RUN_PROGRESS and RUN_FINISHED are posted to callback_url; how often a "
        "failed one is repeated, and whether a cancelled run finishes, is not said.",
        "A cancelled run sends RUN_FINISHED with that status. Each event is repeated for up to "
        "three days, in its run's order, and signed as Standard Webhooks are. An address inside a "
        "private network is refused unless MOSAIC_PRIVATE_URLS is 1.",
    ),
    Divergence(
        "triggers",
        "api/triggers",
        "A trigger watches YouTube channels and starts a run for each new video.",
        "Triggers are kept and listed, but nothing is watched: no run is started, and handles are "
        "not looked up, so that @name stands in the place of a channel's id.",
    ),
    Divergence(
        "tiles-not-done",
        "post-agent-run",
        "Every tile runs.",
        "A run with a tile that docs/tiles.md calls unsupported is refused with 400 before it is "
        "made, unless ignore_nodes leaves that tile out.",
    ),
    Divergence(
        "clips-ranges",
        "tiles/clips",
        "Clips chooses; there is no parameter for exact ranges.",
        "`ranges` cuts exactly what the caller chose, ours. On the hosted engine the tools ask for "
        "the same by clip ranges of the inputs.",
    ),
    Divergence(
        "range-behind-end",
        "post-agent-run",
        "A clip range that begins behind the end of its video is not documented.",
        "400 where the length is known before the run, else the run fails. An end behind the end "
        "means the end.",
    ),
    Divergence(
        "connections",
        "post-agent-update",
        "“Connection direction rules” are enforced, but not told.",
        "Only triggers lead into a Video Input, and nowhere else; nothing follows a Destination.",
    ),
    Divergence(
        "error-codes",
        "api/introduction",
        "409, 413, 503 and 507 have no documented error code.",
        "conflict, too_large, engine_unavailable, no_space; 400 also bad_media and unsupported. "
        "`remedy` repeats the part of `detail` that says what to do.",
    ),
)
