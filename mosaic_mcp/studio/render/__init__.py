"""Timelines to files: one fused FFmpeg graph per output, sound cut by the sample."""

from mosaic_mcp.studio.render.ffmpeg import Limits, find_ffmpeg, run_ffmpeg
from mosaic_mcp.studio.render.quality import Quality
from mosaic_mcp.studio.render.render import RenderReport, render

__all__ = ["Limits", "Quality", "RenderReport", "find_ffmpeg", "render", "run_ffmpeg"]
