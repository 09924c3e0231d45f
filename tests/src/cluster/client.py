"""Keeps connections open, and tells who answers them. Usage: client.py ADDRESS PORT tcp|udp|quic

Reads commands, a line each, and answers each with one line of JSON:

open N    opens N connections that stay open; answers how many each node has
ask       asks over each open connection; answers how many live, are broken, and moved to another node, by node
burst N [SOURCE]
          opens N connections, asks, and closes them; answers how many each node had, and how many failed
move [SOURCE]
          lets each open connection of QUIC go on from another port, and from another address
large N   asks with a line of N octets over one more connection; answers who answered
begin N   begins N connections a second from now on, asks, and closes each
end       begins no more; answers of each when it began and how long it took (microseconds), and which node it had
"""

import asyncio
import collections
import itertools
import json
import os
import resource
import socket
import struct
import sys
import time

ADDRESS, PORT = sys.argv[1], int(sys.argv[2])
KIND = socket.SOCK_STREAM if sys.argv[3] == "tcp" else socket.SOCK_DGRAM
QUIC = sys.argv[3] == "quic"
FAMILY = socket.AF_INET6 if ":" in ADDRESS else socket.AF_INET
# How long an answer may take: a few retransmissions.
PATIENCE = 8
AT_ONCE = 200
# A port is chosen when the destination is known (IP_BIND_ADDRESS_NO_PORT).
BIND_NO_PORT = 24
# Ports that the kernel does not choose by itself, one after the other. It comes back to its own after two thousand connections,
# and a port that is used again soon is a flow that goes on.
fresh = itertools.cycle(range(1024, 32768))
kept = []
# What servers of QUIC have called connections.
ids = {}


async def exchange(one, packet):
    """A datagram gets lost where many are sent at once: it is sent again, as QUIC does."""
    loop = asyncio.get_running_loop()
    for patience in (1, 2, PATIENCE - 3):
        await loop.sock_sendall(one, packet)
        try:
            return await asyncio.wait_for(loop.sock_recv(one, 1500), patience)
        except asyncio.TimeoutError:
            pass
    raise asyncio.TimeoutError


async def ask_quic(one):
    """A connection that has no ID yet begins: Initial and Handshake have long headers, all else has a short one."""
    rest = os.urandom(24)
    if one not in ids:
        initial = b"\xc3\0\0\0\1\x08" + os.urandom(8) + b"\x08" + os.urandom(8)
        told = await exchange(one, initial.ljust(1200, b"\0"))
        if told[0] & 0xF0 != 0xE0:
            raise OSError("no handshake")
        ids[one] = told[15:23]
        if await exchange(one, b"\xe3\0\0\0\1\x08" + ids[one] + b"\0" + rest) != told[23:]:
            raise OSError("another server")
    name = (await exchange(one, b"\x43" + ids[one] + rest)).decode().strip()
    if name == "lost":
        raise OSError("another server")
    return name


async def ask(one, words=b"who\n"):
    if QUIC:
        return await ask_quic(one)
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(one, words)
    line = await asyncio.wait_for(loop.sock_recv(one, 64), PATIENCE)
    if not line:
        raise OSError("closed")
    return line.decode().strip()


async def connect(one, source=None):
    one.setblocking(False)
    if source:
        one.setsockopt(socket.IPPROTO_IP, BIND_NO_PORT, 1)
        one.bind((source, 0))
    await asyncio.wait_for(asyncio.get_running_loop().sock_connect(one, (ADDRESS, PORT)), PATIENCE)


async def several(count, make):
    room = asyncio.Semaphore(AT_ONCE)

    async def one(place):
        async with room:
            try:
                return await make(place)
            except (OSError, asyncio.TimeoutError):
                return None

    return await asyncio.gather(*(one(place) for place in range(count)))


async def stay(_):
    one = socket.socket(FAMILY, KIND)
    try:
        await connect(one)
        return one, await ask(one)
    except BaseException:
        one.close()
        raise


async def burst(source):
    with socket.socket(FAMILY, KIND) as one:
        if KIND == socket.SOCK_STREAM and not source:
            one.bind(("", next(fresh)))
        await connect(one, source)
        name = await ask(one)
        ids.pop(one, None)
        return name


async def again(place):
    one, _ = kept[place]
    return await ask(one)


async def move(source):
    for place, (one, name) in enumerate(kept):
        other = socket.socket(FAMILY, KIND)
        await connect(other, source)
        ids[other] = ids.pop(one)
        one.close()
        kept[place] = (other, name)


class Stream:
    """Connections that begin one after the other."""

    def __init__(self, rate):
        self.pause, self.going, self.running = 1 / rate, [], True
        self.task = asyncio.ensure_future(self.run())

    async def run(self):
        due = time.monotonic()
        while self.running:
            self.going.append(asyncio.ensure_future(self.one()))
            due += self.pause
            await asyncio.sleep(max(0, due - time.monotonic()))

    async def one(self):
        name = None
        with socket.socket(FAMILY, KIND) as one:
            if KIND == socket.SOCK_STREAM:
                # They are many: nothing of one stays behind when it is closed, and its port is free again.
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            begun = time.time_ns()
            try:
                await connect(one)
                took = time.time_ns() - begun
                name = await ask(one)
            except (OSError, asyncio.TimeoutError):
                took = time.time_ns() - begun
        return begun // 1000, took // 1000, name

    async def end(self):
        self.running = False
        await self.task
        return await asyncio.gather(*self.going)


stream = None


async def answer(words):
    global stream
    if words[0] == "open":
        made = await several(int(words[1]), stay)
        kept.extend(one for one in made if one)
        return {"nodes": collections.Counter(name for _, name in kept), "failed": made.count(None)}
    if words[0] == "ask":
        heard = await several(len(kept), again)
        alive, broken, moved = collections.Counter(), collections.Counter(), collections.Counter()
        for (_, name), found in zip(kept, heard):
            (broken if found is None else alive if found == name else moved)[name] += 1
        for (one, _), found in zip(kept, heard):
            if found is None:
                one.close()
        kept[:] = [one for one, found in zip(kept, heard) if found]
        return {"alive": alive, "broken": broken, "moved": moved}
    if words[0] == "move":
        await move(words[1] if len(words) > 1 else None)
        return {}
    if words[0] == "large":
        with socket.socket(FAMILY, KIND) as one:
            await connect(one)
            return {"node": await ask(one, b"x" * int(words[1]) + b"\n")}
    if words[0] == "begin":
        stream = Stream(int(words[1]))
        return {}
    if words[0] == "end":
        return await stream.end()
    made = await several(int(words[1]), lambda _: burst(words[2] if len(words) > 2 else None))
    return {"nodes": collections.Counter(name for name in made if name), "failed": made.count(None)}


async def main():
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while words := (await lines.readline()).decode().split():
        print(json.dumps(await answer(words)), flush=True)


_, MOST = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (MOST, MOST))
asyncio.run(main())
