"""Gives a program of UEFI the date of its sources instead of that of its making, so that the same inputs give the same octets.

Usage: uki_date.py PROGRAM SECONDS

The date stands in the file's header, and a sum of the whole file in the one behind it (PE/COFF: TimeDateStamp, CheckSum).
"""

import array
import struct
import sys

DATE, SUM = 8, 88

path, seconds = sys.argv[1], int(sys.argv[2])
with open(path, "r+b") as program:
    octets = bytearray(program.read())
    header = struct.unpack_from("<I", octets, 0x3C)[0]
    struct.pack_into("<I", octets, header + DATE, seconds & 0xFFFFFFFF)
    struct.pack_into("<I", octets, header + SUM, 0)
    total = sum(array.array("H", bytes(octets) + b"\0" * (len(octets) % 2)))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    struct.pack_into("<I", octets, header + SUM, total + len(octets))
    program.seek(0)
    program.write(octets)
