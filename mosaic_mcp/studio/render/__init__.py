"""Rendering: a timeline in, a finished file out, in one decode and one encode."""

from mosaic_mcp.studio.render.ffmpeg import find_ffmpeg
from mosaic_mcp.studio.render.fonts import FONTS
from mosaic_mcp.studio.render.pictures import contact_sheet, frame, thumbnail
from mosaic_mcp.studio.render.rendering import Quality, RenderReport, render

__all__ = [
    "FONTS",
    "Quality",
    "RenderReport",
    "contact_sheet",
    "find_ffmpeg",
    "frame",
    "render",
    "thumbnail",
]
