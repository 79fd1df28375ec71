"""Access tokens: known ones, JWTs of an issuer, and those that an issuer is asked about.

Each verifier answers the SDK's `verify_token` with whom the token stands for, or None (401). An
issuer that cannot be asked raises EngineUnavailable: that is no reason to send a user to log in.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
from mcp.server.auth.provider import AccessToken

from mosaic_mcp.contract.extensions import is_owner
from mosaic_mcp.errors import EngineUnavailable

if TYPE_CHECKING:
    import httpx
    import jwt

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
"""Signatures with a public key only: a shared secret would be one that the issuer publishes."""
LEEWAY_S = 30
"""Seconds by which the issuer's clock and ours may differ."""
ASK_S = 10.0
"""Seconds for an answer of the issuer."""


class KnownTokens:
    """Tokens that the server's settings list; only their SHA-256 is kept."""

    def __init__(self, digests: Iterable[tuple[bytes, str]]) -> None:
        """`digests` are `(SHA-256 of the token, subject)`."""
        self._subjects = tuple(digests)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whom the token stands for."""
        given, found = token_digest(token), None
        # Every token is compared, and digests have one length: the time taken tells nothing.
        for known, subject in self._subjects:
            if hmac.compare_digest(given, known):
                found = subject
        if found is None:
            return None
        return AccessToken(token=given.hex(), client_id=found, scopes=[], subject=found)


def token_digest(token: str) -> bytes:
    """What is kept of a token. It is long and random, so that no salt is needed."""
    return hashlib.sha256(token.encode()).digest()


class JwtTokens:
    """JWT access tokens (RFC 9068), checked with the issuer's published keys."""

    def __init__(self, issuer: str, resource: str, jwks_url: str | None = None) -> None:
        self._issuer = issuer
        self._resource = resource
        self._jwks_url = jwks_url
        self._keys: jwt.PyJWKClient | None = None
        self._lock = anyio.Lock()

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whom the token stands for, if the issuer signed it for this server and it has not ended.

        Raises EngineUnavailable when the issuer's keys cannot be had.
        """
        import jwt

        keys = await self._key_client()
        try:
            key = await anyio.to_thread.run_sync(keys.get_signing_key_from_jwt, token)
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                issuer=self._issuer,
                audience=[self._resource, f"{self._resource}/"],
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWKClientConnectionError as error:
            raise _silent(self._issuer) from error
        except jwt.PyJWTError:
            return None
        return _access_token(claims, token, self._resource)

    async def _key_client(self) -> jwt.PyJWKClient:
        """Keeps the keys for 5 minutes, and asks for unknown ones at most every 30 s."""
        import jwt

        async with self._lock:
            if self._keys is None:
                url = self._jwks_url or await _published_keys(self._issuer)
                self._keys = jwt.PyJWKClient(url, timeout=ASK_S)
            return self._keys


async def _published_keys(issuer: str) -> str:
    """The `jwks_uri` of the issuer's metadata (RFC 8414, else OpenID Connect Discovery)."""
    import httpx

    parts = urlsplit(issuer)
    root, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    async with httpx.AsyncClient(timeout=ASK_S) as http:
        for url in (
            f"{root}/.well-known/oauth-authorization-server{path}",
            f"{root}{path}/.well-known/openid-configuration",
        ):
            facts = await _asked(http, issuer, http.build_request("GET", url))
            # Equal to the letter, or somebody else's metadata would stand for the issuer's.
            if facts.get("issuer") == issuer and secure(str(facts.get("jwks_uri"))):
                return str(facts["jwks_uri"])
    raise _silent(issuer)


class AskedTokens:
    """Tokens that mean nothing by themselves: the issuer is asked about each (RFC 7662).

    Nothing is remembered, so that a token that is withdrawn ends at once.
    """

    def __init__(
        self, issuer: str, resource: str, url: str, client_id: str, client_secret: str
    ) -> None:
        self._issuer = issuer
        self._resource = resource
        self._url = url
        self._credentials = (client_id, client_secret)
        self._http: httpx.AsyncClient | None = None

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whom the token stands for, as the issuer says; EngineUnavailable when it does not."""
        import httpx

        self._http = self._http or httpx.AsyncClient(timeout=ASK_S, auth=self._credentials)
        request = self._http.build_request(
            "POST",
            self._url,
            data={"token": token, "token_type_hint": "access_token"},
            headers={"accept": "application/json"},
        )
        claims = await _asked(self._http, self._issuer, request)
        if "active" not in claims:
            raise _silent(self._issuer)
        issued_here = claims.get("iss", self._issuer) == self._issuer
        meant = {entry.removesuffix("/") for entry in _texts(claims.get("aud"))}
        if claims["active"] is not True or not issued_here or self._resource not in meant:
            return None
        return _access_token(claims, token, self._resource)


async def _asked(http: httpx.AsyncClient, issuer: str, request: httpx.Request) -> Mapping[str, Any]:
    """The issuer's JSON answer; empty for a 404."""
    import httpx

    try:
        answer = await http.send(request)
        if answer.status_code == 404:
            return {}
        facts = answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise _silent(issuer) from error
    return cast(Mapping[str, Any], facts) if isinstance(facts, dict) else {}


def _access_token(claims: Mapping[str, Any], token: str, resource: str) -> AccessToken | None:
    """The token as the SDK and the studio know it; None for a subject that cannot be an owner."""
    subject = claims.get("sub")
    # A token bound to a key (`cnf`) is worth nothing without the proof, which we cannot check.
    if not isinstance(subject, str) or not is_owner(subject) or "cnf" in claims:
        return None
    expires = claims.get("exp")
    return AccessToken(
        token=token_digest(token).hex(),
        client_id=str(claims.get("client_id") or claims.get("azp") or subject),
        scopes=[
            word for text in _texts(claims.get("scope", claims.get("scp"))) for word in text.split()
        ],
        expires_at=int(expires) + LEEWAY_S if isinstance(expires, int | float) else None,
        resource=resource,
        subject=subject,
        claims={"iss": claims["iss"]} if "iss" in claims else None,
    )


def _texts(value: Any) -> Sequence[str]:
    """A claim that is one text or a list of them."""
    if isinstance(value, str):
        return (value,)
    return [str(v) for v in cast(list[Any], value)] if isinstance(value, list) else ()


def secure(url: str) -> bool:
    """True for https, and for http on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and loopback(host)))


def loopback(host: str) -> bool:
    """True for a name or number of this machine that no other can reach."""
    return host in ("127.0.0.1", "localhost", "::1")


def _silent(issuer: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"The authorization server {issuer} does not answer as it should.",
        remedy="Try again in a moment.",
        retry_after_s=10,
    )
