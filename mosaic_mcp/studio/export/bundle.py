"""timeline.zip: an edit to go on with in Premiere, Resolve or anything that reads EDL or OTIO."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path

from mosaic_mcp.studio.export.cuts import plain
from mosaic_mcp.studio.export.edl import edl
from mosaic_mcp.studio.export.lanes import lanes_of, notes_of
from mosaic_mcp.studio.export.otio import otio
from mosaic_mcp.studio.export.subtitles import SUFFIXES
from mosaic_mcp.studio.export.xmeml import xmeml
from mosaic_mcp.studio.timeline.model import Timeline

_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_EPOCH = (2020, 1, 1, 0, 0, 0)
"""The time of every entry: the same edit gives the same bytes."""


def write_bundle(
    timeline: Timeline,
    out: Path,
    *,
    media: Mapping[str, Path],
    subtitles: Path | None = None,
    packed: Collection[str] = (),
) -> None:
    """Write the zip; the media are linked by relative path, not packed (they may be huge).

    But for those in `packed` (hashes): small ones that the user does not have.
    """
    paths = media_paths(timeline, media)
    inside = {sha: path for sha, path in paths.items() if sha in packed and sha in media}
    entries = {
        "timeline.xml": xmeml(timeline, paths),
        "timeline.otio": otio(timeline, paths).encode(),
        "timeline.edl": edl(timeline).encode(),
        "README.txt": _readme(timeline, paths, inside).encode(),
        **{path: media[sha].read_bytes() for sha, path in inside.items()},
    }
    for suffix in SUFFIXES:
        path = subtitles / f"captions.{suffix}" if subtitles else None
        if path and path.exists():
            entries[path.name] = path.read_bytes()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(entries.items()):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)


def media_paths(timeline: Timeline, media: Mapping[str, Path]) -> dict[str, str]:
    """A path below media/ for each source that a lane plays: the user's name, made safe."""
    paths: dict[str, str] = {}
    played = (cut.source.sha256 for lane in lanes_of(timeline) for cut in lane.cuts)
    for sha in dict.fromkeys(played):
        source = timeline.sources[sha]
        suffix = media[sha].suffix if sha in media else safe_suffix(source.name)
        stem = safe_stem(source.name)
        path = f"media/{stem}{suffix}"
        if path in paths.values():
            path = f"media/{stem}-{sha[:8]}{suffix}"
        paths[sha] = path
    return paths


def safe_stem(name: str) -> str:
    """A file name without its suffix that every system takes."""
    stem = re.sub(r"[^\w .()-]+", "-", Path(name.replace("\\", "/")).stem).strip(" .-")
    if not stem or _RESERVED.match(stem):
        stem = f"media-{stem}".rstrip("-")
    return stem[:80]


def safe_suffix(name: str) -> str:
    """The suffix of a file name where it is an ordinary one."""
    suffix = Path(name.replace("\\", "/")).suffix
    return suffix if suffix[1:].isalnum() and suffix.isascii() and len(suffix) < 8 else ""


def _readme(timeline: Timeline, paths: Mapping[str, str], inside: Collection[str]) -> str:
    files = "\n".join(
        f"  {path}   ({'in this zip' if sha in inside else 'your file'} "
        f"{plain(timeline.sources[sha].name)})"
        for sha, path in paths.items()
    )
    cuts = (cut for lane in lanes_of(timeline) for cut in lane.cuts)
    told = dict.fromkeys([*notes_of(timeline), *(note for cut in cuts for note in cut.notes)])
    notes = "".join(f"  - {plain(note)}\n" for note in told) or "  nothing\n"
    return (
        f"{plain(timeline.name)}\n\n"
        "timeline.xml   Premiere Pro (File > Import) and DaVinci Resolve (File > Import > "
        "Timeline)\n"
        "timeline.otio  OpenTimelineIO\n"
        "timeline.edl   CMX 3600 cut list\n"
        "captions.srt   what is said, as subtitles, where it is known; captions.vtt the same for "
        "the web,\n"
        "captions.txt   as text to read, a time before each paragraph\n\n"
        "Unpack the zip and put your original files beside timeline.xml as:\n"
        f"{files}\n"
        "or point the editor to them when it asks. Cuts, reframing, cutaways, music and voices on "
        "tracks of their own and caption markers come along (the EDL has the cuts of the first "
        "track only). What editors have no common word for is in markers:\n"
        f"{notes}"
    )
