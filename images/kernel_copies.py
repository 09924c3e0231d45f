"""Has what unpacks the kernel copy and fill memory by 32 octets a turn.

    kernel_copies.py STRING_C         STRING_C: arch/x86/boot/compressed/string.c of Linux 6.1, changed in place

Some 61 MB of a kernel are moved to their place once they are unpacked, and 26 MB of them are zeros that are written before.
String instructions do that eight octets at a time, and a loop one octet; both are dear where a processor is emulated, and the
second one everywhere. No register beyond the general ones is used, because nothing has made others ready. What is copied to a lower
place that overlaps is right, as before: what a turn reads is read before it writes. A file that is not the expected one ends
this with 1, and nothing is written.
"""

import sys

CHANGES = [
    (
        """\
	long d0, d1, d2;
	asm volatile(
		"rep ; movsq\\n\\t"
		"movq %4,%%rcx\\n\\t"
		"rep ; movsb\\n\\t"
		: "=&c" (d0), "=&D" (d1), "=&S" (d2)
		: "0" (n >> 3), "g" (n & 7), "1" (dest), "2" (src)
		: "memory");
""",
        """\
	unsigned long *to = dest, a, b, c, d;
	const unsigned long *from = src;
	unsigned char *to_rest;
	const unsigned char *rest;

	for (; n >= 32; n -= 32, from += 4, to += 4) {
		a = from[0], b = from[1], c = from[2], d = from[3];
		to[0] = a, to[1] = b, to[2] = c, to[3] = d;
		barrier();
	}
	to_rest = (void *)to;
	for (rest = (void *)from; n > 0; n--) {
		*to_rest++ = *rest++;
		barrier();
	}
""",
    ),
    (
        """\
	int i;
	char *ss = s;

	for (i = 0; i < n; i++)
		ss[i] = c;
""",
        """\
	unsigned long *to = s, word = 0x0101010101010101UL * (unsigned char)c;
	unsigned char *to_rest;

	for (; n >= 32; n -= 32, to += 4) {
		to[0] = word, to[1] = word, to[2] = word, to[3] = word;
		barrier();
	}
	for (to_rest = (void *)to; n > 0; n--) {
		*to_rest++ = c;
		barrier();
	}
""",
    ),
]


def main(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for old, new in CHANGES:
        if text.count(old) != 1:
            sys.exit("kernel_copies: it is another file than that of Linux 6.1")
        text = text.replace(old, new)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
