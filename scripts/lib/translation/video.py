"""Videos frame by frame, by PyAV: same size and times, sound as it was."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from models import Translator
from util.errors import InputError
from util.files import replacing

CONTAINERS = {
    ".mp4": ("mp4", "libx264"),
    ".m4v": ("mp4", "libx264"),
    ".mov": ("mov", "libx264"),
    ".mkv": ("matroska", "libx264"),
    ".avi": ("avi", "libx264"),
    ".webm": ("webm", "libvpx-vp9"),
}
QUALITY = {
    "libx264": {"crf": "17"},
    "libvpx-vp9": {"crf": "20", "b": "0", "cpu-used": "4", "row-mt": "1"},
}
BT709, LIMITED = 1, 1  # as FFmpeg numbers the matrix, the primaries, the curve; and the range


def translate_video(t: Translator, source: Path, target: Path) -> int:
    """Translates the first video stream and copies the sound; returns the number of frames.

    Raises: InputError when PyAV is missing, or the video cannot be read or written.
    """
    av = _pyav()
    try:
        with av.open(str(source)) as reader:
            if not reader.streams.video:
                raise InputError(f"{source} has no pictures in it")
            with replacing(target) as file:
                kind, codec = CONTAINERS[target.suffix.lower()]
                with av.open(file, "w", format=kind) as writer:
                    return _translate(av, t, source, reader, writer, codec)
    except (av.error.FFmpegError, StopIteration) as error:
        raise InputError(f"{source} cannot be translated as a video: {error}") from None


def _pyav() -> Any:
    try:
        import av
    except ImportError:
        raise InputError("videos are read and written by PyAV: pip install av") from None
    return av


def _translate(av: Any, t: Translator, source: Path, reader: Any, writer: Any, codec: str) -> int:
    video = reader.streams.video[0]
    video.thread_type = "AUTO"
    shown, turns = _look(av, source)
    out = writer.add_stream(
        codec, rate=video.average_rate or video.guessed_rate, options=QUALITY[codec]
    )
    out.height, out.width = shown
    even = shown[0] % 2 == 0 and shown[1] % 2 == 0
    # yuv420p halves colour, and cannot halve odd sides.
    out.pix_fmt = "yuv420p" if even else "yuv444p"
    context = out.codec_context
    context.time_base = video.time_base
    context.colorspace = context.color_primaries = context.color_trc = BT709
    context.color_range = LIMITED
    sounds = _sounds(reader, writer)
    times: deque[tuple[Any, Any]] = deque()

    def frames() -> Iterator[np.ndarray]:
        """Pictures, turned as they are shown; sound goes past them into the new file."""
        for packet in reader.demux(video, *sounds):
            if packet.stream in sounds:
                if packet.dts is not None:  # not the empty one at the end
                    packet.stream = sounds[packet.stream]
                    writer.mux(packet)
                continue
            for frame in packet.decode():
                times.append((frame.pts, frame.time_base))
                size = shown if turns % 2 == 0 else shown[::-1]
                picture = frame.to_ndarray(format="rgb24", height=size[0], width=size[1])
                yield np.rot90(picture, turns)

    count = 0
    for result in tqdm(
        t.stream(frames()), total=video.frames or None, unit="frame", leave=False, disable=None
    ):
        colours = np.broadcast_to(np.atleast_3d(result), (*shown, 3))
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(colours), format="rgb24")
        frame = frame.reformat(format=out.pix_fmt, dst_colorspace="ITU709")
        frame.pts, frame.time_base = times.popleft()
        writer.mux(out.encode(frame))
        count += 1
    writer.mux(out.encode())
    return count


def _look(av: Any, source: Path) -> tuple[tuple[int, int], int]:
    """Returns height and width as a player shows them, and by how many quarters, counter-clockwise, it turns the pictures."""
    with av.open(str(source)) as reader:
        frame = next(reader.decode(video=0))
    turns = round(frame.rotation / 90) % 4
    size = frame.height, frame.width
    return (size if turns % 2 == 0 else size[::-1]), turns


def _sounds(reader: Any, writer: Any) -> dict[Any, Any]:
    """Streams of sound -> their copies in the new file, where it can hold them."""
    copies = {}
    for sound in reader.streams.audio:
        try:
            copies[sound] = writer.add_stream_from_template(sound)
        except ValueError:
            print(
                f"note: {writer.format.name} cannot hold {sound.codec_context.name}: the sound is left out"
            )
    return copies
