"""An authorization server on loopback: metadata, keys, signed tokens and introspection."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.serving import served

CLIENT = ("mosaic", "s3cret")


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Issuer:
    """What it publishes and what it signs."""

    url: str = ""
    key: rsa.RSAPrivateKey = field(default_factory=new_key)
    silent: bool = False
    """True: every answer is a 500."""
    active: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """Opaque tokens that introspection knows."""
    asked: list[str] = field(default_factory=list[str])

    def claims(self, subject: str, resource: str, **more: Any) -> dict[str, Any]:
        """Claims of a good token; one given as None is left out."""
        claims = {
            "iss": self.url,
            "sub": subject,
            "aud": resource,
            "exp": int(time.time()) + 300,
            "client_id": "chat",
            **more,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, subject: str, resource: str, **more: Any) -> str:
        """A signed JWT access token."""
        claims = self.claims(subject, resource, **more)
        return jwt.encode(claims, self.key, "RS256", headers={"kid": "k1", "typ": "at+jwt"})

    def answer(self, path: str) -> Any:
        if path == "/.well-known/oauth-authorization-server":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        if path == "/keys":
            algorithm = jwt.algorithms.RSAAlgorithm
            public = json.loads(algorithm.to_jwk(self.key.public_key()))
            return {"keys": [{**public, "kid": "k1", "use": "sig", "alg": "RS256"}]}
        return None


@contextmanager
def issuer() -> Generator[Issuer]:
    """A serving issuer."""
    made = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(made.answer(self.path))

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            basic = base64.b64encode(":".join(CLIENT).encode()).decode()
            if self.headers["authorization"] != f"Basic {basic}":
                self._send(None, 401)
                return
            token = form["token"][0]
            made.asked.append(token)
            found = made.active.get(token)
            self._send({"active": True, **found} if found else {"active": False})

        def _send(self, body: Any, status: int = 200) -> None:
            status = 500 if made.silent else 404 if body is None and status == 200 else status
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with served(Handler) as port:
        made.url = f"http://127.0.0.1:{port}"
        yield made
