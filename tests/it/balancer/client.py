"""Keeps connections open, and tells who answers them. Usage: client.py ADDRESS PORT

Reads commands, a line each, and answers each with one line of JSON:

open N    opens N connections that stay open; answers how many each node has
ask       asks over each open connection; answers how many live, are broken, and moved to another node, by node
burst N   opens N connections, asks, and closes them; answers how many each node had, and how many failed
"""

import asyncio
import collections
import json
import resource
import sys

ADDRESS, PORT = sys.argv[1], int(sys.argv[2])
# How long an answer may take: a few retransmissions.
PATIENCE = 8
AT_ONCE = 200
kept = []


async def ask(reader, writer):
    writer.write(b"who\n")
    await writer.drain()
    line = await asyncio.wait_for(reader.readline(), PATIENCE)
    if not line:
        raise OSError("closed")
    return line.decode().strip()


async def connect():
    reader, writer = await asyncio.wait_for(asyncio.open_connection(ADDRESS, PORT), PATIENCE)
    return reader, writer, await ask(reader, writer)


async def several(count, make):
    room = asyncio.Semaphore(AT_ONCE)

    async def one(place):
        async with room:
            try:
                return await make(place)
            except (OSError, asyncio.TimeoutError):
                return None

    return await asyncio.gather(*(one(place) for place in range(count)))


async def burst(_):
    reader, writer, name = await connect()
    writer.close()
    return name


async def again(place):
    reader, writer, name = kept[place]
    return name, await ask(reader, writer)


async def answer(words):
    if words[0] == "open":
        made = await several(int(words[1]), lambda _: connect())
        kept.extend(one for one in made if one)
        return {"nodes": collections.Counter(name for _, _, name in kept), "failed": made.count(None)}
    if words[0] == "ask":
        heard = await several(len(kept), again)
        alive, broken, moved = collections.Counter(), collections.Counter(), collections.Counter()
        for (_, _, name), found in zip(kept, heard):
            (broken if found is None else alive if found[0] == found[1] else moved)[name] += 1
        kept[:] = [one for one, found in zip(kept, heard) if found]
        return {"alive": alive, "broken": broken, "moved": moved}
    made = await several(int(words[1]), burst)
    return {"nodes": collections.Counter(name for name in made if name), "failed": made.count(None)}


async def main():
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while words := (await lines.readline()).decode().split():
        print(json.dumps(await answer(words)), flush=True)


_, MOST = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (MOST, MOST))
asyncio.run(main())
