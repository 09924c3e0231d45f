"""A peer that behaves until it is established and then sends one bad message.

Usage: rogue.py LOCAL ROUTER ASN WHAT
Prints `established`, then `notification CODE SUBCODE`, `closed`, or `kept` when nothing came within three seconds.
"""

import socket
import struct
import sys
import time

local, router, asn, what = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
MARKER = b"\xff" * 16
OPEN, UPDATE, NOTIFICATION, KEEPALIVE = 1, 2, 3, 4


def message(kind, body=b""):
    return MARKER + struct.pack("!HB", 19 + len(body), kind) + body


def attribute(flags, code, value, length=None):
    return struct.pack("!BBB", flags, code, len(value) if length is None else length) + value


def update(attributes, nlri):
    return message(UPDATE, struct.pack("!HH", 0, len(attributes)) + attributes + nlri)


ORIGIN = attribute(0x40, 1, b"\0")
AS_PATH = attribute(0x40, 2, b"")
NEXT_HOP = attribute(0x40, 3, socket.inet_aton(local))
LOCAL_PREF = attribute(0x40, 5, b"\0\0\0d")
SHOP = b"\x20" + socket.inet_aton("172.16.102.229")

BAD = {
    "good": update(ORIGIN + AS_PATH + NEXT_HOP + LOCAL_PREF, SHOP),
    "marker": b"\0" * 16 + struct.pack("!HB", 19, KEEPALIVE),
    "short": MARKER + struct.pack("!HB", 18, KEEPALIVE),
    "oversized": MARKER + struct.pack("!HB", 65535, UPDATE),
    "unknown-type": message(99),
    "truncated-update": message(UPDATE, b"\0\0\0\xff"),
    "lying-origin": update(attribute(0x40, 1, b"\0\0") + AS_PATH + NEXT_HOP + LOCAL_PREF, SHOP),
    "lying-length": update(ORIGIN + AS_PATH + NEXT_HOP + attribute(0x40, 5, b"\0\0\0d", 200), SHOP),
    "half": MARKER + struct.pack("!HB", 60, UPDATE) + b"\0\0",
}

deadline = time.time() + 10
while True:
    try:
        connection = socket.create_connection((router, 179), 2, (local, 0))
        break
    except OSError as error:
        if time.time() > deadline:
            sys.exit(f"no connection: {error}")
        time.sleep(0.1)
connection.settimeout(3)
buffer = b""


def receive():
    """The next message as (type, body); None when the router has closed."""
    global buffer
    while len(buffer) < 19 or len(buffer) < struct.unpack("!H", buffer[16:18])[0]:
        try:
            more = connection.recv(65536)
        except ConnectionError:
            more = b""
        if not more:
            return None
        buffer += more
    length = struct.unpack("!H", buffer[16:18])[0]
    whole, buffer = buffer[:length], buffer[length:]
    return whole[18], whole[19:]


def capability(code, value):
    return struct.pack("!BBBB", 2, 2 + len(value), code, len(value)) + value


def judge():
    while True:
        try:
            got = receive()
        except TimeoutError:
            return "kept"
        if got is None:
            return "closed"
        if got[0] == NOTIFICATION:
            return f"notification {got[1][0]} {got[1][1]}"


capabilities = capability(1, b"\0\1\0\1") + capability(65, struct.pack("!I", asn))
open_body = struct.pack("!BHH4sB", 4, min(asn, 23456), 90, socket.inet_aton(local), len(capabilities)) + capabilities
connection.sendall(message(OPEN, open_body))
answered = set()
while KEEPALIVE not in answered:
    got = receive()
    if got is None or got[0] == NOTIFICATION:
        print("closed" if got is None else f"notification {got[1][0]} {got[1][1]}")
        sys.exit(0)
    answered.add(got[0])
    if got[0] == OPEN:
        connection.sendall(message(KEEPALIVE))
print("established", flush=True)
if what != "good":
    connection.sendall(BAD["good"])
    time.sleep(1)
connection.sendall(BAD[what])
if what == "half":
    connection.close()
    print("closed")
else:
    print(judge(), flush=True)
