"""What proves to a receiver that a webhook is ours: Mosaic's header, and Standard Webhooks'.

Mosaic's `X-Mosaic-Signature` is the secret itself. So each owner has a secret of their own:
whoever gets webhooks could else make some for all others.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

from standardwebhooks import Webhook

from mosaic_mcp.contract.extensions import LOCAL_OWNER
from mosaic_mcp.contract.webhooks import SECRET_HEADER
from mosaic_mcp.errors import Fault, InvalidRequest

PREFIX = "whsec_"
OPERATORS = (LOCAL_OWNER, "default")
"""The user of this machine, and a key for which MOSAIC_STUDIO_KEYS names no owner."""


class Secrets:
    """The secrets of all owners, made from MOSAIC_WEBHOOK_SECRET."""

    def __init__(self, secret: str | None) -> None:
        """Raises InvalidRequest for a secret that no header can hold or that is cut off."""
        self._secret = secret
        if secret is None:
            return
        try:
            usable = secret.isascii() and secret.isprintable()
            _signer(secret)
        except ValueError:
            usable = False
        if not usable:
            raise InvalidRequest(
                [
                    Fault(
                        "MOSAIC_WEBHOOK_SECRET",
                        "is neither plain ASCII text nor whsec_ followed by base64.",
                        f'Use {PREFIX}"$(openssl rand -base64 32)".',
                    )
                ]
            )

    def of(self, owner: str) -> str | None:
        """The owner's secret: the setting for the operator, one derived from it for others."""
        if self._secret is None or owner in OPERATORS:
            return self._secret
        derived = hmac.digest(self._secret.encode(), owner.encode(), hashlib.sha256)
        return PREFIX + base64.b64encode(derived).decode()

    def headers(self, owner: str, webhook_id: str, body: str, at: float) -> dict[str, str]:
        """The headers of one attempt, made at `at` (Unix seconds); unsigned without a secret."""
        headers = {"webhook-id": webhook_id, "webhook-timestamp": str(int(at))}
        secret = self.of(owner)
        if secret is None:
            return headers
        moment = datetime.fromtimestamp(int(at), UTC)
        signature = _signer(secret).sign(webhook_id, moment, body)
        return {**headers, "webhook-signature": signature, SECRET_HEADER: secret}


def _signer(secret: str) -> Webhook:
    """`whsec_…` is base64 as Standard Webhooks has it; of any other secret the bytes are the key.

    Raises ValueError for base64 that is none.
    """
    if not secret.startswith(PREFIX):
        return Webhook(secret.encode())
    key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    if not key:
        raise ValueError("an empty secret")
    return Webhook(key)
