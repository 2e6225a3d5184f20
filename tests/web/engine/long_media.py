"""Long and large files that cost next to nothing to make: packets over again, and holes."""

from __future__ import annotations

from pathlib import Path

import av

GIB = 1 << 30


def repeated(clip: Path, out: Path, times: int) -> Path:
    """Write a clip's packets so many times over, one after the other, without encoding anything."""
    with av.open(str(out), "w") as into:
        copied = None
        for turn in range(times):
            with av.open(str(clip)) as source:
                stream = source.streams.video[0]
                copied = copied or into.add_stream_from_template(stream)
                length = stream.duration or 0
                for packet in source.demux(stream):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + turn * length, packet.dts + turn * length
                    packet.stream = copied
                    into.mux(packet)
    return out


def huge(clip: Path, out: Path, gibibytes: int = 4) -> Path:
    """Write a copy of an MP4 with a box of nothing at its end, so that it is that long: a hole that takes no room.

    Source: ISO/IEC 14496-12, 4.2 (a size of 1: the length follows in 8 bytes) and 8.1.2 (free space).
    """
    out.write_bytes(clip.read_bytes())
    rest = gibibytes * GIB - out.stat().st_size
    with out.open("ab") as file:
        file.write((1).to_bytes(4, "big") + b"free" + rest.to_bytes(8, "big"))
        file.truncate(gibibytes * GIB)
    return out
