"""From what a caller says to validated requests: sources, parts, names, plans, graphs."""

from mosaic_mcp.contract.spans import Span, parse_span
from mosaic_mcp.intent.agents import could_mean, find_agent
from mosaic_mcp.intent.files import writable_folder
from mosaic_mcp.intent.graphs import Built, TileWish, build_graph, rename_agent
from mosaic_mcp.intent.looking import look_at_files
from mosaic_mcp.intent.lookup import resolve_video
from mosaic_mcp.intent.request import Plan, VideoWish, input_labels, plan_run
from mosaic_mcp.intent.submitting import submit

__all__ = [
    "Built",
    "Plan",
    "Span",
    "TileWish",
    "VideoWish",
    "build_graph",
    "could_mean",
    "find_agent",
    "input_labels",
    "look_at_files",
    "parse_span",
    "plan_run",
    "rename_agent",
    "resolve_video",
    "submit",
    "writable_folder",
]
