"""Checks inclusion proofs without Tillroll: python3 check.py proofs/*.tlog-proof

For each file: the record in it leads to the root of the checkpoint in it, and that checkpoint is
the one beside this script. The signature of the checkpoint is for openssl: see README.md.
"""

import base64
import hashlib
import pathlib
import sys


def sha256(data):
    return hashlib.sha256(data).digest()


def decode(text):
    return base64.b64decode(text, validate=True)


def root_of(record, index, size, path):
    """The root that a record leads to, as leaf `index` (from 0) of a tree of `size` leaves."""
    if not 0 <= index < size:
        raise ValueError("the tree has no such leaf")
    node, last = sha256(b"\0" + record), size - 1
    for other in path:
        if last == 0:
            raise ValueError("too many hashes")
        if index % 2 == 1 or index == last:
            node = sha256(b"\1" + other + node)
            # A node at the right edge without a sibling goes up as it is.
            while index % 2 == 0 and index > 0:
                index, last = index // 2, last // 2
        else:
            node = sha256(b"\1" + node + other)
        index, last = index // 2, last // 2
    if last != 0:
        raise ValueError("too few hashes")
    return node


def check(text, checkpoint):
    head, _, note = text.partition("\n\n")
    kind, extra, index, *path = head.split("\n")
    if kind != "c2sp.org/tlog-proof@v1":
        raise ValueError("no inclusion proof")
    if note != checkpoint:
        raise ValueError("another checkpoint than checkpoint.note")
    _, size, root = note.split("\n")[:3]
    record = decode(extra.removeprefix("extra "))
    found = root_of(record, int(index.removeprefix("index ")), int(size), map(decode, path))
    if found != decode(root):
        raise ValueError("the record does not lead to the root")
    return len(record), int(index.removeprefix("index ")) + 1


def main(names):
    checkpoint = pathlib.Path(__file__).with_name("checkpoint.note").read_text("utf-8")
    wrong = 0
    for name in names:
        try:
            length, position = check(pathlib.Path(name).read_text("utf-8"), checkpoint)
            print(f"{name}: ok, {length} bytes at position {position}")
        except ValueError as error:
            wrong += 1
            print(f"{name}: WRONG, {error}")
    return 1 if wrong or not names else 0


sys.exit(main(sys.argv[1:]))
