"""Every setting, and the environment variable that sets it.

| variable | meaning | default |
| --- | --- | --- |
| MOSAIC_API_KEY | key of the hosted API (`mk_…`); without one the local studio is used | none |
| MOSAIC_API_URL | address of a Mosaic API | https://api.mosaic.so |
| MOSAIC_HOME | data folder: studio, ledger, caches | the platform's user data folder |
| MOSAIC_ALLOWED_DIRS | folders to read from and save to, joined by the path separator | your home |
| MOSAIC_ENCODER | `auto` for hardware where better, `libx264`, or one as `h264_nvenc` | auto |
| MOSAIC_FFMPEG | FFmpeg binary | the one in the imageio-ffmpeg package |
| MOSAIC_STUDIO_IDLE_S | seconds without work or callers after which a started studio ends | 900 |
| MOSAIC_PRIVATE_URLS | 1: addresses of this machine and its network may be connected to | 0 |
| MOSAIC_SPENDING | `ask` before a run uses credits of the hosted engine, or `allow` it | ask |
| MOSAIC_WEBHOOK_SECRET | what webhooks, sent and received, prove themselves with | none |
| MOSAIC_WEBHOOK_PORT | loopback port on which a server over stdio receives webhooks | none |
| MOSAIC_STUDIO_STORAGE | where files are kept: a folder, or `s3://bucket/prefix` | data folder |
| MOSAIC_STUDIO_CACHE_GB | gigabytes of a bucket's files that the data folder also keeps | 20 |
| MOSAIC_LOG_LEVEL | `debug`, `info`, `warning` or `error` | info in the studio, else warning |
| MOSAIC_LOG_FORMAT | `text`, or `json`: one object a line | text |
| MOSAIC_LOG_FILE | file for the log of servers and workers; the studio has its own | stderr |
| MOSAIC_STUDIO_KEYS | `mk_key=owner` pairs, comma separated, for a studio served to others | none |
| MOSAIC_STUDIO_DATABASE | `postgresql://…`, for several processes (docs/cluster.md) | SQLite |
| MOSAIC_STUDIO_DEAD_S | seconds of silence after which a worker counts as dead | 60 |
| MOSAIC_STUDIO_PUBLIC_URL | address at which others reach the studio, as a proxy serves it | none |
| MOSAIC_STUDIO_CREDITS | minutes of video for each owner: `60`, or `60,anna=600` | no limit |
| MOSAIC_STUDIO_PLANS | plans that owners may choose where credits are limited, or `none` | all |
| MOSAIC_TOOLSETS | tools beyond the default ones: `account`, `billing`, comma separated | none |
| MOSAIC_STUDIO_MODEL | model that hears words, a name of `mosaic-mcp models` | the best one here |
| MOSAIC_STUDIO_KEEP_DAYS | days after which the studio deletes the files of outputs | for ever |
| MOSAIC_STUDIO_MAX_GB | above so many GB the studio deletes the oldest outputs' files | no limit |

The user data folder is `~/.local/share/mosaic-mcp` on Linux (or below `XDG_DATA_HOME`),
`~/Library/Application Support/mosaic-mcp` on macOS, `mosaic-mcp` in `%LOCALAPPDATA%` on Windows. It
is always an allowed folder; the hidden folders of your home are allowed only when they are named.
`mosaic-mcp serve --http` alone reads these (docs/http.md). Pairs are comma separated.

| variable | meaning | default |
| --- | --- | --- |
| MOSAIC_PUBLIC_URL | address at which others reach the server, as its proxy serves it | loopback |
| MOSAIC_HTTP_TOKENS | `token=subject` pairs; `sha256:<hex>=subject` keeps no token | none |
| MOSAIC_HTTP_TOKENS_FILE | file with such pairs, one a line; # begins a comment | none |
| MOSAIC_HTTP_FOLDERS | `subject=folder` pairs: the one folder of its tools | none |
| MOSAIC_HTTP_KEYS | `subject=mk_key` pairs: the hosted API, a key for each subject | none |
| MOSAIC_OAUTH_ISSUER | authorization server whose access tokens are accepted | none |
| MOSAIC_OAUTH_JWKS_URL | its keys, for tokens that are JWTs | from its metadata |
| MOSAIC_OAUTH_INTROSPECTION_URL | where to ask about tokens instead (RFC 7662) | none |
| MOSAIC_OAUTH_CLIENT_ID | who asks there | none |
| MOSAIC_OAUTH_CLIENT_SECRET | its secret | none |
| MOSAIC_OAUTH_SCOPES | scopes that every token must have, separated by spaces | none |
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

HOSTED_URL = "https://api.mosaic.so"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says, read once."""

    home: Path
    api_key: str | None = field(default=None, repr=False)
    api_url: str = HOSTED_URL
    allowed_dirs: tuple[Path, ...] = ()
    ffmpeg: Path | None = None
    encoder: str = "auto"
    """As written; `studio/render/choosing.py` checks it."""
    studio_idle_s: float = 900.0
    private_urls: bool = False
    studio_keys: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    studio_storage: str | None = None
    studio_cache_gb: float = 20.0
    studio_database: str | None = field(default=None, repr=False)
    studio_dead_s: float = 60.0
    studio_public_url: str | None = None
    studio_credits: tuple[tuple[str, str], ...] = ()
    """As written: (owner, credits), or (credits, "") for everybody; `studio/quota.py` reads it."""
    studio_plans: tuple[str, ...] | None = None
    toolsets: tuple[str, ...] = ()
    ask_before_spending: bool = True
    studio_model: str | None = None
    studio_keep_days: float | None = None
    studio_max_gb: float | None = None
    log_level: str | None = None
    log_format: str = "text"
    log_file: Path | None = None
    owner: str | None = None
    """Whom a server acts for, who sits elsewhere and sees nothing of this machine but
    `allowed_dirs`; None: the user of this machine."""
    webhook_secret: str | None = field(default=None, repr=False)
    webhook_port: str | None = None
    """As written; `server/webhooks.py` checks it."""
    callback_url: str | None = None
    """Where the hosted engine is to tell of runs whose callers name no place."""
    public_url: str | None = None
    """Where that server passes the studio's links on."""

    @property
    def ledger(self) -> Path:
        """The memory of requests, uploads, labels and lineage: a file for each owner."""
        if self.owner is None:
            return self.home / "ledger.db"
        # An owner's name comes from elsewhere and is no file name.
        return self.home / "owners" / hashlib.sha256(self.owner.encode()).hexdigest() / "ledger.db"

    @property
    def hosted(self) -> bool:
        """True when tools drive a Mosaic API with a key, False when they drive the local studio."""
        return self.api_key is not None

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read the environment (or `env`); unset and empty mean the same."""
        env = os.environ if env is None else env

        def get(name: str) -> str | None:
            return env.get(name, "").strip() or None

        home = Path(get("MOSAIC_HOME") or _default_home(env)).expanduser().absolute()
        dirs = [Path(d).expanduser() for d in (get("MOSAIC_ALLOWED_DIRS") or "").split(os.pathsep)]
        return cls(
            home=home,
            api_key=get("MOSAIC_API_KEY"),
            api_url=(get("MOSAIC_API_URL") or HOSTED_URL).rstrip("/"),
            allowed_dirs=tuple(d for d in dirs if str(d) != ".") or (Path.home(),),
            ffmpeg=Path(p) if (p := get("MOSAIC_FFMPEG")) else None,
            encoder=get("MOSAIC_ENCODER") or "auto",
            studio_idle_s=float(get("MOSAIC_STUDIO_IDLE_S") or 900),
            private_urls=get("MOSAIC_PRIVATE_URLS") == "1",
            webhook_secret=get("MOSAIC_WEBHOOK_SECRET"),
            webhook_port=get("MOSAIC_WEBHOOK_PORT"),
            ask_before_spending=get("MOSAIC_SPENDING") != "allow",
            studio_model=get("MOSAIC_STUDIO_MODEL"),
            studio_keep_days=float(days) if (days := get("MOSAIC_STUDIO_KEEP_DAYS")) else None,
            studio_max_gb=float(most) if (most := get("MOSAIC_STUDIO_MAX_GB")) else None,
            studio_storage=get("MOSAIC_STUDIO_STORAGE"),
            studio_cache_gb=float(get("MOSAIC_STUDIO_CACHE_GB") or 20),
            log_level=level.lower() if (level := get("MOSAIC_LOG_LEVEL")) else None,
            log_format=(get("MOSAIC_LOG_FORMAT") or "text").lower(),
            log_file=Path(p).expanduser().absolute() if (p := get("MOSAIC_LOG_FILE")) else None,
            studio_keys=tuple(
                (key, owner or "default") for key, owner in _pairs(get("MOSAIC_STUDIO_KEYS"))
            ),
            studio_database=get("MOSAIC_STUDIO_DATABASE"),
            studio_dead_s=float(get("MOSAIC_STUDIO_DEAD_S") or 60),
            studio_public_url=url.rstrip("/") if (url := get("MOSAIC_STUDIO_PUBLIC_URL")) else None,
            studio_credits=_pairs(get("MOSAIC_STUDIO_CREDITS")),
            studio_plans=tuple(_names(p)) if (p := get("MOSAIC_STUDIO_PLANS")) else None,
            toolsets=tuple(_names(get("MOSAIC_TOOLSETS"))),
        )


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What the environment says about `serve --http`, as it stands; `server/access.py` checks it.

    Pairs are as written, with "" for a missing part.
    """

    public_url: str | None = None
    tokens: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    tokens_file: Path | None = None
    folders: tuple[tuple[str, str], ...] = ()
    keys: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    issuer: str | None = None
    jwks_url: str | None = None
    introspection_url: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ()

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> HttpSettings:
        """Read the environment (or `env`); unset and empty mean the same."""
        env = os.environ if env is None else env

        def get(name: str) -> str | None:
            return env.get(name, "").strip() or None

        return cls(
            public_url=url.rstrip("/") if (url := get("MOSAIC_PUBLIC_URL")) else None,
            tokens=token_pairs((get("MOSAIC_HTTP_TOKENS") or "").split(",")),
            tokens_file=Path(p).expanduser() if (p := get("MOSAIC_HTTP_TOKENS_FILE")) else None,
            folders=_pairs(get("MOSAIC_HTTP_FOLDERS")),
            keys=_pairs(get("MOSAIC_HTTP_KEYS")),
            issuer=get("MOSAIC_OAUTH_ISSUER"),
            jwks_url=get("MOSAIC_OAUTH_JWKS_URL"),
            introspection_url=get("MOSAIC_OAUTH_INTROSPECTION_URL"),
            client_id=get("MOSAIC_OAUTH_CLIENT_ID"),
            client_secret=get("MOSAIC_OAUTH_CLIENT_SECRET"),
            scopes=tuple((get("MOSAIC_OAUTH_SCOPES") or "").split()),
        )


def token_pairs(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """`token=subject` texts as pairs, empty ones and comments left out.

    A token may end with =, and so may a pair whose subject is missing: the last = separates.
    """
    said = (text.strip() for text in texts)
    parts = (text.rpartition("=") for text in said if text and not text.startswith("#"))
    return tuple((t.strip(), s.strip()) if equals else (s, "") for t, equals, s in parts)


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _pairs(text: str | None) -> tuple[tuple[str, str], ...]:
    parts = (pair.partition("=") for pair in (text or "").split(",") if pair.strip())
    return tuple((name.strip(), value.strip()) for name, _, value in parts)


def _default_home(env: Mapping[str, str]) -> Path:
    if sys.platform == "win32":
        return Path(env.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "mosaic-mcp"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "mosaic-mcp"
    return Path(env.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "mosaic-mcp"
