"""Sends each malformed UPDATE of a table over a session of its own and tells what became of it.

Usage: malformed.py OUTSIDE INSIDE OBSERVER ROUTER TABLE

The first three are addresses of this machine: of the sender of another AS, of that of the router's AS, and of the observer. The table is that of the codec's own tests, and says itself how it is
read. For each line and each kind of sender: a session, a sound route, the malformed message, and then what another
neighbor of the router, the observer, has heard. Prints a line for each case that ended otherwise, and at last `done` with
the number of cases.
"""

import collections
import socket
import struct
import sys
import threading
import time

outside, inside, observer, router, table = sys.argv[1:6]
MARKER = b"\xff" * 16
OPEN, UPDATE, NOTIFICATION, KEEPALIVE = 1, 2, 3, 4
AS = {"external": 65000, "old": 65000, "internal": 64512}
OBSERVER_AS = 65010
TARGET, WITNESS, SENTINEL, SIXTH = "198.51.100.0/24", "203.0.113.0/24", "100.64.0.0/24", "2001:db8::/32"
SOON = 20


def message(kind, body=b""):
    return MARKER + struct.pack("!HB", 19 + len(body), kind) + body


def receive(connection):
    """One message as (type, body), or None at the end."""
    data = b""
    while len(data) < 19 or len(data) < struct.unpack("!H", data[16:18])[0]:
        wanted = 19 if len(data) < 19 else struct.unpack("!H", data[16:18])[0]
        try:
            more = connection.recv(wanted - len(data))
        except (ConnectionError, OSError):
            return None
        if not more:
            return None
        data += more
    return data[18], data[19:]


def establish(address, asn, two_octets=False):
    capabilities = b"\x01\x04\0\x01\0\x01" + b"\x01\x04\0\x02\0\x01"
    capabilities += b"" if two_octets else b"\x41\x04" + struct.pack("!I", asn)
    parameters = struct.pack("!BB", 2, len(capabilities)) + capabilities
    hello = struct.pack("!BHH4sB", 4, asn, 90, socket.inet_aton(address), len(parameters)) + parameters
    end = time.time() + SOON
    while time.time() < end:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        connection.settimeout(SOON)
        try:
            connection.bind((address, 0))
            connection.connect((router, 179))
            connection.sendall(message(OPEN, hello))
            kinds = set()
            while KEEPALIVE not in kinds:
                got = receive(connection)
                if got is None or got[0] == NOTIFICATION:
                    raise ConnectionError
                kinds.add(got[0])
                if got[0] == OPEN:
                    connection.sendall(message(KEEPALIVE))
            return connection
        except OSError:
            connection.close()
            time.sleep(0.05)
    sys.exit(f"no session from {address}")


def routes(octets, ipv6=False):
    while octets:
        length, size = octets[0], (octets[0] + 7) // 8
        whole = octets[1 : 1 + size].ljust(16 if ipv6 else 4, b"\0")
        yield f"{socket.inet_ntop(socket.AF_INET6 if ipv6 else socket.AF_INET, whole)}/{length}"
        octets = octets[1 + size :]


class Observer:
    """What another neighbor of the router knows: the attributes of each route."""

    def __init__(self):
        self.known, self.changed, self.lost = {}, threading.Condition(), False
        self.connection = establish(observer, OBSERVER_AS)
        self.connection.settimeout(None)
        threading.Thread(target=self.listen, daemon=True).start()
        threading.Thread(target=self.live, daemon=True).start()

    def live(self):
        while not self.lost:
            self.connection.sendall(message(KEEPALIVE))
            time.sleep(10)

    def listen(self):
        while (got := receive(self.connection)) is not None:
            if got[0] == UPDATE:
                with self.changed:
                    self.take(got[1])
                    self.changed.notify_all()
        self.lost = True

    def take(self, body):
        withdrawn = struct.unpack("!H", body[:2])[0]
        length = struct.unpack("!H", body[2 + withdrawn : 4 + withdrawn])[0]
        octets, attributes = body[4 + withdrawn : 4 + withdrawn + length], {}
        while octets:
            flags, code = octets[0], octets[1]
            head = 4 if flags & 0x10 else 3
            size = struct.unpack("!H", octets[2:4])[0] if flags & 0x10 else octets[2]
            attributes[code] = (flags, octets[head : head + size])
            octets = octets[head + size :]
        gone = list(routes(body[2 : 2 + withdrawn]))
        come = list(routes(body[4 + withdrawn + length :]))
        if 15 in attributes:
            gone += routes(attributes[15][1][3:], attributes[15][1][:2] == b"\0\2")
        if 14 in attributes:
            value = attributes[14][1]
            come += routes(value[5 + value[3] :], value[:2] == b"\0\2")
        for prefix in gone:
            self.known.pop(prefix, None)
        for prefix in come:
            self.known[prefix] = attributes

    def wait(self, what, condition):
        with self.changed:
            if not self.changed.wait_for(lambda: self.lost or condition(), SOON):
                sys.exit(f"the observer waits in vain: {what}; knows {sorted(self.known)}")
        if self.lost:
            sys.exit(f"the observer lost its session: {what}")

    def marked(self, number):
        heard = self.known.get(SENTINEL, {}).get(8, (0, b""))[1]
        return heard == struct.pack("!HH", 65000, number)


def attributes_of(who, changes=()):
    path = "400204 0201 fde8" if who == "old" else "400206 0201 0000fde8"
    known = collections.OrderedDict({"1": "400101 00", "2": path, "3": "400304 c0000201"})
    for code, octets in changes:
        known[code] = "" if octets == "-" else octets
    return bytes.fromhex("".join(known.values()))


def update(attributes, nlri):
    return struct.pack("!HH", 0, len(attributes)) + attributes + nlri


def body_of(who, how):
    changes = [tuple(part.strip() for part in change.split(":", 1)) for change in how.split(";") if change.strip()]
    if changes and changes[0][0] == "body":
        return bytes.fromhex(changes[0][1])
    return update(attributes_of(who, changes), b"\x18\xc6\x33\x64")


def listed(body):
    """The attributes of a message, as far as they can be read: type and value."""
    withdrawn = struct.unpack("!H", body[:2])[0]
    length = struct.unpack("!H", body[2 + withdrawn : 4 + withdrawn])[0]
    octets = body[4 + withdrawn : 4 + withdrawn + length]
    while len(octets) > 3 or len(octets) == 3 and not octets[0] & 0x10:
        head = 4 if octets[0] & 0x10 else 3
        size = struct.unpack("!H", octets[2:4])[0] if head == 4 else octets[2]
        yield octets[1], octets[head : head + size]
        octets = octets[head + size :]


def classic_routes(body):
    withdrawn = struct.unpack("!H", body[:2])[0]
    return body[4 + withdrawn + struct.unpack("!H", body[2 + withdrawn : 4 + withdrawn])[0] :]


def verdict(watcher, who, expected, body, number):
    """Empty where everything is as expected, else what is not."""
    connection = establish(inside if who == "internal" else outside, AS[who], who == "old")
    answers = []

    def listen():
        while (got := receive(connection)) is not None:
            if got[0] == NOTIFICATION:
                answers.append(f"reset {got[1][0]} {got[1][1]}")
                break
        with watcher.changed:
            answers.append("end")
            watcher.changed.notify_all()

    threading.Thread(target=listen, daemon=True).start()
    good = attributes_of(who)
    connection.sendall(message(UPDATE, update(good, b"\x18\xc6\x33\x64" + b"\x18\xcb\x00\x71")))
    watcher.wait("the sound routes", lambda: TARGET in watcher.known and WITNESS in watcher.known)
    connection.sendall(message(UPDATE, body))
    # What is told of the message has been told when two more changes have been, one after the other.
    for mark in (2 * number, 2 * number + 1):
        if not answers:
            community = b"\xc0\x08\x04" + struct.pack("!HH", 65000, mark)
            try:
                connection.sendall(message(UPDATE, update(good + community, b"\x18\x64\x40\x00")))
            except OSError:
                pass
            watcher.wait(f"mark {mark}", lambda: answers or watcher.marked(mark))
    wrong = judge(watcher, expected.split(), body, [answer for answer in answers if answer != "end"])
    end(connection)
    watcher.wait("the end of the sender", lambda: not {TARGET, WITNESS, SENTINEL, SIXTH} & set(watcher.known))
    return wrong


def end(connection):
    """Closes although another thread reads."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    connection.close()


def judge(watcher, expected, body, answers):
    kind, *numbers = expected
    if kind == "reset":
        return "" if answers == [" ".join(expected)] else f"{answers}"
    if answers:
        return f"{answers}"
    known = watcher.known
    if WITNESS not in known:
        return "another route of the session is gone"
    code = int(numbers[0]) if numbers else None
    if kind == "withdraw":
        hit = TARGET if classic_routes(body) else SIXTH
        return f"{hit} is still there" if hit in known else ""
    if TARGET not in known:
        return "the route is gone"
    heard = known[TARGET]
    # Of an attribute that came twice, the first one counts.
    twice = [known for known, _ in listed(body)].count(code) > 1
    if kind == "discard" and code in heard and not twice:
        return f"attribute {code} was passed on"
    if kind == "accept" and b"\xc0\xff\x02" in body and heard.get(255) != (0xE0, b"\x01\x02"):
        return f"the unknown attribute was not passed on with Partial: {heard.get(255)}"
    return ""


def cases():
    for line in open(table, encoding="utf-8"):
        if line.strip() and not line.startswith("#"):
            peers, expected, sentence, how = (column.strip() for column in line.split("|", 3))
            for who in ("external", "internal") if peers == "both" else (peers,):
                yield who, expected, sentence, body_of(who, how)


watcher, count = Observer(), 0
for number, (who, expected, sentence, body) in enumerate(cases(), 1):
    wrong = verdict(watcher, who, expected, body, number)
    count += 1
    if wrong:
        print(f"{sentence} ({who}): expected {expected}, but {wrong}", flush=True)
print(f"done {count}", flush=True)
