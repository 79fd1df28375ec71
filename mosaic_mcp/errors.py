"""Every error this project raises on purpose.

    MosaicError                     base: code, message, remedy, retryable
    ├── InvalidRequest              the caller's words or request break rules (all faults at once)
    ├── NotFound                    an id or name that nobody here knows
    ├── Conflict                    the thing exists, but its state forbids the action (409)
    ├── Unauthorized                no key, or one that nobody here knows (401)
    ├── Forbidden                   known, but not allowed to do this (403)
    ├── NeedsConfirmation           it would cost money, and nobody has agreed to that yet
    ├── TooLarge                    over a limit of size or duration (413)
    ├── RateLimited                 too many requests; carries retry_after_s (429)
    ├── EngineUnavailable           the engine cannot be reached or did not start; retry_after_s
    ├── OutcomeUnknown              a request was sent and its answer lost: look before trying again
    ├── MediaError                  a file that is missing, not media, or damaged
    ├── Unsupported                 this engine cannot do that, and says what can
    └── RenderFailed                FFmpeg ended with an error; carries the end of its log

The message says what happened and why; the remedy says what to do next. Both are written for
the person or model who made the call: no traceback, no secret, no path outside their folders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Who = Literal["caller", "user", "nobody"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request.

    `where` is a path such as `video_inputs[1].input_clip_end_ms`; `rule` quotes or names the
    sentence of the contract that it breaks.
    """

    where: str
    what: str
    remedy: str = ""
    rule: str = ""

    def sentence(self) -> str:
        """`where: what. remedy` on one line."""
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text} {self.remedy}".strip()


class MosaicError(Exception):
    """Something went wrong in Mosaic."""

    code = "error"
    retryable = False
    who: Who = "caller"
    """Who must act: the `caller` (another call), the `user` (a person: a key, credits, a file,
    disk space), or `nobody` (it passes)."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class InvalidRequest(MosaicError):
    """The request breaks one or more rules; nothing was started."""

    code = "invalid_request"

    def __init__(self, faults: Sequence[Fault], *, message: str = "", remedy: str = "") -> None:
        self.faults = tuple(faults)
        super().__init__(message or "\n".join(f.sentence() for f in self.faults), remedy=remedy)


class NotFound(MosaicError):
    """Nothing here has that id or name."""

    code = "not_found"


class Conflict(MosaicError):
    """The current state forbids this."""

    code = "conflict"


class Unauthorized(MosaicError):
    """The API key is missing or wrong."""

    code = "unauthorized"
    who = "user"


class Forbidden(MosaicError):
    """The caller is known, and may not do this."""

    code = "forbidden"
    who = "user"


class NeedsConfirmation(MosaicError):
    """It costs money, and nobody has agreed to that."""

    code = "needs_confirmation"
    who = "user"


class TooLarge(MosaicError):
    """Over a limit of size or duration."""

    code = "too_large"
    who = "user"


class RateLimited(MosaicError):
    """Too many requests."""

    code = "rate_limited"
    retryable = True
    who = "nobody"

    def __init__(
        self, message: str, *, remedy: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class EngineUnavailable(MosaicError):
    """The engine cannot be reached."""

    code = "engine_unavailable"
    retryable = True
    who = "nobody"

    def __init__(
        self, message: str, *, remedy: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class OutcomeUnknown(MosaicError):
    """The request was sent, and no answer came back."""

    code = "outcome_unknown"


class MediaError(MosaicError):
    """The media cannot be used."""

    code = "bad_media"
    who = "user"


class Unsupported(MosaicError):
    """This engine cannot do that."""

    code = "unsupported"


class RenderFailed(MosaicError):
    """FFmpeg ended with an error."""

    code = "render_failed"

    def __init__(self, message: str, *, remedy: str = "", log: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.log = log
