"""Which addresses a feed may live at: public ones, unless its operator allows private ones."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from windsock.errors import FeedError

# ipaddress.is_global calls NAT64, 6to4 and multicast global (Python 3.11), hence the list.
BLOCKED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/32",
        "2002::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)


def is_public(address: str) -> bool:
    """True for an address that the public internet routes to."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return not any(parsed in network for network in BLOCKED if network.version == parsed.version)


async def pinned(host: str, port: int, *, feed: str, allow_private: bool) -> str:
    """The address to connect to, every address of the host having been checked.

    raises  FeedError if it cannot be resolved, or resolves to a private address
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise FeedError(f"{host} cannot be resolved", feed=feed) from error
    addresses = [str(entry[4][0]) for entry in found]
    if not allow_private:
        for address in addresses:
            if not is_public(address):
                raise FeedError(
                    f"{host} resolves to the private address {address}; if you mean it, set "
                    f"allow_private = true in [feeds.override.{feed}]",
                    feed=feed,
                )
    return addresses[0]
