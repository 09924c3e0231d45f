"""Answers each line of a connection with this machine's name. Usage: server.py NAME PORT"""

import asyncio
import resource
import sys

NAME = (sys.argv[1] + "\n").encode()


async def serve(reader, writer):
    try:
        while await reader.readline():
            writer.write(NAME)
            await writer.drain()
    except OSError:
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(serve, ["0.0.0.0", "::"], int(sys.argv[2]), backlog=4096)
    print("listening", flush=True)
    await server.serve_forever()


_, MOST = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (MOST, MOST))
asyncio.run(main())
