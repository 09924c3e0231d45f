"""Types the lines of standard input into an interactive program, each at its prompt, and shows what a person sees.

Usage: type.py PROGRAM [ARGUMENT...] < lines
The program gets a terminal of its own without any editing (TERM=dumb), so that its output is plain text. After the
last line the terminal is closed as by ^D. A prompt that does not come within thirty seconds is a failure.
"""

import errno
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

PROMPT = re.compile(rb"[\w.-]+@[\w.-]+(:~\$|#) $")
PATIENCE = 30
lines = sys.stdin.read().splitlines()
pace = 0.02 if sys.stdout.isatty() else 0

child, terminal = pty.fork()
if child == 0:
    os.environ["TERM"] = "dumb"
    os.execvp(sys.argv[1], sys.argv[1:])
# High enough that nothing is paged, wide enough that nothing is folded.
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 500, 160, 0, 0))


def read(deadline):
    """What the program writes next; empty at its end."""
    ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
    if not ready:
        os.kill(child, 9)
        sys.exit("type.py: the prompt did not come")
    try:
        data = os.read(terminal, 65536)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        data = b""
    return data


def show(data):
    sys.stdout.buffer.write(data.replace(b"\r\n", b"\n"))
    sys.stdout.buffer.flush()


def prompt(last=False):
    """Shows everything up to the next prompt; the last one is nobody's, so it is not shown."""
    seen, deadline = b"", time.monotonic() + PATIENCE
    while not PROMPT.search(seen):
        data = read(deadline)
        if not data:
            sys.exit("type.py: the program has ended")
        seen += data
        if not last:
            show(data)
    if last:
        show(PROMPT.sub(b"", seen))


for line in lines:
    prompt()
    for character in line:
        os.write(terminal, character.encode())
        time.sleep(pace)
    os.write(terminal, b"\n")
prompt(last=True)
os.write(terminal, b"\x04")
deadline = time.monotonic() + PATIENCE
while read(deadline):
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
