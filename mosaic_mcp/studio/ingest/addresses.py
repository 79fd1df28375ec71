"""Connecting only to public addresses: what a name stands for is checked, then connected to as is.

Checking a name and letting somebody else look it up again would leave a gap: the second answer may
differ (DNS rebinding). So requests go to the checked number, with the name in Host and TLS.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

import anyio
import httpx

from mosaic_mcp.errors import MediaError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
MAX_TRIED = 4
"""Addresses of one host that are tried in turn."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def public(address: IPAddress) -> bool:
    """True for an address on the open internet.

    False for private, loopback, link-local (cloud metadata), carrier-grade NAT, multicast and
    reserved ones, and for IPv6 forms that carry such an IPv4 address.
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def anywhere(_: IPAddress) -> bool:
    """True for every address: for a studio whose owner said so."""
    return True


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to: mapped, 6to4, Teredo or NAT64."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


async def addresses_of(host: str, port: int) -> list[IPAddress]:
    """What a host name (or number) stands for, without repeats.

    Raises MediaError when there is no such name, ConnectError when nobody could say so now.
    """
    try:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise httpx.ConnectError("names cannot be looked up at present") from error
        raise _no_host(host) from error
    except (OSError, UnicodeError) as error:
        raise _no_host(host) from error
    # A zone such as %eth0 says which interface; the number alone decides.
    return [
        ipaddress.ip_address(text.partition("%")[0])
        for text in dict.fromkeys(str(entry[4][0]) for entry in found)
    ]


def _no_host(host: str) -> MediaError:
    return MediaError(
        f"There is no host {host!r}.", remedy="Check the address for a typing mistake."
    )


class CheckedTransport(httpx.AsyncHTTPTransport):
    """Sends each request, redirects too, to an address that `allowed` has seen."""

    def __init__(self, allowed: Callable[[IPAddress], bool] = public) -> None:
        super().__init__()
        self._allowed = allowed

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises MediaError when any address of the host is not allowed."""
        if request.url.scheme not in ("http", "https"):
            raise httpx.UnsupportedProtocol(f"{request.url.scheme}:// is neither http nor https.")
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        addresses = await addresses_of(host, port)
        if not all(map(self._allowed, addresses)):
            raise MediaError(
                f"{host!r} is inside a private network; only public addresses are downloaded from.",
                remedy="Give the path of a file on this machine, the id of an upload or of an "
                "output, or a public link.",
            )
        *others, last = addresses[:MAX_TRIED]
        for address in others:
            try:
                return await super().handle_async_request(_to(request, address))
            except httpx.ConnectError:
                continue
        return await super().handle_async_request(_to(request, last))


def _to(request: httpx.Request, address: IPAddress) -> httpx.Request:
    """The same request, sent to a number; Host and the certificate's name stay."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=str(address)),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )
