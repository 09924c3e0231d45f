"""Writes what the fuzz targets begin with: seeds.py FOLDER

One file for each line of hexadecimal octets in seeds/TARGET.txt, and one for each UPDATE in the table of malformed ones.
"""

import pathlib
import sys

here, folder = pathlib.Path(__file__).parent, pathlib.Path(sys.argv[1])
MALFORMED = here / "../../daemon/bgp-wire/tests/it/malformed.txt"
VALID = {"1": "400101 00", "2": "400206 0201 0000fde8", "3": "400304 c0000201"}


def write(target, seeds):
    (folder / target).mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (folder / target / f"seed-{number:03}").write_bytes(seed)


def lines(path):
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#")]


def update(how):
    changes = dict(tuple(part.strip() for part in change.split(":", 1)) for change in how.split(";") if change.strip())
    if "body" in changes:
        return bytes.fromhex(changes["body"])
    attributes = bytes.fromhex("".join((VALID | changes).values()).replace("-", ""))
    return b"\0\0" + len(attributes).to_bytes(2, "big") + attributes + bytes.fromhex("18 c63364")


updates = [update(line.split("|", 3)[3]) for line in lines(MALFORMED)]
write("update", updates)
write("message", [b"\xff" * 16 + (19 + len(body)).to_bytes(2, "big") + b"\2" + body for body in updates])
for path in sorted((here / "seeds").glob("*.txt")):
    write(path.stem, [bytes.fromhex(line.split("#")[0]) for line in lines(path)])
for path in sorted((here / "seeds").glob("*.conf")):
    write("config", [path.read_bytes()])
