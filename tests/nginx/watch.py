"""Watches a download from outside: how long after a server sent a byte is it recorded, and synced?

    watch.py written SERVER_PID                   prints how many bytes a server has written
    watch.py SERVER_PID WRITTEN DOWNLOAD_PID FOLDER SIZE
                                                  prints the longest delays, as two numbers
    watch.py check FOLDER ORIGINAL                compares every recorded range with the original

What was sent is what the kernel says that the server's workers wrote. What is recorded is read
from the journal, by a reader of its own: the layout is described in engine/src/journal/codec.rs.
"""

import os
import pathlib
import struct
import sys
import time

HEADER = struct.Struct("<IHBB")
MARK = 0xB5
PROVEN, SYNCED, REVOKED = 2, 3, 4
INTERVAL = 0.02
# What nginx writes before a body at most, and how much it writes between two of them at least.
HEAD_LEN = 800
REQUEST_LEN_MIN = 1 << 20


def crc32c_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = crc32c_table()


def crc32c(content):
    crc = 0xFFFFFFFF
    for byte in content:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Journal:
    """What a journal says, read anew only where it has grown."""

    def __init__(self):
        self.head, self.at = b"", 0
        self.records, self.synced = [], 0

    def read(self, path):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return
        if content[: self.at] != self.head:
            self.__init__()
        while self.at + HEADER.size <= len(content):
            crc, length, kind, mark = HEADER.unpack_from(content, self.at)
            end = self.at + HEADER.size + length
            if mark != MARK or end > len(content):
                break
            if crc32c(content[self.at + 4 : end]) != crc:
                break
            body = content[self.at + HEADER.size : end]
            if kind == PROVEN:
                self.records.append(struct.unpack_from("<QQ", body))
            elif kind == REVOKED:
                sys.exit("a revocation, where nothing is wrong")
            elif kind == SYNCED:
                (self.synced,) = struct.unpack("<Q", body)
            self.at = end
        self.head = content[: self.at]

    def ranges(self, count=None):
        """The union of the first records, in order, without overlaps."""
        union = []
        for start, end in sorted(self.records[:count]):
            if union and start <= union[-1][1]:
                union[-1][1] = max(union[-1][1], end)
            else:
                union.append([start, end])
        return union


def length(ranges):
    return sum(end - start for start, end in ranges)


def written_by(master):
    """Bytes that the workers of a server have written, to sockets as to anything."""
    total = 0
    children = pathlib.Path(f"/proc/{master}/task/{master}/children").read_text().split()
    for pid in children:
        for line in pathlib.Path(f"/proc/{pid}/io").read_text().splitlines():
            if line.startswith("wchar:"):
                total += int(line.split()[1])
    return total


def is_running(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def journal_in(folder):
    paths = list(pathlib.Path(folder).rglob("*.journal"))
    return paths[0] if paths else pathlib.Path(folder) / "none.journal"


def watch(server, at_first, download, folder, size):
    journal, samples = Journal(), []
    while is_running(download):
        sent = written_by(server) - at_first
        journal.read(journal_in(folder))
        recorded, synced = length(journal.ranges()), length(journal.ranges(journal.synced))
        samples.append((time.monotonic(), sent, recorded, synced))
        if recorded == size:
            break
        time.sleep(INTERVAL)
    print(f"{delay(samples, 2, size):.2f} {delay(samples, 3, size):.2f}")


def delay(samples, column, size):
    """The longest time from when a count was sent to when it was in the column.

    Not of the end, where a range may be sent twice to finish sooner.
    """
    longest, later = 0.0, 0
    for when, sent, *_ in samples:
        arrived = sent - HEAD_LEN * (1 + sent // REQUEST_LEN_MIN)
        if arrived > size * 0.9:
            break
        while samples[later][column] < arrived:
            later += 1
        longest = max(longest, samples[later][0] - when)
    return longest


def check(folder, original):
    path = journal_in(folder)
    journal = Journal()
    journal.read(path)
    ranges = journal.ranges()
    if not ranges:
        sys.exit("nothing is recorded")
    part = os.open(path.with_suffix(".part"), os.O_RDONLY)
    right = os.open(original, os.O_RDONLY)
    for start, end in ranges:
        while start < end:
            piece = min(end - start, 1 << 20)
            if os.pread(part, piece, start) != os.pread(right, piece, start):
                sys.exit(f"the bytes from {start} on are recorded, and wrong")
            start += piece
    print(f"{length(ranges)}")


if __name__ == "__main__":
    if sys.argv[1] == "check":
        check(*sys.argv[2:])
    elif sys.argv[1] == "written":
        print(written_by(sys.argv[2]))
    else:
        server, at_first, download, folder, size = sys.argv[1:]
        watch(int(server), int(at_first), int(download), folder, int(size))
