"""Files of this machine: inside the allowed folders, there, readable, and what they seem to be.

What a file really is only the engine finds out; here a wrong path gets a helpful sentence before
anything is sent.
"""

from __future__ import annotations

import difflib
import os
import re
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mosaic_mcp.contract.words import a, listed
from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.settings import Settings

FileKind = Literal["video", "audio", "image", "subtitles"]

_SPELLED: dict[FileKind, str] = {
    "video": ".mp4 .mov .avi .webm .mkv .m4v .mpg .mpeg .ts .mts .m2ts .3gp .flv .wmv .mxf .ogv",
    "audio": ".mp3 .wav .m4a .flac .ogg .aac .opus .aiff .aif .wma",
    "image": ".png .jpg .jpeg .gif .webp",
    "subtitles": ".srt .vtt",
}
SUFFIXES = {kind: frozenset(names.split()) for kind, names in _SPELLED.items()}
PICTURES = SUFFIXES["image"] | {".svg", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif"}
"""All that are pictures by their names; those that are no `SUFFIXES` are not read."""
_DOCUMENTS = {".txt", ".md", ".pdf", ".html", ".json", ".zip", ".key", ".db", ".m3u8", ".m3u"}
_WORDS_ALONE = {".txt", ".md", ".docx", ".odt", ".rtf", ".pdf"}
_LOOKED_AT = 2_000
"""Directory entries read at most when the nearest name is looked for."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that may be read. `path` is absolute and free of links."""

    path: Path
    size_bytes: int
    mtime_ns: int


def readable_file(said: str, settings: Settings, kind: FileKind, where: str) -> File:
    """The file that is meant; raises InvalidRequest with the nearest names when it is not there."""
    path = _absolute(said, settings, where)
    real = _allowed(path, settings, where)
    try:
        facts = real.stat()
    except FileNotFoundError:
        raise _fault(where, f"There is no file {_shown(path)}.", _near(path, kind)) from None
    except OSError as error:
        raise _fault(where, f"{_shown(path)} cannot be read: {error.strerror}.", "") from None
    if stat.S_ISDIR(facts.st_mode):
        raise _fault(where, f"{_shown(path)} is a folder.", _inside(real, kind))
    if not stat.S_ISREG(facts.st_mode):
        raise _fault(where, f"{_shown(path)} is not a regular file.", "")
    _plausible(path, kind, where, settings)
    if facts.st_size == 0:
        raise _fault(
            where,
            f"{_shown(path)} is empty (0 bytes).",
            "Save or copy it again: it has no content.",
        )
    if not os.access(real, os.R_OK):
        raise _fault(where, f"{_shown(path)} may not be read.", "Change its permissions.")
    return File(real, facts.st_size, facts.st_mtime_ns)


def writable_folder(said: str, settings: Settings, where: str = "save_to") -> Path:
    """The folder that is meant, made when missing; inside the allowed folders."""
    path = _absolute(said, settings, where)
    real = _allowed(path, settings, where)
    try:
        real.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise _fault(where, f"{_shown(path)} is a file.", "Give a folder.") from None
    except OSError as error:
        raise _fault(where, f"{_shown(path)} cannot be made: {error.strerror}.", "") from None
    if not os.access(real, os.W_OK):
        raise _fault(where, f"{_shown(path)} may not be written to.", "Give another folder.")
    return real


def _absolute(said: str, settings: Settings, where: str) -> Path:
    if settings.owner is not None:
        return _in_owners_folder(said, settings, where)
    try:
        path = Path(said).expanduser().absolute()
        if sys.platform != "win32" and "\\" in said and not path.exists():
            # Pasted from a shell: "My\ Videos" means the folder "My Videos".
            plain = Path(re.sub(r"\\(.)", r"\1", said)).expanduser().absolute()
            return plain if plain.exists() else path
    except (OSError, RuntimeError, ValueError):
        raise _no_path(said, where) from None
    return path


def _in_owners_folder(said: str, settings: Settings, where: str) -> Path:
    """What somebody elsewhere means; this machine's own folders and users mean nothing to them."""
    if settings.allowed_dirs:
        return settings.allowed_dirs[0] / said
    if where == "save_to":
        what = f"{said!r:.200} would be a folder of the server, and you have none there."
        raise _fault(where, what, "Leave it out, and download the links of the answer.")
    raise _fault(
        where,
        f"{said!r:.200} is a file, and this server cannot see the files of your machine.",
        "Give an http or https address, the id of an upload (POST /uploads/video/get_upload_url at "
        "this server begins one), or render:<output id>.",
    )


def _allowed(path: Path, settings: Settings, where: str) -> Path:
    """The path without links, when it is inside a folder that tools may use."""
    try:
        real = path.resolve()
    except (OSError, RuntimeError, ValueError):
        raise _no_path(str(path), where) from None
    # The data folder holds the files and keys of all owners.
    if settings.owner is None and real.is_relative_to(settings.home.resolve()):
        return real
    for folder in settings.allowed_dirs:
        root = folder.resolve()
        if real.is_relative_to(root):
            hidden = root == Path.home().resolve() and real.relative_to(root).parts[:1]
            if hidden and hidden[0].startswith("."):
                raise _fault(
                    where,
                    f"{_shown(path)} is in a hidden folder of your home, which tools do not read.",
                    "Move the file, or name its folder in MOSAIC_ALLOWED_DIRS.",
                )
            return real
    raise _fault(
        where,
        f"{_shown(path)} is outside the allowed folders "
        f"({listed([str(d) for d in settings.allowed_dirs])}).",
        "Give a path in them, or ask the user to add this folder to MOSAIC_ALLOWED_DIRS."
        if settings.owner is None
        else "Give a path in it.",
    )


def _plausible(path: Path, kind: FileKind, where: str, settings: Settings) -> None:
    """Refuse what its name already shows to be something else; unknown names pass."""
    suffix = path.suffix.lower()
    if suffix in SUFFIXES[kind]:
        return
    if kind == "subtitles" and suffix in _WORDS_ALONE:
        raise _fault(
            where,
            f"{_shown(path)} is a text without times. Only the sound could give them, and where "
            "it says other words than the text, it would give wrong ones unnoticed.",
            "Give the same text as .srt or .vtt: what makes transcripts saves these too. (A file "
            "that has such times inside needs only that name.)",
        )
    if kind == "image" and suffix in PICTURES:
        if suffix == ".svg" and settings.hosted:
            return
        form, read = suffix[1:].upper(), ", ".join(_SPELLED["image"].split())
        what = f"{_shown(path)} is a picture of the kind {form}; only {read} are read."
        raise _fault(where, what, "Save it as PNG.")
    kinds = {**SUFFIXES, "image": PICTURES}
    seems = next((k for k, suffixes in kinds.items() if suffix in suffixes), None)
    if seems is None and suffix not in _DOCUMENTS and kind != "subtitles":
        return
    what = seems or (f"{suffix[1:].upper()} file" if suffix else "file without a suffix")
    remedy = f"Give one of {', '.join(_SPELLED[kind].split()[:6])}."
    raise _fault(where, f"{_shown(path)} is not {_a(kind)} but {_a(what)}.", remedy)


def _a(noun: str) -> str:
    return noun if noun == "subtitles" else a(noun)


def _near(path: Path, kind: FileKind) -> str:
    """What else is in that folder, nearest names first."""
    folder = path.parent
    while not folder.is_dir():
        missing, folder = folder, folder.parent
        if folder.is_dir():
            near = _closest(missing.name, _names(folder, folders=True))
            hint = f" Did you mean {near[0]}?" if near else ""
            return f"The folder {_shown(missing)} does not exist.{hint}"
    names = _names(folder)
    near = _closest(path.name, names)
    if near:
        return f"Did you mean {listed([repr(n) for n in near])}?"
    return _inside(folder, kind)


def _closest(name: str, names: Iterable[str]) -> list[str]:
    """The same name with another suffix, then names that look alike."""
    lower = {n.casefold(): n for n in names}
    stem = Path(name).stem.casefold()
    found = [n for n in lower if Path(n).stem == stem]
    found += difflib.get_close_matches(name.casefold(), lower, n=3, cutoff=0.6)
    return [lower[n] for n in dict.fromkeys(found)][:3]


def _inside(folder: Path, kind: FileKind) -> str:
    media = [n for n in _names(folder) if Path(n).suffix.lower() in SUFFIXES[kind]]
    if not media:
        return f"{_shown(folder)} holds no {kind} file."
    return f"{_shown(folder)} holds {listed([repr(n) for n in sorted(media)], 5)}."


def _names(folder: Path, *, folders: bool = False) -> list[str]:
    """Visible entries of a folder, a bounded number of them."""
    names: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry, _ in zip(entries, range(_LOOKED_AT), strict=False):
                if not entry.name.startswith(".") and entry.is_dir() == folders:
                    names.append(entry.name)
    except OSError:
        return names
    return names


def _shown(path: Path) -> str:
    return f'"{path}"'


def _no_path(said: str, where: str) -> InvalidRequest:
    return _fault(where, f"{said!r:.200} is not a path.", "Check it for typing errors.")


def _fault(where: str, what: str, remedy: str) -> InvalidRequest:
    return InvalidRequest([Fault(where, what, remedy)])
