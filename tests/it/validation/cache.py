"""An RPKI cache that misbehaves on demand. It knows one or two payloads and judges nothing.

Usage: cache.py ADDRESS PORT [VERSION]

It reads the file `mood` in its working directory before each answer, and sends a Serial Notify when that changes:

  SERIAL [SESSION] PREFIX-MAXLENGTH=AS ...   says these, and a query for changes gets a Cache Reset
                   CUSTOMER>PROVIDER,...     (ASPA, where version 2 is spoken)
  dies                                       closes in the middle of an answer
  lies                                       announces something twice
  garbage                                    answers with octets that are no PDU
  silent                                     does not answer

It speaks version 1, or 2 where it is called with that, and reports error 4 to whoever begins with a newer one. It prints each query and each error report.
"""

import ipaddress
import os
import socket
import struct
import sys
import threading
import time

VERSION = int(sys.argv[3]) if len(sys.argv) > 3 else 1


def say(*words):
    print(*words, flush=True)


def pdu(kind, field, body=b"", version=VERSION):
    return struct.pack("!BBHI", version, kind, field, 8 + len(body)) + body


def prefix(text):
    network, rest = text.split("-")
    longest, asn = rest.split("=")
    network = ipaddress.ip_network(network)
    kind = 4 if network.version == 4 else 6
    head = struct.pack("!BBBB", 1, network.prefixlen, int(longest), 0)
    return pdu(kind, 0, head + network.network_address.packed + struct.pack("!I", int(asn)))


def aspa(text):
    customer, providers = text.split(">")
    providers = [int(provider) for provider in providers.split(",")]
    return pdu(11, 1 << 8, struct.pack("!I", int(customer)) + b"".join(struct.pack("!I", one) for one in providers))


def mood():
    with open("mood") as file:
        return file.read().split()


def numbers(words):
    session = 7
    if len(words) > 1 and words[1].isdigit():
        session = int(words[1])
    return session, int(words[0])


def answer(stream, kind):
    words = mood()
    if words[0] == "silent":
        return
    if words[0] == "garbage":
        stream.sendall(b"\xff" * 64)
        return
    if words[0] == "dies":
        stream.sendall(pdu(3, 7) + prefix("192.0.2.0/24-24=64999")[:11])
        stream.shutdown(socket.SHUT_RDWR)
        return
    if words[0] == "lies":
        one = prefix("172.16.102.229/32-32=64998")
        stream.sendall(pdu(3, 7) + one + one + pdu(7, 7, struct.pack("!IIII", 9, 3600, 1, 7200)))
        return
    session, serial = numbers(words)
    if kind == 1:
        stream.sendall(pdu(8, 0))
        return
    body = b"".join(prefix(word) for word in words[1:] if "=" in word)
    body += b"".join(aspa(word) for word in words[1:] if ">" in word)
    stream.sendall(pdu(3, session) + body + pdu(7, session, struct.pack("!IIII", serial, 3600, 1, 7200)))


def notify(stream):
    """Tells of each new mood."""
    before = mood()
    while True:
        time.sleep(0.05)
        now = mood()
        if now == before or not now:
            continue
        before = now
        session, serial = numbers(now) if now[0].isdigit() else (7, 999)
        try:
            stream.sendall(pdu(0, session, struct.pack("!I", serial)))
        except OSError:
            return


def converse(stream):
    told = False
    rest = b""
    while True:
        octets = stream.recv(4096)
        if not octets:
            return
        rest += octets
        while len(rest) >= 8:
            version, kind, field, length = struct.unpack("!BBHI", rest[:8])
            if len(rest) < length:
                break
            whole, rest = rest[:length], rest[length:]
            if kind == 10:
                say("error", field)
            elif version > VERSION:
                say("version", version)
                body = struct.pack("!I", len(whole)) + whole + struct.pack("!I", 0)
                stream.sendall(pdu(10, 4, body))
                return
            else:
                say("query", kind)
                answer(stream, kind)
                if not told:
                    threading.Thread(target=notify, args=(stream,), daemon=True).start()
                    told = True


def serve(stream):
    try:
        converse(stream)
    except OSError as error:
        say("lost", error)
    finally:
        stream.close()


listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
say("ready", os.getpid())
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
