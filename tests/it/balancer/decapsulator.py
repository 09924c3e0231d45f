"""Takes packets out of tunnels, as a node's kernel would that has such tunnels. Usage: decapsulator.py ipip|gue

What comes within IPv4, IPv6 (RFC 2003, RFC 2473) or UDP is given to this machine as if it had come by `tun0`.
"""

import fcntl
import os
import select
import socket
import struct
import subprocess
import sys

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
GUE_PORT = 6080
# What is in a tunnel has a checksum of its own; outside there is none (RFC 6935).
UDP_NO_CHECK6_RX = 102


def sources():
    """Sockets, each with what takes the inner packet out of what it gives."""
    if sys.argv[1] == "gue":
        one = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        one.setsockopt(socket.IPPROTO_UDP, UDP_NO_CHECK6_RX, 1)
        one.bind(("::", GUE_PORT))
        # Variant 1 has no header of its own, and the version of IP in its place.
        return [(one, lambda packet: packet)]
    found = []
    for inner in (socket.IPPROTO_IPIP, socket.IPPROTO_IPV6):
        four = socket.socket(socket.AF_INET, socket.SOCK_RAW, inner)
        found.append((four, lambda packet: packet[(packet[0] & 15) * 4 :]))
        six = socket.socket(socket.AF_INET6, socket.SOCK_RAW, inner)
        found.append((six, lambda packet: packet))
    return found


tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", b"tun0", IFF_TUN | IFF_NO_PI))
subprocess.run(["ip", "link", "set", "tun0", "up"], check=True)
taken = dict(sources())
print("ready", flush=True)
while True:
    for one in select.select(taken, [], [])[0]:
        os.write(tun, taken[one](one.recv(65535)))
