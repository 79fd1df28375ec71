"""Handing an edit over: to editors (XML, OTIO, EDL) and to players (subtitles)."""

from mosaic_mcp.studio.export.bundle import write_bundle
from mosaic_mcp.studio.export.subtitles import cues_of, with_words, write_subtitles

__all__ = ["cues_of", "with_words", "write_bundle", "write_subtitles"]
