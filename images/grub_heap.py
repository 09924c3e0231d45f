"""Has GRUB for UEFI take a small heap, so that a machine with little memory has room for the kernel and its memory file.

    grub_heap.py KERNEL_IMG OUT       KERNEL_IMG: grub's own kernel for x86_64-efi, an ELF file; OUT: the same with the other limit

GRUB 2.06 keeps a quarter of all memory for itself until the kernel says that it has taken over. The kernel unpacks itself to a
place that it draws by lot (64 MiB), then looks for the memory file's 30 MiB in one piece: with 256 MiB of memory, some places
leave no such piece. GRUB's own limit (`MAX_HEAP_SIZE` of grub-core/kern/efi/mm.c) is what changes here, nothing else is
touched. A file that is not the expected one ends this with 1, and nothing is written.
"""

import struct
import sys

FUNCTION = b"grub_efi_mm_init"
SYMBOLS = 2
# mov $limit,%eax, in pages of 4 KiB: 1600 MiB become 16.
OLD = b"\xb8" + struct.pack("<I", 0x64000)
NEW = b"\xb8" + struct.pack("<I", 0x1000)


def sections(octets):
    """Each section's type, place, size, and the section that it leans on (elf(5), Elf64_Shdr)."""
    begin, size, count = struct.unpack_from("<Q", octets, 0x28)[0], *struct.unpack_from("<HH", octets, 0x3A)
    for number in range(count):
        _, kind, _, _, place, length, link = struct.unpack_from("<IIQQQQI", octets, begin + number * size)
        yield kind, place, length, link


def function(octets):
    """Where the function's code lies in the file."""
    table = list(sections(octets))
    for kind, place, length, link in table:
        if kind != SYMBOLS:
            continue
        for at in range(place, place + length, 24):
            name, _, _, section, value, size = struct.unpack_from("<IBBHQQ", octets, at)
            begin = table[link][1] + name
            if octets[begin : octets.index(b"\0", begin)] == FUNCTION:
                return table[section][1] + value, size
    sys.exit("grub_heap: GRUB has no function " + FUNCTION.decode())


def main(kernel, out):
    with open(kernel, "rb") as file:
        octets = file.read()
    if octets[:5] != b"\x7fELF\x02":
        sys.exit("grub_heap: GRUB's kernel is no ELF file")
    begin, size = function(octets)
    code = octets[begin : begin + size]
    if code.count(OLD) != 1:
        sys.exit("grub_heap: GRUB keeps memory in another way than that of 2.06")
    with open(out, "wb") as file:
        file.write(octets[:begin] + code.replace(OLD, NEW) + octets[begin + size :])


if __name__ == "__main__":
    main(*sys.argv[1:])
