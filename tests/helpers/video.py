"""Small videos made on the spot, and what is in one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import picture

SILENT = 16000  # samples of sound a second


def frames_of(count: int = 7, height: int = 34, width: int = 48) -> list[np.ndarray]:
    return [picture(i, height, width) for i in range(count)]


def write_video(path: Path, pictures: list[np.ndarray], times: list[int] | None = None) -> None:
    """Ten frames a second, or at those tenths; with a tone."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as writer:
        video = writer.add_stream("libx264", rate=10, options={"crf": "4"})
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt = "yuv444p"
        sound = writer.add_stream("aac", rate=SILENT, layout="mono")
        for i, array in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(array, format="rgb24")
            frame.pts = times[i] if times else i
            writer.mux(video.encode(frame))
        writer.mux(video.encode())
        for k in range(8):
            tone = (np.sin(np.arange(1024) / 10) * 8000).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = SILENT, 1024 * k
            writer.mux(sound.encode(frame))
        writer.mux(sound.encode())


def turn(path: Path) -> None:
    """Makes the file say that players should turn the pictures by a quarter, as telephones do."""
    content = path.read_bytes()
    at = content.index(b"tkhd") + 44  # of the first track, the pictures: where its matrix lies
    values = (0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    matrix = b"".join(value.to_bytes(4, "big", signed=True) for value in values)
    path.write_bytes(content[:at] + matrix + content[at + 36 :])


def read_video(path: Path) -> tuple[list[np.ndarray], list[float], int]:
    """Pictures, their times in seconds, and samples of sound."""
    av = pytest.importorskip("av")
    with av.open(str(path)) as reader:
        shown = [(f.to_ndarray(format="rgb24"), float(f.time)) for f in reader.decode(video=0)]
    with av.open(str(path)) as reader:
        samples = sum(f.samples for f in reader.decode(audio=0)) if reader.streams.audio else 0
    return [picture for picture, _ in shown], [time for _, time in shown], samples
