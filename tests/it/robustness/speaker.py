"""A speaker for rough treatment. It encodes little and judges nothing.

Usage: speaker.py LOCAL ROUTER WHAT [NUMBER]

  steady        one route, a hold time of 3 seconds, and a KEEPALIVE a second
  flood N       N routes of random attributes, over and over until it is ended
  offer N       N routes once
  mute          establishes and never reads again
  flap N        N sessions one after the other, each with a route, each closed without a word
  loris         an OPEN at one octet a second
  crowd N       N connections at once that say nothing; tells how many the router closes
  two OTHER     a second connection from the address OTHER beside an established session

The AS number is 64512, or what TOWPATH_ASN says. Each prints `established` when it is, and its last word at its end.
"""

import os
import random
import socket
import struct
import sys
import threading
import time

local, router, what = sys.argv[1:4]
argument = sys.argv[4] if len(sys.argv) > 4 else "0"
asn = int(os.environ.get("TOWPATH_ASN", "64512"))
MARKER = b"\xff" * 16
OPEN, UPDATE, NOTIFICATION, KEEPALIVE = 1, 2, 3, 4


def say(*words):
    print(*words, flush=True)


def message(kind, body=b""):
    return MARKER + struct.pack("!HB", 19 + len(body), kind) + body


def attribute(flags, code, value):
    return struct.pack("!BBB", flags, code, len(value)) + value


def update(nlri, extra=b""):
    attributes = attribute(0x40, 1, b"\0") + attribute(0x40, 2, b"") + attribute(0x40, 3, socket.inet_aton(local))
    attributes += extra + attribute(0x40, 5, b"\0\0\0d")
    return message(UPDATE, struct.pack("!HH", 0, len(attributes)) + attributes + nlri)


def open_message(hold):
    capabilities = b"".join(
        struct.pack("!BBBB", 2, 2 + len(value), code, len(value)) + value
        for code, value in [(1, b"\0\1\0\1"), (65, struct.pack("!I", asn))]
    )
    return message(OPEN, struct.pack("!BHH4sB", 4, asn, hold, socket.inet_aton(local), len(capabilities)) + capabilities)


def connect(source=local, window=None):
    end = time.time() + 15
    while True:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if window:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        connection.settimeout(10)
        try:
            connection.bind((source, 0))
            connection.connect((router, 179))
            return connection
        except OSError as error:
            connection.close()
            if time.time() > end:
                sys.exit(f"no connection: {error}")
            time.sleep(0.1)


def receive(connection):
    head = b""
    while len(head) < 19:
        more = connection.recv(19 - len(head))
        if not more:
            raise ConnectionError("closed")
        head += more
    length, kind = struct.unpack("!HB", head[16:])
    body = b""
    while len(body) < length - 19:
        more = connection.recv(length - 19 - len(body))
        if not more:
            raise ConnectionError("closed")
        body += more
    return kind, body


def establish(hold=90, window=None):
    end = time.time() + 15
    while True:
        connection = connect(window=window)
        try:
            connection.sendall(open_message(hold))
            heard = set()
            while KEEPALIVE not in heard:
                kind, body = receive(connection)
                if kind == NOTIFICATION:
                    raise ConnectionError(f"notification {body[0]} {body[1]}")
                if kind == OPEN:
                    connection.sendall(message(KEEPALIVE))
                heard.add(kind)
            return connection
        except OSError as error:
            connection.close()
            if time.time() > end:
                sys.exit(f"no session: {error}")
            time.sleep(0.1)


def drain(connection):
    """Reads on a thread; the process ends when the router does."""
    connection.settimeout(None)

    def read():
        try:
            while True:
                kind, body = receive(connection)
                if kind == NOTIFICATION:
                    say("notification", body[0], body[1])
                    break
        except OSError:
            say("closed")
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()


def host(number):
    return b"\x20" + struct.pack("!I", (10 << 24) + (64 << 16) + number)


def burst(first, count):
    """UPDATEs of two routes each, every one with attributes of its own."""
    octets = b""
    for start in range(first, first + count, 2):
        communities = b"".join(struct.pack("!I", random.getrandbits(32)) for _ in range(3))
        extra = attribute(0x80, 4, struct.pack("!I", random.getrandbits(16))) + attribute(0xC0, 8, communities)
        octets += update(b"".join(host(number) for number in range(start, min(start + 2, first + count))), extra)
    return octets


def keep_alive(connection, every):
    while True:
        connection.sendall(message(KEEPALIVE))
        time.sleep(every)


if what == "steady":
    connection = establish(hold=3)
    drain(connection)
    connection.sendall(update(b"\x20" + socket.inet_aton("172.16.102.229")))
    say("established")
    keep_alive(connection, 1)
elif what in ("flood", "offer"):
    count = int(argument)
    loads = [b"".join(burst(start, min(1000, count - start)) for start in range(0, count, 1000)) for _ in range(2)]
    connection = establish()
    drain(connection)
    say("established")
    turn = 0
    while True:
        connection.sendall(loads[turn % 2])
        turn += 1
        say("sent", turn)
        if what == "offer":
            keep_alive(connection, 20)
elif what == "mute":
    connection = establish(window=4096)
    say("established")
    keep_alive(connection, 10)
elif what == "flap":
    for _ in range(int(argument)):
        connection = establish()
        connection.sendall(update(b"\x20" + socket.inet_aton("172.16.102.229")))
        connection.close()
    say("flapped")
elif what == "loris":
    connection = connect()
    for octet in open_message(90):
        connection.sendall(bytes([octet]))
        time.sleep(1)
elif what == "crowd":
    crowd = [connect() for _ in range(int(argument))]
    closed = 0
    for connection in crowd:
        try:
            while connection.recv(4096):
                pass
            closed += 1
        except TimeoutError:
            pass
        except OSError:
            closed += 1
    say("closed", closed)
elif what == "two":
    connection = establish()
    drain(connection)
    connection.sendall(update(b"\x20" + socket.inet_aton("172.16.102.229")))
    say("established")
    other = connect(source=argument)
    other.sendall(open_message(90))
    keep_alive(connection, 20)
