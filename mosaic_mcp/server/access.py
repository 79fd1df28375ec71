"""The settings of `serve --http`, checked as a whole: who may call, and what each may touch.

All faults are reported at once, before anything listens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.settings import AuthSettings

from mosaic_mcp.contract.extensions import is_owner
from mosaic_mcp.errors import Fault, InvalidRequest, Unauthorized
from mosaic_mcp.server.tokens import (
    AskedTokens,
    JwtTokens,
    KnownTokens,
    loopback,
    secure,
    token_digest,
)
from mosaic_mcp.server.webhooks import PATH
from mosaic_mcp.settings import HttpSettings, Settings, token_pairs

ANONYMOUS = "anonymous"
"""Who calls a server that knows no tokens, which listens to this machine only."""
MIN_TOKEN = 24
"""Characters: what is shorter can be guessed, and a hash of it looked up."""
_HASH = re.compile(r"sha256:([0-9a-f]{64})", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750 2.1: what can stand behind `Bearer`."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call, and what holds for each of them."""

    settings: Settings
    public_url: str
    """Where others reach the server; MCP is at `/mcp` below it."""
    reachable: bool
    """True when the hosted engine may be there too: MOSAIC_PUBLIC_URL names that place."""
    auth: AuthSettings | None
    verifier: TokenVerifier | None
    """None: everybody who reaches us is `ANONYMOUS`."""
    folders: Mapping[str, Path]
    keys: Mapping[str, str] = field(repr=False)

    def settings_of(self, subject: str) -> Settings:
        """The settings under which the tools of a subject work.

        Raises Unauthorized on the hosted engine for a subject without a key.
        """
        api_key = self.settings.api_key
        if self.keys:
            api_key = self.keys.get(subject)
            if api_key is None:
                raise Unauthorized(
                    "This server has no Mosaic API key for you.",
                    remedy="Ask whoever runs it to add yours to MOSAIC_HTTP_KEYS.",
                )
        folder = self.folders.get(subject)
        told = self.reachable and api_key is not None and self.settings.webhook_secret is not None
        return replace(
            self.settings,
            api_key=api_key,
            owner=subject,
            public_url=self.public_url,
            callback_url=f"{self.public_url}{PATH}" if told else None,
            allowed_dirs=(folder,) if folder is not None else (),
        )


def check_access(settings: Settings, http: HttpSettings, host: str, own_url: str) -> Access:
    """Who may call a server that listens on `host` and, without a proxy, is at `own_url`.

    Raises InvalidRequest with every fault of the settings.
    """
    return _Checking(settings, http, host, http.public_url or own_url).access()


class _Checking:
    def __init__(self, settings: Settings, http: HttpSettings, host: str, public_url: str) -> None:
        self.settings = settings
        self.http = http
        self.host = host
        self.public_url = public_url
        self.faults: list[Fault] = []

    def access(self) -> Access:
        tokens = self.tokens()
        folders = self.folders()
        keys = self.keys()
        self.address(guarded=bool(tokens or self.http.issuer))
        self.issuer()
        self.engine({subject for _, subject in tokens}, keys)
        if self.faults:
            raise InvalidRequest(self.faults)
        auth, verifier = self.guard(tokens)
        reachable = self.http.public_url is not None
        return Access(self.settings, self.public_url, reachable, auth, verifier, folders, keys)

    def fault(self, where: str, what: str, remedy: str) -> None:
        self.faults.append(Fault(where, what, remedy))

    def tokens(self) -> list[tuple[bytes, str]]:
        """`(hash, subject)` of every known token."""
        where, pairs = "MOSAIC_HTTP_TOKENS", list(self.http.tokens)
        if self.http.tokens_file is not None:
            try:
                text = self.http.tokens_file.read_text("utf-8")
                pairs += token_pairs(text.splitlines())
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
                self.fault("MOSAIC_HTTP_TOKENS_FILE", f"cannot be read: {reason}.", "Check it.")
        known: dict[bytes, str] = {}
        # Told by number: in a pair that is written the wrong way round, the name is the token.
        for number, (token, subject) in enumerate(pairs, 1):
            hashed = _HASH.fullmatch(token)
            if not is_owner(subject):
                self.subject(where, f"pair {number}")
            elif hashed is None and (len(token) < MIN_TOKEN or not _TOKEN.fullmatch(token)):
                self.fault(
                    where,
                    f"the token of pair {number} is no long random text.",
                    f"Use {MIN_TOKEN} or more letters and digits, as of `openssl rand -hex 32`.",
                )
            else:
                digest = bytes.fromhex(hashed[1]) if hashed else token_digest(token)
                if digest in known:
                    self.fault(where, f"pair {number} has a token that stood before.", "Drop one.")
                known[digest] = subject
        if self.http.tokens_file is not None and not pairs:
            self.fault("MOSAIC_HTTP_TOKENS_FILE", "holds no token.", "Write token=subject lines.")
        return list(known.items())

    def subject(self, where: str, which: str) -> None:
        self.fault(
            where,
            f"{which} has no usable subject.",
            'It is a name of at most 255 ASCII characters without spaces; "local" is taken.',
        )

    def folders(self) -> dict[str, Path]:
        where, found = "MOSAIC_HTTP_FOLDERS", dict[str, Path]()
        for subject, said in self.http.folders:
            folder = Path(said).expanduser()
            if not is_owner(subject):
                self.subject(where, f"the folder {said!r}")
            elif subject in found:
                self.fault(where, f"{subject!r} stands there twice.", "One folder is enough.")
            elif not said or not folder.is_absolute() or not folder.is_dir():
                self.fault(where, f"{said!r} is not the absolute path of a folder.", "Make it.")
            elif folder.resolve() in (home := self.settings.home.resolve(), *home.parents):
                self.fault(where, f"{said!r} holds the data of everybody.", "Give another.")
            else:
                found[subject] = folder.resolve()
        return found

    def keys(self) -> dict[str, str]:
        where, found = "MOSAIC_HTTP_KEYS", dict[str, str]()
        for subject, key in self.http.keys:
            if not is_owner(subject) or not key:
                self.subject(where, "a pair")
            elif subject in found or key in found.values():
                self.fault(
                    where,
                    f"the name or the key of {subject!r} stands there twice.",
                    "A key is a workspace: who shares it sees the same runs.",
                )
            found[subject] = key
        return found

    def address(self, *, guarded: bool) -> None:
        """Where others may come from, they have to show who they are."""
        parts = urlsplit(self.public_url)
        if self.http.public_url is not None and (
            not secure(self.public_url) or parts.query or parts.fragment or parts.username
        ):
            self.fault(
                "MOSAIC_PUBLIC_URL",
                f"{self.public_url!r:.200} is not an https address.",
                "Write it as https://video.example.org; TLS is the business of a proxy before us.",
            )
        elsewhere = not loopback(self.host)
        if elsewhere and self.http.public_url is None:
            self.fault(
                "MOSAIC_PUBLIC_URL",
                f"is needed to listen on {self.host}: links and tokens are made for it.",
                "Set it to the address at which others reach this server.",
            )
        if (elsewhere or not loopback(parts.hostname or "")) and not guarded:
            self.fault(
                "--host" if elsewhere else "MOSAIC_PUBLIC_URL",
                "others could reach this server, and nobody would have to show who they are.",
                "Set MOSAIC_HTTP_TOKENS, MOSAIC_HTTP_TOKENS_FILE or MOSAIC_OAUTH_ISSUER, or "
                "listen on 127.0.0.1 without MOSAIC_PUBLIC_URL.",
            )

    def issuer(self) -> None:
        http = self.http
        if http.issuer is None:
            if http.jwks_url or http.introspection_url or http.scopes:
                self.fault("MOSAIC_OAUTH_ISSUER", "is not set.", "Set it, or none of the others.")
            return
        if http.tokens or http.tokens_file:
            self.fault(
                "MOSAIC_OAUTH_ISSUER",
                "stands beside known tokens, and a subject of the one may be another's name.",
                "Use the issuer or MOSAIC_HTTP_TOKENS, not both.",
            )
        for name, url in (
            ("ISSUER", http.issuer),
            ("JWKS_URL", http.jwks_url),
            ("INTROSPECTION_URL", http.introspection_url),
        ):
            if url is not None and not secure(url):
                self.fault(f"MOSAIC_OAUTH_{name}", "is not an https address.", "Correct it.")
        if http.jwks_url and http.introspection_url:
            self.fault("MOSAIC_OAUTH_JWKS_URL", "stands beside INTROSPECTION_URL.", "Keep one.")
        if http.introspection_url and not (http.client_id and http.client_secret):
            self.fault(
                "MOSAIC_OAUTH_CLIENT_ID",
                "and MOSAIC_OAUTH_CLIENT_SECRET are needed to ask about tokens.",
                "Register this server with the issuer as a client.",
            )

    def engine(self, subjects: set[str], keys: Mapping[str, str]) -> None:
        """One key is one workspace: its API knows no owners within it, so nor do we."""
        if keys and self.settings.api_key is not None:
            self.fault("MOSAIC_API_KEY", "stands beside MOSAIC_HTTP_KEYS.", "Keep one of the two.")
        several = self.http.issuer is not None or len(subjects) > 1
        if self.settings.api_key is not None and several:
            self.fault(
                "MOSAIC_API_KEY",
                "one key is one workspace: every subject would see the runs of all.",
                "Give each subject its own key (MOSAIC_HTTP_KEYS), or serve one subject, or unset "
                "it to use the studio.",
            )
        if keys and not (self.http.issuer or subjects):
            self.fault(
                "MOSAIC_HTTP_KEYS", "needs subjects.", "Set MOSAIC_HTTP_TOKENS or an issuer."
            )

    def guard(
        self, tokens: list[tuple[bytes, str]]
    ) -> tuple[AuthSettings | None, TokenVerifier | None]:
        http, resource = self.http, f"{self.public_url}/mcp"
        if http.issuer is None:
            if not tokens:
                return None, None
            # No metadata is served: a client would go looking for a place to log in.
            auth = AuthSettings.model_validate(
                {"issuer_url": resource, "resource_server_url": None}
            )
            return auth, KnownTokens(tokens)
        # From texts: as URL objects they would get a slash that the issuer's own name lacks.
        auth = AuthSettings.model_validate(
            {
                "issuer_url": http.issuer,
                "resource_server_url": resource,
                "required_scopes": list(http.scopes) or None,
                "validate_token_resource": True,
            }
        )
        if http.introspection_url is None:
            return auth, JwtTokens(http.issuer, resource, http.jwks_url)
        return auth, AskedTokens(
            http.issuer,
            resource,
            http.introspection_url,
            http.client_id or "",
            http.client_secret or "",
        )
