"""Decides which IP addresses are public, and which ones no setting can allow."""

from __future__ import annotations

import ipaddress

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Refuse IP addresses in these blocks even if `is_global` is true. `is_global` depends on the Python version and is
# wrong for some addresses, such as 168.63.129.16 (Azure's metadata and DNS service), 192.88.99.0/24 (6to4 relays) and
# 224.0.0.0/4 (multicast).
V4_REFUSED = tuple(
    ipaddress.ip_network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
    )
)
V6_PUBLIC = ipaddress.ip_network("2000::/3")
# Blocks within V6_PUBLIC that are not public: Teredo and other protocol addresses, documentation, and 6to4, whose
# addresses can embed a private IPv4 address.
V6_REFUSED = tuple(ipaddress.ip_network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))

# Link-local addresses, and further addresses of the metadata services of Azure and AWS. A metadata service gives the
# machine's credentials to any program on the machine, so not even OCTAVE_ALLOW_HOSTS can allow these addresses.
METADATA = tuple(
    ipaddress.ip_network(block) for block in ("169.254.0.0/16", "168.63.129.16/32", "fe80::/10", "fd00:ec2::/32")
)
NEVER_ALLOWED = "a link-local address or the address of a cloud's metadata service, which is never allowed"


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def is_public_address(text: str) -> bool:
    """Whether an IP address is public.

    Addresses of cloud metadata services, tunnels and reserved blocks are not public.
    """
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not any(address in block for block in V4_REFUSED)
    return not address.scope_id and address in V6_PUBLIC and not any(address in block for block in V6_REFUSED)


def is_never_allowed(text: str) -> bool:
    """Whether an IP address is link-local, or the address of a cloud's metadata service."""
    address: IpAddress = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        # Connecting to an IPv4-mapped address reaches the IPv4 address, and a scope only names the network interface.
        address = address.ipv4_mapped or ipaddress.IPv6Address(int(address))
    return any(address in block for block in METADATA)
