"""Makes a disk start with BIOS: GRUB's first sector and its core, as grub-install would write them, on a plain file.

    bios_boot.py DISK CORE BOOT START     START: the first sector of the partition for the core

Never touches the partition table: of the first sector only the 440 octets of code are written.
"""

import struct
import sys

SECTOR = 512
# Where the code of the first sector has the number of the core's first sector, and the jump that only floppies need
# (grub-core/boot/i386/pc/boot.S).
KERNEL_SECTOR = 0x5C
FLOPPY_JUMP = 0x66
CODE = 440
# Where the core is loaded to, and the last entry of its first sector's list of blocks (diskboot.S).
SEGMENT = 0x820
BLOCK_LIST = SECTOR - 12


def main(disk, core, boot, start):
    start = int(start)
    with open(core, "rb") as file:
        core = bytearray(file.read())
    core.extend(bytes(-len(core) % SECTOR))
    sectors = len(core) // SECTOR
    struct.pack_into("<QHH", core, BLOCK_LIST, start + 1, sectors - 1, SEGMENT)
    with open(boot, "rb") as file:
        code = bytearray(file.read(CODE))
    struct.pack_into("<Q", code, KERNEL_SECTOR, start)
    code[FLOPPY_JUMP : FLOPPY_JUMP + 2] = b"\x90\x90"
    with open(disk, "r+b") as file:
        file.write(code)
        file.seek(start * SECTOR)
        file.write(core)


if __name__ == "__main__":
    main(*sys.argv[1:])
