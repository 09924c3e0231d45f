"""A collector that writes down all that it is told: collector.py PORT FILE.

It never reads the octets; the test does.
"""

import socket
import sys

port, name = int(sys.argv[1]), sys.argv[2]
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("", port))
listener.listen()
while True:
    connection, _ = listener.accept()
    with connection, open(name, "ab", buffering=0) as told:
        while octets := connection.recv(65536):
            told.write(octets)
