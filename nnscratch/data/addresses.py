"""Web addresses: how one may be shown, where a file's is, and whose network it lies in."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urljoin, urlsplit, urlunsplit

from nnscratch.errors import DownloadError

LONGEST_SHOWN = 200

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# IPv4 addresses as IPv6 ones, for a translator to turn back (RFC 6052).
NAT64 = ipaddress.ip_network("64:ff9b::/96")


def shown(address: str) -> str:
    """Return an address as it may be printed: in one line, short, without passwords or tokens.

    Everything before the last `@` counts as a password, since one with a `/` in it splits an
    address where nobody expects it.

    >>> shown("https://ann:secret@example.org/mnist/?token=123")
    'https://***@example.org/mnist/?***'
    """
    masked = re.sub(r"^([a-z][a-z0-9+.-]*://)?.*@", r"\1***@", address, flags=re.I | re.S)
    masked = re.sub(r"([?#]).*", r"\1***", masked, count=1, flags=re.S)
    return in_a_line(masked, LONGEST_SHOWN)


def masked(text: str) -> str:
    """Return the text of another library's error without what may be secret in its addresses.

    >>> masked("Max retries exceeded with url: /mnist/?token=123 (Caused by ...)")
    'Max retries exceeded with url: /mnist/?*** (Caused by ...)'
    """
    return re.sub(r"\?[^\s'\")]+", "?***", re.sub(r"//[^\s'\"]*@", "//***@", text))


def in_a_line(text: str, longest: int) -> str:
    """Return text from outside as one line of at most `longest` characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def file_address(mirror: str, name: str) -> str:
    """Return where a mirror has a file: a query, perhaps a token, stays behind the path.

    >>> file_address("https://example.org/mnist?token=123", "a.gz")
    'https://example.org/mnist/a.gz?token=123'

    Raises:
        ValueError: the mirror is not a web address.
    """
    parts = urlsplit(mirror)
    return urlunsplit(parts._replace(path=f"{parts.path.removesuffix('/')}/{name}"))


def redirect_target(url: str, location: str) -> str:
    """Return where a redirect leads; never from https to http.

    Args:
        url: what was asked for.
        location: the header of the answer, as requests has it.

    Raises:
        DownloadError: it leads to http, or to what is not a web address.
    """
    try:
        here = urlsplit(url)
        # Headers are read as Latin-1, whatever they are; an address in one is UTF-8 if anything.
        there = urlsplit(urljoin(url, location.encode("latin-1").decode()))
        same = (here.scheme, here.hostname, here.port) == (there.scheme, there.hostname, there.port)
    except ValueError:
        raise DownloadError("it redirects to what is not a web address") from None
    if there.scheme not in ("http", "https") or not there.hostname:
        raise DownloadError("it redirects to what is not a web address")
    if (here.scheme, there.scheme) == ("https", "http"):
        raise DownloadError("it redirects from https to http")
    if same and "@" in here.netloc and "@" not in there.netloc:
        # A password goes on to the same host, and to no other.
        there = there._replace(netloc=f"{here.netloc.rpartition('@')[0]}@{there.netloc}")
    return urlunsplit(there)


def is_public(address: Address) -> bool:
    """Say whether an address belongs to the internet, not to this machine or a private network.

    An IPv4 address inside an IPv6 one counts as what it is.
    """
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(inside)
    return address.is_global and not address.is_multicast


def written_out(host: str) -> Address | None:
    """Return the address that a host is written as; None if it is a name that has to be looked up.

    `127.1` and `2130706433` are addresses too, to whoever connects to them.
    """
    if host.rstrip(".").lower().rpartition(".")[2] == "localhost":
        return ipaddress.IPv4Address("127.0.0.1")
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None
