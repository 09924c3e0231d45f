"""Answers each line of a connection, and each datagram, with this machine's name. Usage: server.py NAME PORT OWN ADDRESS...

TCP is served at all addresses; UDP at those that are named, which answers come from then. A request of HTTP is answered
with status 200. While there is a file `unwell`, that status is 503, and datagrams are not answered.

Behind the next port it speaks what of QUIC (RFC 9000) a balancer sees: an Initial begins a connection, whose ID it chooses with
its own IPv4 address OWN in it, and packets of no connection that it has are answered with `lost`.
"""

import asyncio
import os
import resource
import socket
import sys

NAME, PORT = (sys.argv[1] + "\n").encode(), int(sys.argv[2])
OWN = socket.inet_aton(sys.argv[3])


async def serve(reader, writer):
    try:
        while line := await reader.readline():
            if line.startswith((b"GET ", b"HEAD ")):
                writer.write(b"HTTP/1.1 503 Unwell\r\n\r\n" if os.path.exists("unwell") else b"HTTP/1.1 200 OK\r\n\r\n")
                break
            writer.write(NAME)
            await writer.drain()
    except OSError:
        pass
    writer.close()


class Datagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, sender):
        if not os.path.exists("unwell"):
            self.transport.sendto(NAME, sender)


class Quic(asyncio.DatagramProtocol):
    """Connection IDs have eight octets: one that says they can be read, four of this machine, and three by chance."""

    connections = set()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, sender):
        first = data[0]
        if first & 0xF0 == 0xC0:
            theirs, ours = data[15:23], b"\x07" + OWN + os.urandom(3)
            self.connections.add(ours)
            self.transport.sendto(b"\xe0\0\0\0\1\x08" + theirs + b"\x08" + ours + NAME, sender)
            return
        known = data[6:14] if first & 0x80 else data[1:9]
        self.transport.sendto(NAME if known in self.connections else b"lost\n", sender)


async def main():
    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(serve, ["0.0.0.0", "::"], PORT, backlog=4096)
    for address in sys.argv[4:]:
        for port, protocol in ((PORT, Datagrams), (PORT + 1, Quic)):
            one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            one.bind((address, port))
            await loop.create_datagram_endpoint(protocol, sock=one)
    print("listening", flush=True)
    await server.serve_forever()


_, MOST = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (MOST, MOST))
asyncio.run(main())
