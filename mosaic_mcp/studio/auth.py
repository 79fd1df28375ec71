"""Who calls: a Bearer key to an owner. Rows of other owners do not exist for a caller."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from mosaic_mcp.errors import Unauthorized

LOCAL_OWNER = "local"


@dataclass(frozen=True, slots=True)
class Caller:
    """The owner that a key stands for; `local` callers share this machine's files with us."""

    owner: str
    local: bool = False


class Keys:
    """The keys that this studio accepts."""

    def __init__(self, keys: Iterable[tuple[str, str]], token: str | None = None) -> None:
        """`keys` are `(key, owner)`; `token` is the discovery file's, for this machine's user."""
        self._callers = [(_digest(key), Caller(owner)) for key, owner in keys]
        if token is not None:
            self._callers.append((_digest(token), Caller(LOCAL_OWNER, local=True)))

    def caller(self, authorization: str | None) -> Caller:
        """The caller of an `Authorization` header; raises Unauthorized (401)."""
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Unauthorized(
                "No API key was sent.", remedy="Send the header Authorization: Bearer <key>."
            )
        given, found = _digest(key.strip()), None
        # Every key is compared, and digests have one length: the time taken tells nothing.
        for known, caller in self._callers:
            if hmac.compare_digest(given, known):
                found = caller
        if found is None:
            raise Unauthorized(
                "This API key is not known here.",
                remedy="Check the key; the local studio's is in studio.json of its data folder.",
            )
        return found


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
