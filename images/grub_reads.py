"""Has GRUB for BIOS read 64 sectors of a disk with one call of the firmware, not with two.

    grub_reads.py BIOSDISK_MOD OUT    BIOSDISK_MOD: grub's own module for i386-pc; OUT: the same with longer reads

GRUB 2.06 keeps pieces of 64 sectors, and reads none across the end of a track of 63, which no disk has had for decades: each piece
takes two calls, and most of a start with BIOS is spent in them. A disk that is read by the number of a sector (LBA) gets tracks of 64
here. One that is not keeps its own. A read by number that fails is an error from then on, and is not tried by cylinder and
head, which would be counted with the wrong tracks. A file that is not the expected one ends this with 1, and nothing is written.
"""

import sys

CHANGES = [
    # if (data->sectors == 0) data->sectors = 63; becomes if (data->flags & LBA) data->sectors = 64; (grub_biosdisk_open)
    ("837b0c007507c7430c3f000000", "f64310017407c7430c40000000"),
    # data->flags &= ~LBA and the way to cylinders becomes the way to the error (grub_biosdisk_rw).
    ("836310fe8b43040faf43080faf430c", "eb1a90908b43040faf43080faf430c"),
]


def main(module, out):
    with open(module, "rb") as file:
        octets = file.read()
    for old, new in CHANGES:
        old, new = bytes.fromhex(old), bytes.fromhex(new)
        if octets.count(old) != 1:
            sys.exit("grub_reads: GRUB reads disks in another way than that of 2.06")
        octets = octets.replace(old, new)
    with open(out, "wb") as file:
        file.write(octets)


if __name__ == "__main__":
    main(*sys.argv[1:])
