"""Tells when signs of life of a host come in on a link: microseconds and the kind of each, one a line.

Arguments: the link and the host's IPv4 address. Kinds: bfd (RFC 5881), arp, icmp and tcp (answers from port 1). The
times are the kernel's own. It never sends anything."""

import socket
import struct
import sys

link, host = sys.argv[1], socket.inet_aton(sys.argv[2])
ALL, TIMESTAMPS = 0x0003, 35


def kind(protocol, octets):
    if protocol == 0x0806:
        return "arp" if octets[6:8] == b"\x00\x02" and octets[14:18] == host else None
    if protocol != 0x0800 or octets[12:16] != host:
        return None
    inner = octets[(octets[0] & 15) * 4:]
    source, destination = struct.unpack("!HH", inner[:4])
    if octets[9] == 17:
        return "bfd" if destination == 3784 else None
    if octets[9] == 6:
        return "tcp" if source == 1 else None
    return "icmp" if octets[9] == 1 and inner[0] == 0 else None


packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL))
packets.bind((link, ALL))
packets.setsockopt(socket.SOL_SOCKET, TIMESTAMPS, 1)
packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
print("watching", flush=True)
while True:
    octets, notes, _, address = packets.recvmsg(128, 64)
    what = kind(address[1], octets) if len(octets) >= 28 else None
    for level, number, value in notes if what else []:
        if (level, number) == (socket.SOL_SOCKET, TIMESTAMPS):
            seconds, nanoseconds = struct.unpack("qq", value)
            print(seconds * 1000000 + nanoseconds // 1000, what, flush=True)
