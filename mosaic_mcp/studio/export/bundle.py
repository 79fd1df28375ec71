"""timeline.zip: an edit to go on with in Premiere, Resolve or anything that reads EDL or OTIO."""

from __future__ import annotations

import re
import shutil
import unicodedata
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path

from mosaic_mcp.studio.export.cuts import plain
from mosaic_mcp.studio.export.edl import edls
from mosaic_mcp.studio.export.lanes import lanes_of, notes_of
from mosaic_mcp.studio.export.media import sequence_rate
from mosaic_mcp.studio.export.motion import motion_notes
from mosaic_mcp.studio.export.otio import otio
from mosaic_mcp.studio.export.subtitles import SUFFIXES
from mosaic_mcp.studio.export.xmeml import xmeml
from mosaic_mcp.studio.library import Library
from mosaic_mcp.studio.timeline.model import Timeline

_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_EPOCH = (2020, 1, 1, 0, 0, 0)
"""The time of every entry: the same edit gives the same bytes."""
PACKED_BYTES = 200_000_000
"""Of media in a zip at most."""


def write_bundle(
    timeline: Timeline,
    out: Path,
    *,
    media: Mapping[str, Path],
    subtitles: Path | None = None,
) -> None:
    """Write the zip; media are linked by relative path.

    What the user brought is not packed (it may be huge, and they have it); what the studio made or
    chose out of a folder is, up to PACKED_BYTES.
    """
    paths = media_paths(timeline, media)
    inside = _packed(timeline, {sha: media[sha] for sha in paths if sha in media})
    entries = {
        "timeline.xml": xmeml(timeline, paths),
        "timeline.otio": otio(timeline, paths).encode(),
        "README.txt": _readme(timeline, paths, inside).encode(),
    }
    for number, text in enumerate(edls(timeline, paths), 1):
        entries[f"timeline-{number}.edl" if number > 1 else "timeline.edl"] = text.encode()
    for suffix in SUFFIXES:
        path = subtitles / f"captions.{suffix}" if subtitles else None
        if path and path.exists():
            entries[path.name] = path.read_bytes()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(entries.items()):
            archive.writestr(_entry(name, zipfile.ZIP_DEFLATED), content)
        for sha in inside:
            # Stored: mostly compressed already.
            info = _entry(paths[sha], zipfile.ZIP_STORED)
            info.file_size = media[sha].stat().st_size
            with media[sha].open("rb") as file, archive.open(info, "w") as entry:
                shutil.copyfileobj(file, entry, 1 << 20)


def _entry(name: str, how: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = how
    info.external_attr = 0o644 << 16
    return info


def _packed(timeline: Timeline, media: Mapping[str, Path]) -> list[str]:
    """What goes into the zip: of what the user did not bring as much as has room, small first."""
    sizes = {
        sha: path.stat().st_size
        for sha, path in media.items()
        if timeline.sources[sha].origin != "user"
    }
    room, packed = PACKED_BYTES, list[str]()
    for sha in sorted(sizes, key=lambda sha: (sizes[sha], sha)):
        if sizes[sha] > room:
            break
        packed.append(sha)
        room -= sizes[sha]
    return packed


def media_paths(timeline: Timeline, media: Mapping[str, Path]) -> dict[str, str]:
    """A path below media/ for each source that a lane plays: the user's name, made safe."""
    paths: dict[str, str] = {}
    taken: set[str] = set()
    played = (cut.source.sha256 for lane in lanes_of(timeline) for cut in lane.cuts)
    for sha in dict.fromkeys(played):
        source = timeline.sources[sha]
        suffix = media[sha].suffix if sha in media else safe_suffix(source.name)
        stem = safe_stem(source.name)
        path = f"media/{stem}{suffix}"
        if _alike(path) in taken:
            path = f"media/{stem}-{sha[:8]}{suffix}"
        taken.add(_alike(path))
        paths[sha] = path
    return paths


def _alike(path: str) -> str:
    """What is the same for paths that are one where a disk minds no case."""
    return unicodedata.normalize("NFC", path.casefold())


def safe_stem(name: str) -> str:
    """A file name without its suffix that every system takes."""
    # A letter with a separate accent, as macOS writes it, is one letter again.
    name = unicodedata.normalize("NFC", name).replace("\\", "/")
    stem = re.sub(r"[^\w .()-]+", "-", Path(name).stem).strip(" .-")
    if not stem or _RESERVED.match(stem):
        stem = f"media-{stem}".rstrip("-")
    return stem[:80]


def safe_suffix(name: str) -> str:
    """The suffix of a file name where it is an ordinary one."""
    suffix = Path(name.replace("\\", "/")).suffix
    return suffix if suffix[1:].isalnum() and suffix.isascii() and len(suffix) < 8 else ""


def _readme(timeline: Timeline, paths: Mapping[str, str], inside: Collection[str]) -> str:
    return (
        f"{plain(timeline.name)}\n\n"
        "timeline.xml   Premiere Pro (File > Import) and DaVinci Resolve (File > Import > "
        "Timeline)\n"
        "timeline.otio  OpenTimelineIO\n"
        "timeline.edl   CMX 3600 cut list of at most 999 cuts; timeline-2.edl goes on\n"
        "captions.srt   what is said, as subtitles, where it is known; captions.vtt the same for "
        "the web,\n"
        "captions.txt   as text to read, a time before each paragraph\n\n"
        f"{_files(timeline, paths, inside)}"
        "timeline.xml and timeline.otio have the cuts, cutaways, watermarks, music and voices on "
        "tracks of their own, and markers for captions and graphics. Scale and place of pictures, "
        "so reframing too, are in timeline.xml only. The EDL has the cuts of the first track.\n"
        f"{_rates(timeline)}"
        f"{_markers(timeline)}"
    )


def _rates(timeline: Timeline) -> str:
    """What to answer where an import asks for a rate."""
    rate, listed = timeline.frame_rate, sequence_rate(timeline.frame_rate)
    own, counted = f"{float(rate):.6g}", f"{float(listed):.6g}"
    if own == counted:
        return (
            f"The sequence runs at {own} frames/s: give this rate where an import asks for one.\n"
        )
    exact = (listed / rate).denominator == 1
    return (
        f"The sequence runs at {own} frames/s, which few editors have: timeline.xml and "
        f"timeline.edl count it in {counted}{'' if exact else ', each cut at the nearest frame'}. "
        f"Give {counted} where an import of these asks for a rate.\n"
    )


def _files(timeline: Timeline, paths: Mapping[str, str], inside: Collection[str]) -> str:
    """Where each file is, and what is to be done with it."""
    own, packed, left = list[str](), list[str](), list[str]()
    for sha, path in paths.items():
        source = timeline.sources[sha]
        from_ = {
            "user": f"your file {plain(source.name)}",
            "studio": f"{plain(source.name)}, made by the studio",
            "folder": f"{plain(source.name)}, out of your own folder",
        }[source.origin]
        line = f"  {path}   ({from_})\n"
        if sha in inside:
            packed.append(line)
        elif source.origin == "user":
            own.append(line)
        else:
            key = Library.source_key(sha, Path(path).suffix)
            left.append(f"{line}    is {key} in the studio's storage\n")
    beside = "beside timeline.xml"
    told = (
        ("Unpack the zip and keep its files together. In it are:\n", packed),
        (f"Put your original files {beside} as these, or point the editor to them:\n", own),
        (f"Too large for a zip of {PACKED_BYTES // 10**6} MB; put it {beside} yourself:\n", left),
    )
    return "".join(f"{what}{''.join(lines)}\n" for what, lines in told if lines)


def _markers(timeline: Timeline) -> str:
    """What is in markers only; empty when nothing is."""
    cuts = (cut for lane in lanes_of(timeline) for cut in lane.cuts)
    whole = [*motion_notes(timeline), *notes_of(timeline)]
    told = dict.fromkeys([*whole, *(note for cut in cuts for note in cut.notes)])
    if not told:
        return ""
    notes = "".join(f"  - {plain(note)}\n" for note in told)
    return f"What editors have no common word for is in markers:\n{notes}"
