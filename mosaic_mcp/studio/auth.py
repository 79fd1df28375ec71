"""Who calls: a Bearer key to an owner. Rows of other owners do not exist for a caller."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from mosaic_mcp.contract.extensions import LOCAL_OWNER, is_owner
from mosaic_mcp.errors import Forbidden, Unauthorized


@dataclass(frozen=True, slots=True)
class Caller:
    """The owner that a key stands for.

    A `local` caller is a process of this machine's user: it shares our disk and may hand over
    files by path. It may act for an owner who is elsewhere (`serve --http`): what is answered then
    holds no path of ours, and links begin with `links_at`.
    """

    owner: str
    local: bool = False
    links_at: str | None = None

    @property
    def here(self) -> bool:
        """True when the person who reads the answer sits at this machine."""
        return self.local and self.owner == LOCAL_OWNER


class Keys:
    """The keys that this studio accepts."""

    def __init__(self, keys: Iterable[tuple[str, str]], token: str | None = None) -> None:
        """`keys` are `(key, owner)`; `token` is the discovery file's, for this machine's user."""
        self._callers = [(_digest(key), Caller(owner)) for key, owner in keys]
        self.required = token is None
        """True for a studio that is served to others: nobody is let in without a key."""
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

    def acting(
        self, authorization: str | None, owner: str | None, links_at: str | None = None
    ) -> Caller:
        """The caller; with `owner`, that owner, for whom only this machine's user may act.

        Raises Unauthorized (401), and Forbidden (403) rather than serving a caller under another
        name than was asked for.
        """
        caller = self.caller(authorization)
        if owner is None:
            return caller
        if not caller.local or not is_owner(owner):
            raise Forbidden(
                "This key may not act for that owner.",
                remedy="Leave X-Mosaic-Owner out: a key stands for its own owner.",
            )
        return Caller(owner, local=True, links_at=links_at)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
