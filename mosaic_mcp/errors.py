"""Every error this project raises on purpose.

    MosaicError                     base: code, message, remedy, retryable
    ├── InvalidRequest              the caller's words or request break rules (all faults at once)
    ├── NotFound                    an id or name that nobody here knows
    ├── Conflict                    the thing exists, but its state forbids the action (409)
    ├── Unauthorized                no key, or one that nobody here knows (401)
    ├── Forbidden                   known, but not allowed to do this (403)
    ├── NeedsConfirmation           it would cost money, and nobody has agreed to that yet
    ├── TooLarge                    over a limit of size or duration (413)
    ├── NoSpace                     the engine's disk is full (507)
    ├── RateLimited                 too many requests; carries retry_after_s (429)
    ├── EngineUnavailable           the engine cannot be reached or did not start; retry_after_s
    ├── StillWorking                it takes longer than a call may, and goes on
    ├── OutcomeUnknown              a request was sent and its answer lost: look before trying again
    ├── MediaError                  a file that is missing, not media, or damaged
    ├── SourceUnavailable           an address that does not answer now; carries retry_after_s
    ├── Interrupted                 a program that worked on it was killed from outside
    ├── Unsupported                 this engine cannot do that, and says what can
    └── RenderFailed                FFmpeg ended with an error; carries the end of its log

The message says what happened and why; the remedy says what to do next. Both are written for
the person or model who made the call: no traceback, no secret, no path outside their folders.
A class also says who must act, and in `advice` what mostly helps where an error has no remedy of
its own. docs/errors.md is made from this page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

Who = Literal["caller", "user", "operator", "nobody"]
"""Who must act: the model or program that called; the person whose files and keys these are;
whoever runs the engine; or nobody, because waiting is enough."""


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

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False
    who: ClassVar[Who] = "operator"
    advice: ClassVar[str] = "Run `mosaic-mcp doctor`, and look at the engine's log."

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class InvalidRequest(MosaicError):
    """The request breaks one or more rules; nothing was started."""

    code = "invalid_request"
    who = "caller"
    advice = "Nothing was started. Correct what is listed and call again."

    def __init__(self, faults: Sequence[Fault], *, message: str = "", remedy: str = "") -> None:
        self.faults = tuple(faults)
        super().__init__(message or "\n".join(f.sentence() for f in self.faults), remedy=remedy)


class NotFound(MosaicError):
    """Nothing here has that id or name."""

    code = "not_found"
    who = "caller"
    advice = "find_agents, list_runs and list_outputs show what there is."


class Conflict(MosaicError):
    """The current state forbids this."""

    code = "conflict"
    who = "caller"
    advice = "get_run tells the state; choose what it allows."


class Unauthorized(MosaicError):
    """The API key is missing or wrong."""

    code = "unauthorized"
    who = "user"
    advice = "Check MOSAIC_API_KEY: keys start with mk_ and are made in the dashboard."


class Forbidden(MosaicError):
    """The caller is known, and may not do this."""

    code = "forbidden"
    who = "user"
    advice = (
        "Ask for a fresh link, change a copy of a built-in agent, or ask the owner of the "
        "workspace."
    )


class NeedsConfirmation(MosaicError):
    """It costs money, and nobody has agreed to that."""

    code = "needs_confirmation"
    who = "user"
    advice = "Call again with dry_run=true, show the user the request, and repeat with its confirm."


class TooLarge(MosaicError):
    """Over a limit of size or duration."""

    code = "too_large"
    who = "user"
    advice = "Give a part of it, or a smaller copy."


class NoSpace(MosaicError):
    """The disk is full."""

    code = "no_space"
    who = "user"
    advice = "Free some space, or move MOSAIC_HOME to a larger disk, then try again."

    def __init__(
        self,
        message: str = "The disk with the data folder is full.",
        *,
        remedy: str = advice,
    ) -> None:
        super().__init__(message, remedy=remedy)


class RateLimited(MosaicError):
    """Too many requests."""

    code = "rate_limited"
    retryable = True
    who = "nobody"
    advice = "Wait for retry_after_s, then make the same call again."

    def __init__(
        self, message: str, *, remedy: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class EngineUnavailable(MosaicError):
    """The engine cannot be reached."""

    code = "engine_unavailable"
    retryable = True
    who = "user"
    advice = "Call again in a moment; if it stays so, run `mosaic-mcp doctor`."

    def __init__(
        self, message: str, *, remedy: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class StillWorking(MosaicError):
    """It takes longer than a call may, and goes on."""

    code = "still_working"
    retryable = True
    who = "nobody"
    advice = "Make the same call again: it joins what is under way, and nothing is done twice."


class OutcomeUnknown(MosaicError):
    """The request was sent, and no answer came back."""

    code = "outcome_unknown"
    who = "caller"
    advice = "Make the same call again: it looks for the run first, and starts nothing twice."


class MediaError(MosaicError):
    """The media cannot be used."""

    code = "bad_media"
    who = "user"
    advice = "Play the file to see whether it is whole; give another one."


class SourceUnavailable(MosaicError):
    """The address of a source does not answer at present."""

    code = "source_unavailable"
    retryable = True
    who = "user"
    advice = "Check the address and the connection, then call resume_run."

    def __init__(
        self, message: str, *, remedy: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class Interrupted(MosaicError):
    """A program that worked on it was killed, mostly for lack of memory."""

    code = "interrupted"
    retryable = True
    who = "operator"
    advice = "Close other programs to free memory, then call resume_run."


class Unsupported(MosaicError):
    """This engine cannot do that."""

    code = "unsupported"
    who = "caller"
    advice = "Skip the tile, or use the hosted engine (set MOSAIC_API_KEY)."


class RenderFailed(MosaicError):
    """FFmpeg ended with an error."""

    code = "render_failed"
    who = "caller"
    advice = (
        "resume_run makes what is missing once more; a shorter clip or quality='draft' needs less."
    )

    def __init__(self, message: str, *, remedy: str = "", log: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.log = log
