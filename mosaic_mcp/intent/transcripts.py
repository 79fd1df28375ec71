"""The user's own subtitles for a video: which file they are, and its text."""

from __future__ import annotations

import codecs
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from mosaic_mcp.contract.extensions import MOST_TRANSCRIPT_CHARS
from mosaic_mcp.contract.languages import language_tag
from mosaic_mcp.contract.words import listed
from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.intent.files import SUFFIXES, File
from mosaic_mcp.opening import read

_MOST_BYTES = 4 * MOST_TRANSCRIPT_CHARS + 1
"""As many as the longest transcript can have, and one more."""
_TIMED = re.compile(r"\d\d[.,]\d{1,3}[ \t]*-->[ \t]*\d")
_WESTERN = "cp1252"
_MARKS = {"cc", "default", "forced", "full", "sdh"}
"""What else players read in a name."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """A file of subtitles. `where` is the place that names it; empty for one that is only there."""

    file: File
    where: str = field(default="", compare=False, repr=False)

    @property
    def path(self) -> Path:
        return self.file.path

    def refusal(self, what: str, remedy: str) -> InvalidRequest:
        """Why these subtitles cannot be used."""
        return InvalidRequest([Fault(self.where, f'"{self.path}" {what}', remedy)])


def text_of(transcript: Transcript) -> tuple[str, str]:
    """The text, and a warning where its encoding is a guess. Raises InvalidRequest for others."""
    try:
        with read(transcript.path) as file:
            content = file.read(_MOST_BYTES)
        text, encoding = _decoded(content)
    except OSError as error:
        raise transcript.refusal(f"cannot be read: {error.strerror}.", "") from None
    except UnicodeDecodeError:
        raise transcript.refusal("is not readable as UTF-8 text.", "Save it as UTF-8.") from None
    if len(text) > MOST_TRANSCRIPT_CHARS:
        what = f"has more than {MOST_TRANSCRIPT_CHARS:,} characters."
        raise transcript.refusal(what, "Give the subtitles of this video alone.")
    if not _TIMED.search(text):
        raise transcript.refusal(
            "holds no timed text.",
            "Give an SRT file (number, 00:00:01,000 --> 00:00:02,500, text) or a WebVTT file.",
        )
    if encoding != _WESTERN:
        return text, ""
    return text, (
        f"{transcript.path.name} is not in UTF-8 and is read as Western European. "
        "If its words look wrong, save it as UTF-8."
    )


def _decoded(content: bytes) -> tuple[str, str]:
    """The text and its encoding: the one that its first bytes tell, UTF-8, or what is left."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16"), "utf-16"
    try:
        return content.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        return content.decode(_WESTERN), _WESTERN


def subtitles_beside(video: File) -> tuple[Transcript | None, str]:
    """The subtitles that lie beside a video and can be used, and what to tell of them."""
    files = _beside(video)
    if len(files) > 1:
        names = listed([file.path.name for file in files])
        return None, (
            f"Beside {video.path.name} lie {names}, and none of them is used. "
            "Give the one that says what is said as `transcript`."
        )
    if not files:
        return None, ""
    found = Transcript(files[0])
    try:
        _, guessed = text_of(found)
    except InvalidRequest as error:
        return None, left_out(error)
    using = f"Using the subtitles beside {video.path.name}: {found.path.name}"
    return found, f"{using}. {guessed}" if guessed else using


def left_out(error: InvalidRequest) -> str:
    """What to tell of subtitles that nobody asked for and that cannot be used."""
    why = " ".join(fault.sentence() for fault in error.faults)
    return f"The subtitles beside the video are left out. {why}"


def language_in_name(path: Path, video: str = "") -> str:
    """The language that players read in a name, talk.de.srt, talk.en-US.sdh.vtt; else empty.

    They read it behind the name of the video: `standup.mon.srt` is not in Mongolian beside
    `standup.mon.mp4`.
    """
    stem, own = path.stem, PurePath(video).stem
    behind = stem[len(own) :] if own and _begins(stem, own) else stem
    parts = _parts(behind)
    return language_tag(parts[-1]) if parts else ""


def _beside(video: File) -> list[File]:
    """The one under the name of the video, `talk.srt` of `talk.mp4`, or all with a language."""
    own, folder = video.path.stem, video.path.parent
    try:
        paths = [path for path in folder.iterdir() if _begins(path.name, own)]
    except OSError:
        return []
    others = {path.stem for path in paths if path.suffix.lower() in SUFFIXES["video"]} - {own}
    found: dict[str, File] = {}
    # SRT comes before VTT, and the name as the video has it before one in other letters.
    for path in sorted(paths, key=lambda p: (p.suffix.lower(), not p.name.startswith(own), p.name)):
        if _is_named_for(path, own) and path.stem not in others and (file := _regular(path)):
            found.setdefault(path.stem.casefold(), file)
    plain = found.get(own.casefold())
    return [plain] if plain else list(found.values())


def _is_named_for(path: Path, own: str) -> bool:
    """Whether these are subtitles whose name adds nothing to that of the video but a language."""
    if path.suffix.lower() not in SUFFIXES["subtitles"]:
        return False
    behind = path.stem[len(own) :]
    parts = _parts(behind)
    return not behind or (behind[0] == "." and len(parts) == 1 and language_tag(parts[0]) != "")


def _begins(name: str, own: str) -> bool:
    return name[: len(own)].casefold() == own.casefold()


def _parts(behind: str) -> list[str]:
    """What stands between the name of the video and the suffix, without marks."""
    parts = [part for part in behind.split(".")[1:] if part.lower() not in _MARKS]
    if [p.lower() for p in parts[-1:]] == ["hi"] and len(parts) > 1 and language_tag(parts[-2]):
        parts.pop()  # for the hearing impaired, not Hindi
    return parts


def _regular(path: Path) -> File | None:
    """A file with content; no links: one could lead out of the folders that tools may read."""
    try:
        facts = path.lstat()
    except OSError:
        return None
    if stat.S_ISREG(facts.st_mode) and facts.st_size and os.access(path, os.R_OK):
        return File(path, facts.st_size, facts.st_mtime_ns)
    return None
