"""The seed page Run Agent (docs.mosaic.so/api/agent-runs/post-agent-run), word for word."""

from __future__ import annotations

MAX_URL_BYTES = 5 * 1024**3
"""“Maximum file size: 5 GB per video” (Signed URLs)."""

MAX_DURATION_S = 5 * 3600
"""“Maximum duration: 5 hours per video” (YouTube and signed URLs)."""


class Rule:
    """Sentences that a fault quotes."""

    either = "Use either top-level input arrays or video_inputs (not both in the same request)."
    each_input = (
        "If the runnable graph has multiple Video Input tiles, provide one video_inputs entry for "
        "each runnable input tile."
    )
    at_least_one = (
        "Each entry must include agent_node_id plus at least one of video_ids, node_render_ids, "
        "video_urls, or mimir_assets."
    )
    tile = "video_inputs[] entries map assets to a specific Video Input tile (agent_node_id)"
    generation = (
        "For workflows starting with generation nodes and no Video Input node, no video inputs "
        "should be provided."
    )
    range = "if both are provided, input_clip_end_ms must be greater than input_clip_start_ms."
    top_range = "Optional start offset applied to all top-level input arrays."
    own_range = (
        "If you need different start/end ranges for different inputs, use video_id_inputs, "
        "node_render_inputs, video_url_inputs, or youtube_url_inputs instead of the plain string "
        "arrays."
    )
    unknown_node = "Unknown agent_node_id keys return 400"
    protected = (
        "Protected/system nodes (for example Video Input/Destination/trigger nodes) cannot be "
        "overridden with update_params"
    )
    runnable = "Keys must be valid agent_node_id values from the runnable graph."
    ignored = "Optional list of agent_node_id values to bypass for this run."
    urls = "Must be HTTP or HTTPS URLs pointing to video files"
    youtube = "Supports standard YouTube video URLs"
    mimir = (
        "If no Mimir connection is configured for the agent's workspace, the API returns a 400 "
        "error explaining how to set one up."
    )
    callback = "Optional webhook URL for status updates"
