"""Logs: where they go, what a line looks like, and what never gets into one.

Every process calls `start_logs` once. A line goes to stderr or into a file, never to stdout, which
belongs to the protocol of the stdio server. What is known about the work at hand (`about`) stands
in every line that is written meanwhile, also in those of libraries.

Secrets are removed from the finished text, so that a traceback or a library's own words cannot
carry one either: the values that `keep_secret` was told, and everything that looks like a key, a
token, or the signature of a link.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mosaic_mcp.errors import Fault, InvalidRequest
from mosaic_mcp.settings import HttpSettings, Settings

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")
REMOVED = "[removed]"
SHORTEST_SECRET = 6
"""Characters: a shorter value would be found inside of ordinary words."""

_LOOKS_SECRET = re.compile(
    r"""
      \bmk_[\w-]+ | \bwhsec_[\w+/=-]+                      # API keys, webhook secrets
    | (?<=\bbearer[ ])[^\s'",;)]+                            # an Authorization header
    | (?<=[?&]sig=)[^&\s'"]+                                 # our signed links and S3's
    | (?<=[?&]x-amz-signature=)[^&\s'"]+ | (?<=[?&]x-amz-credential=)[^&\s'"]+
    | (?<=[?&]x-amz-security-token=)[^&\s'"]+ | (?<=[?&]signature=)[^&\s'"]+
    | (?<=:)[^\s:/@'"]+(?=@[^\s/@'"]+)                       # the password in an address
    | (?<=\binput_value=).+?(?=,[ ]input_type=)              # pydantic quotes what it refuses
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)

Facts = dict[str, str]
_about: ContextVar[Facts | None] = ContextVar("mosaic_logs_about", default=None)
_secrets: set[str] = set()


def start_logs(settings: Settings, *handlers: logging.Handler, level: str = "warning") -> None:
    """Send the logs of this process to `handlers`, else to MOSAIC_LOG_FILE, else to stderr.

    `level` is that of our own loggers unless MOSAIC_LOG_LEVEL names one; libraries are heard from
    `warning` on. Raises InvalidRequest for a level or a format that does not exist.
    """
    _check(settings)
    keep_secret(*_secrets_of(settings))
    wanted = logging.getLevelNamesMapping()[(settings.log_level or level).upper()]
    root = logging.getLogger()
    for handler in handlers or (_default_handler(settings.log_file),):
        handler.setFormatter(JsonLines() if settings.log_format == "json" else TextLines())
        root.addHandler(handler)
    # Below it, libraries log the bodies and headers of requests, and rows of the database.
    root.setLevel(max(wanted, logging.WARNING))
    logging.getLogger("mosaic_mcp").setLevel(wanted)


@contextmanager
def about(**facts: str | None) -> Generator[None]:
    """Within it, every log line tells these facts, such as run_id, node, render, owner, request."""
    token = _about.set({**(_about.get() or {}), **{k: v for k, v in facts.items() if v}})
    try:
        yield
    finally:
        _about.reset(token)


def know(**facts: str) -> None:
    """Add facts to the innermost `about`, also from a thread that it started."""
    if (known := _about.get()) is not None:
        known.update(facts)


def known_fact(name: str) -> str | None:
    """A fact that log lines tell now."""
    return (_about.get() or {}).get(name)


def keep_secret(*values: str | None) -> None:
    """Never write these values into a log."""
    _secrets.update(value for value in values if value and len(value) >= SHORTEST_SECRET)


def scrubbed(text: str) -> str:
    """The text without secrets."""
    for secret in _secrets:
        text = text.replace(secret, REMOVED)
    return _LOOKS_SECRET.sub(REMOVED, text)


class TextLines(logging.Formatter):
    """For people: time, level, logger, message, then the facts."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line without its traceback."""
        facts = " ".join(f"{key}={value}" for key, value in (_about.get() or {}).items())
        # On one line, so that nobody's words can pass for a line of ours.
        line = super().formatMessage(record).replace("\n", "\\n").replace("\r", "\\r")
        return f"{line} [{facts}]" if facts else line

    def format(self, record: logging.LogRecord) -> str:
        """The line, and the traceback below it."""
        return scrubbed(super().format(record))


class JsonLines(logging.Formatter):
    """For programs: one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The object: time (RFC 3339), level, logger, message, process, facts, exception."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": scrubbed(record.getMessage()),
            "process": record.process,
            **{key: scrubbed(value) for key, value in (_about.get() or {}).items()},
        }
        if record.exc_info:
            line["exception"] = scrubbed(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack"] = scrubbed(record.stack_info)
        return json.dumps(line, ensure_ascii=False)


def _check(settings: Settings) -> None:
    faults = [
        Fault(name, f"there is no {what} {said!r}.", f"Use {', '.join(known)}.")
        for name, what, said, known in (
            ("MOSAIC_LOG_LEVEL", "level", settings.log_level or LEVELS[0], LEVELS),
            ("MOSAIC_LOG_FORMAT", "format", settings.log_format, FORMATS),
        )
        if said not in known
    ]
    if faults:
        raise InvalidRequest(faults)


def _default_handler(file: Path | None) -> logging.Handler:
    if file is None:
        return logging.StreamHandler(sys.stderr)
    from logging.handlers import WatchedFileHandler  # only now: it imports sockets and queues

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Several servers may write into one file, so none of them may rotate it; when somebody
        # else does, it is opened anew.
        return WatchedFileHandler(file, encoding="utf-8")
    except OSError as error:
        fault = Fault("MOSAIC_LOG_FILE", f"{file} cannot be written: {error.strerror}.")
        raise InvalidRequest([fault]) from error


def _secrets_of(settings: Settings) -> Iterable[str | None]:
    """The secrets that the environment holds."""
    yield from (settings.api_key, settings.openai_api_key)
    yield from (settings.replicate_api_token, settings.fal_key)
    yield from (key for key, _ in settings.studio_keys)
    http = HttpSettings.from_env()
    yield http.client_secret
    yield from (token for token, _ in http.tokens)
    yield from (key for _, key in http.keys)
    yield from _headers_of(os.environ)


def _headers_of(env: Mapping[str, str]) -> Iterable[str]:
    """Values of the headers for the collector of traces, where its key is."""
    for name in ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"):
        for pair in env.get(name, "").split(","):
            yield pair.partition("=")[2].strip()
