"""Answers each line of a connection, and each datagram, with this machine's name. Usage: server.py NAME PORT ADDRESS...

TCP is served at all addresses; UDP at those that are named, which answers come from then. A request of HTTP is answered
with status 200. While there is a file `unwell`, that status is 503, and datagrams are not answered.
"""

import asyncio
import os
import resource
import socket
import sys

NAME, PORT = (sys.argv[1] + "\n").encode(), int(sys.argv[2])


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


async def main():
    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(serve, ["0.0.0.0", "::"], PORT, backlog=4096)
    for address in sys.argv[3:]:
        one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        one.bind((address, PORT))
        await loop.create_datagram_endpoint(Datagrams, sock=one)
    print("listening", flush=True)
    await server.serve_forever()


_, MOST = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (MOST, MOST))
asyncio.run(main())
