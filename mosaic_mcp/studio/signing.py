"""Links that carry their own permission: a path, an end, and an HMAC over both.

Whoever holds such a link may read that one file until it ends, and nothing else. The key stays
in the data folder, so that links outlive a restart of the studio; processes that share a database
share the key that lies there (`store/secrets.py`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mosaic_mcp.errors import Fault, Forbidden, InvalidRequest, NotFound
from mosaic_mcp.studio.library import Library, RenderFile

OUTPUT_LINK_S = 7 * 24 * 3600
"""Get Agent Run: "Signed URL to download the rendered video (valid for 7 days)"."""
VIEW_LINK_S = 3600
UPLOAD_S = 3600
"""An upload's address and policy end after one hour (mosaic_contract §5)."""

Direct = Callable[[str, float], str | None]


def load_key(path: Path) -> bytes:
    """The signing key, made at the first call; readable by its user alone."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        key = secrets.token_bytes(32)
        file.write(key)
    return key


class Signer:
    """Signs texts and checks signatures in constant time."""

    def __init__(self, key: bytes, now: Callable[[], float] = time.time) -> None:
        self._key = key
        self._now = now

    def signature(self, purpose: str, text: str) -> str:
        """URL-safe signature; `purpose` keeps a link's signature from serving as a policy's."""
        mac = hmac.new(self._key, f"{purpose}\n{text}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()

    def matches(self, purpose: str, text: str, signature: str) -> bool:
        """True for a signature that we made."""
        expected = self.signature(purpose, text)
        return hmac.compare_digest(expected.encode(), signature.encode())

    def end(self, seconds: float) -> int:
        """The moment `seconds` from now, in whole seconds since the epoch."""
        return int(self._now() + seconds)

    def ended(self, end: int) -> bool:
        """True when that moment has passed."""
        return end <= self._now()


@dataclass(frozen=True, slots=True)
class UploadPolicy:
    """What an upload may bring."""

    asset_type: str
    asset_id: str
    max_bytes: int


class Links:
    """Makes and checks the links of one studio.

    `direct` links a kept file (by its key, for so many seconds) past the studio, where its storage
    can do that.
    """

    def __init__(
        self, base_url: str, signer: Signer, direct: Direct = lambda _key, _seconds: None
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._signer = signer
        self._direct = direct

    def at(self, base_url: str) -> Links:
        """The same links at the address of somebody who passes them on; signatures are of paths."""
        return Links(base_url, self._signer, self._direct)

    def render(self, render_id: str, file: RenderFile, *, gone: bool = False) -> str:
        """Link to a file of an output; of one that is `gone` to the studio, which says so."""
        seconds = OUTPUT_LINK_S
        direct = None if gone else self._direct(Library.render(render_id, file), seconds)
        return direct or self._link(f"/media/renders/{quote(render_id, safe='')}/{file}", seconds)

    def asset(self, asset_id: str, file: str = "source", seconds: float = VIEW_LINK_S) -> str:
        """Link to an asset (`source`) or its picture (`thumbnail.jpg`)."""
        return self._link(f"/media/assets/{quote(asset_id, safe='')}/{file}", seconds)

    def _link(self, path: str, seconds: float) -> str:
        end = self._signer.end(seconds)
        signature = self._signer.signature("GET", _seal(path, end))
        return f"{self.base_url}{path}?exp={end}&sig={signature}"

    def check(self, path: str, exp: str, sig: str) -> None:
        """Raise Forbidden unless `exp` and `sig` belong to `path` and the link has not ended."""
        end = int(exp) if exp.isascii() and exp.isdigit() and len(exp) < 16 else 0
        if not self._signer.matches("GET", _seal(path, end), sig):
            raise Forbidden(
                "The link's signature does not fit it.",
                remedy="Use the link exactly as it was given, or ask for the run again.",
            )
        if self._signer.ended(end):
            raise Forbidden(
                "The link has ended.", remedy="Ask for the run or the view URL again for a new one."
            )

    def upload(self, asset_type: str, asset_id: str, max_bytes: int) -> tuple[str, dict[str, str]]:
        """`(upload_url, upload_fields)`: a policy that the storage checks without a database."""
        key = f"{asset_type}/{asset_id}"
        policy = {"key": key, "max": max_bytes, "exp": self._signer.end(UPLOAD_S)}
        text = base64.b64encode(json.dumps(policy).encode()).decode()
        fields = {
            "key": key,
            "policy": text,
            "x-mosaic-signature": self._signer.signature("POST", text),
        }
        return f"{self.base_url}/media/uploads", fields

    def check_upload(self, fields: Mapping[str, str]) -> UploadPolicy:
        """What a valid policy allows.

        A policy that is missing, changed or for another key is a 400 as storage answers it
        (mosaic_contract §5: "400 on policy violation"); one that ended is unknown (404).
        """
        text = fields.get("policy", "")
        if not self._signer.matches("POST", text, fields.get("x-mosaic-signature", "")):
            raise InvalidRequest(
                [
                    Fault(
                        "policy",
                        "the upload policy is missing or its signature does not fit it.",
                        "Send every entry of upload_fields unchanged, before the file.",
                    )
                ]
            )
        policy: dict[str, Any] = json.loads(base64.b64decode(text))
        if fields.get("key") != policy["key"]:
            raise InvalidRequest(
                [Fault("key", "not the key of the policy.", "Send upload_fields unchanged.")]
            )
        if self._signer.ended(policy["exp"]):
            raise NotFound("This upload has ended.", remedy="Call get_upload_url for a new one.")
        asset_type, _, asset_id = str(policy["key"]).partition("/")
        return UploadPolicy(asset_type, asset_id, int(policy["max"]))


def _seal(path: str, end: int) -> str:
    return f"{path}\n{end}"
