"""Types the lines of standard input at a serial console, each at its prompt, and shows what a person sees.

Usage: serial.py SOCKET [--login NAME PASSWORD] < lines
       serial.py SOCKET --attach       the console is the terminal's until ^]
The console is a socket of QEMU, and stays open for the next call. Signs that move the cursor and set colours are carried out
on the line and not shown. A prompt that does not come within three minutes is a failure.
"""

import os
import re
import select
import socket
import sys
import termios
import time
import tty

PROMPT = re.compile(r"^[\w.-]+@[\w.-]+(:~\$|#) $")
SIGN = re.compile(rb"(\x1b(?:\[[\d;?]*|\][^\x07]*)?\Z)|\x1b(?:\[([\d;?]*)([@-~])|\][^\x07]*\x07|[^\[\]])|(.)", re.S)
PATIENCE = 180


class Console:
    """What stands on the line of the cursor, and the lines above it."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.line, self.at, self.rest = [], 0, b""

    def text(self):
        return "".join(self.line)

    def take(self, octets):
        """Carries out what came; yields each line that has ended."""
        octets, self.rest = self.rest + octets, b""
        for found in SIGN.finditer(octets):
            rest, numbers, verb, sign = found.groups()
            if rest is not None:
                self.rest = rest
            elif verb is not None:
                self.move(numbers, verb)
            elif sign == b"\n":
                yield self.text().rstrip()
                self.line, self.at = [], 0
            elif sign == b"\r":
                self.at = 0
            elif sign == b"\b":
                self.at = max(0, self.at - 1)
            elif sign is not None and sign >= b" ":
                self.line[self.at : self.at + 1] = sign.decode("latin-1")
                self.at += 1

    def move(self, numbers, verb):
        count = int(re.sub(rb"\D.*", b"", numbers) or 1)
        if verb == b"K":
            del self.line[self.at :]
        elif verb == b"J":
            self.line, self.at = [], 0
        elif verb == b"C":
            self.at += count
            self.line.extend(" " * (self.at - len(self.line)))
        elif verb == b"D":
            self.at = max(0, self.at - count)

    def until(self, wanted, show, behind=0):
        """Reads until the line of the cursor is as wanted, behind so many others; shows those."""
        end = time.monotonic() + PATIENCE
        while behind > 0 or not wanted(self.text()):
            ready, _, _ = select.select([self.socket], [], [], max(0, end - time.monotonic()))
            octets = self.socket.recv(65536) if ready else b""
            if not octets:
                sys.exit(f"serial.py: the prompt did not come; the line is {self.text()!r}")
            for line in self.take(octets):
                behind -= 1
                if show:
                    print(line, flush=True)

    def enter(self, line):
        self.socket.sendall(line.encode() + b"\r")


def is_prompt(line):
    return bool(PROMPT.match(line))


def attach(console):
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        console.enter("")
        while True:
            ready, _, _ = select.select([0, console.socket], [], [])
            typed = os.read(0, 4096) if 0 in ready else b""
            said = console.socket.recv(65536) if console.socket in ready else b""
            if b"\x1d" in typed or (console.socket in ready and not said):
                return
            console.socket.sendall(typed)
            os.write(1, said)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


def main():
    console = Console(sys.argv[1])
    if sys.argv[2:] == ["--attach"]:
        return attach(console)
    if sys.argv[2:3] == ["--login"]:
        for question, answer in [("login: ", sys.argv[3]), ("assword: ", sys.argv[4])]:
            console.until(lambda line: line.endswith(question), show=True)
            console.enter(answer)
        console.until(is_prompt, show=True, behind=1)
    else:
        # The prompt of the last call is gone; this brings another.
        console.enter("")
        console.until(is_prompt, show=False, behind=1)
    for line in sys.stdin.read().splitlines():
        console.enter(line)
        # The echo ends the prompt's own line; the next prompt may look the same.
        console.until(is_prompt, show=True, behind=1)


main()
