"""Connecting only to public addresses: what a name stands for is checked, then connected to as is.

Checking a name and letting somebody else look it up again would leave a gap: the second answer may
differ (DNS rebinding). So requests go to the checked number, with the name in Host and TLS.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from urllib.request import getproxies, proxy_bypass

import anyio
import httpx

from mosaic_mcp.errors import MediaError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
MAX_TRIED = 4
"""Addresses of one host that are tried in turn."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
"""RFC 8215: where it leads is a network's own business."""


def public(address: IPAddress) -> bool:
    """True for an address on the open internet.

    False for private, loopback, link-local (cloud metadata), carrier-grade NAT, multicast and
    reserved ones, and for IPv6 forms that carry such an IPv4 address.
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return public(inner)
        if address.is_site_local or address in _LOCAL_NAT64:
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


def origin(url: httpx.URL | str) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address: what a server is known by."""
    url = httpx.URL(url)
    return url.scheme, url.host, url.port


class CheckedTransport(httpx.AsyncHTTPTransport):
    """Sends each request, redirects too, to an address that `allowed` has seen.

    `trusted` is an engine's own address, which may be on this machine: its origin is not checked.
    """

    def __init__(
        self, allowed: Callable[[IPAddress], bool] = public, *, trusted: str | None = None
    ) -> None:
        super().__init__()
        self._allowed = allowed
        self._trusted = None if trusted is None else origin(trusted)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises MediaError when any address of the host is not allowed."""
        if origin(request.url) == self._trusted:
            return await super().handle_async_request(request)
        if request.url.scheme not in ("http", "https"):
            raise httpx.UnsupportedProtocol(f"{request.url.scheme}:// is neither http nor https.")
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        addresses = await addresses_of(host, port)
        if not all(map(self._allowed, addresses)):
            raise MediaError(
                f"{host!r} is inside a private network; only public addresses are connected to.",
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


class ProxiedTransport(CheckedTransport):
    """As CheckedTransport; where the environment names a proxy, that connects and decides."""

    def __init__(
        self, allowed: Callable[[IPAddress], bool] = public, *, trusted: str | None = None
    ) -> None:
        super().__init__(allowed, trusted=trusted)
        self._proxies = {
            scheme: httpx.AsyncHTTPTransport(proxy=proxy)
            for scheme, proxy in getproxies().items()
            if scheme in ("http", "https")
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises MediaError when any address of the host is not allowed."""
        proxy = self._proxies.get(request.url.scheme)
        own = origin(request.url) == self._trusted or proxy_bypass(request.url.host)
        if proxy is None or own:
            return await super().handle_async_request(request)
        return await proxy.handle_async_request(request)

    async def aclose(self) -> None:
        await super().aclose()
        for proxy in self._proxies.values():
            await proxy.aclose()


def _to(request: httpx.Request, address: IPAddress) -> httpx.Request:
    """The same request, sent to a number; Host and the certificate's name stay."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=str(address)),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )
