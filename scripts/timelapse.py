"""Makes an animation of a run's fixed examples, from its first epoch to its last: for talks and READMEs.

python scripts/timelapse.py NAME                    timelapse.webp in the run's folder
python scripts/timelapse.py NAME --out run.gif      or .mp4 (pip install av)
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from options.base_options import at_least
from util.errors import InputError, run_command
from util.files import make_folder, replacing
from util.logs.example_files import examples_on_disk, read_examples
from util.script_parser import script_parser

HEAD, GAP = 40, 4  # pixels
LAST = 2.0  # seconds that the last epoch stays
PAPER, INK, BAR, DONE = "#ffffff", "#1b2430", "#dde1e7", "#0b62c4"


def main(argv: Sequence[str]) -> int:
    """Writes the file; returns the exit status."""
    parser = build_parser()
    options = parser.parse_args(argv)
    try:
        at_least(1, 60, fps=options.fps)
        at_least(16, 1024, width=options.width)
        chosen = parse_numbers(options.examples)
    except ValueError as error:
        parser.error(str(error))
    folder = options.checkpoints_dir / options.name
    out = options.out or folder / "timelapse.webp"
    if out.suffix not in WRITERS:
        parser.error(f"--out {out} must end in {', '.join(WRITERS)}")
    epochs = list(examples_on_disk(folder / "web"))
    if not epochs:
        raise InputError(
            f"{folder / 'web/examples'} has no examples: train.py writes them unless it has --examples 0 or --no_html"
        )
    make_folder(out.parent)
    frames = draw_frames(folder / "web", options.name, epochs, options.width, chosen)
    with replacing(out) as file:
        WRITERS[out.suffix](file, frames, options.fps)
    print(f"{len(epochs)} epochs: {out}")
    return 0


def build_parser() -> argparse.ArgumentParser:
    parser = script_parser(__doc__)
    parser.add_argument("name", metavar="NAME", help="name of a run")
    parser.add_argument("--checkpoints_dir", type=Path, default=Path("checkpoints"), help="folder of all runs")  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="FILE", help=".webp, .gif or .mp4 (default: timelapse.webp in the run's folder)")  # fmt: skip
    parser.add_argument("--fps", type=float, default=4.0, help="epochs a second")
    parser.add_argument("--width", type=int, default=128, help="of an image, in pixels")
    parser.add_argument("--examples", default="", metavar="1,3", help="which examples, by number (default: all)")  # fmt: skip
    return parser


def parse_numbers(text: str) -> list[int]:
    """Reads numbers with commas, from 1. Raises: ValueError."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not all(word.isdecimal() and int(word) for word in words):
        raise ValueError(f"--examples {text} must be numbers from 1, with commas")
    return [int(word) for word in words]


def draw_frames(
    web: Path, name: str, epochs: Sequence[int], width: int, chosen: Sequence[int]
) -> Iterator[Image.Image]:
    """Yields a frame for each epoch: a row for each label, a column for each example; all of one size.

    Raises: InputError when no example has a chosen number.
    """
    size = None
    for epoch in epochs:
        found = read_examples(web, epoch)
        kept = [found[n - 1] for n in chosen if n <= len(found)] if chosen else found
        if not kept:
            raise InputError(f"there are {len(found)} examples, none of them chosen by --examples")
        frame = draw_frame(
            f"{name} · epoch {epoch} of {epochs[-1]}", epoch / epochs[-1], kept, width
        )
        size = size or frame.size
        yield frame if frame.size == size else frame.resize(size)


def draw_frame(
    title: str, share: float, examples: Sequence[dict[str, np.ndarray]], width: int
) -> Image.Image:
    """Draws one epoch. share: of the run that is done, from 0 to 1."""
    labels = list(examples[0])
    tallest = max(image.shape[0] / image.shape[1] for one in examples for image in one.values())
    height, font = round(tallest * width), ImageFont.load_default(14)
    left = GAP + round(max(font.getlength(label) for label in labels)) + 2 * GAP
    total = left + len(examples) * (width + GAP), HEAD + len(labels) * (height + GAP)
    frame = Image.new("RGB", (total[0] + total[0] % 2, total[1] + total[1] % 2), PAPER)
    pen = ImageDraw.Draw(frame)
    pen.text((2 * GAP, 8), title, INK, ImageFont.load_default(17))
    pen.rectangle((2 * GAP, HEAD - 8, total[0] - 2 * GAP, HEAD - 6), BAR)
    pen.rectangle((2 * GAP, HEAD - 8, 2 * GAP + share * (total[0] - 4 * GAP), HEAD - 6), DONE)
    for row, label in enumerate(labels):
        top = HEAD + row * (height + GAP)
        pen.text((2 * GAP, top + height / 2), label, INK, font, anchor="lm")
        for column, each in enumerate(examples):
            picture = Image.fromarray(each[label])
            crisp = 2 * picture.width <= width
            how = Image.Resampling.NEAREST if crisp else Image.Resampling.LANCZOS
            own = width, round(width * picture.height / picture.width)
            frame.paste(picture.resize(own, how), (left + column * (width + GAP), top))
    return frame


def write_animation(kind: str, file: IO[bytes], frames: Iterator[Image.Image], fps: float) -> None:
    """Writes a WebP or GIF that starts over at its end."""
    every = list(frames)
    times = [round(1000 / fps)] * (len(every) - 1) + [round(1000 * LAST)]
    settings = {"quality": 85, "method": 4} if kind == "WEBP" else {"optimize": True}
    every[0].save(
        file, kind, save_all=True, append_images=every[1:], duration=times, loop=0, **settings
    )


def write_webp(file: IO[bytes], frames: Iterator[Image.Image], fps: float) -> None:
    write_animation("WEBP", file, frames, fps)


def write_gif(file: IO[bytes], frames: Iterator[Image.Image], fps: float) -> None:
    write_animation("GIF", file, frames, fps)


def write_mp4(file: IO[bytes], frames: Iterator[Image.Image], fps: float) -> None:
    """Raises: InputError when PyAV is missing."""
    try:
        import av
    except ImportError:
        raise InputError("an .mp4 is written by PyAV: pip install av; or use .webp") from None
    rate = round(fps)
    with av.open(file, "w", format="mp4") as writer:
        stream = writer.add_stream("libx264", rate=rate, options={"crf": "18"})
        stream.pix_fmt = "yuv420p"
        every = list(frames)
        stream.width, stream.height = every[0].size
        for frame in [*every, *every[-1:] * round(LAST * rate)]:
            writer.mux(stream.encode(av.VideoFrame.from_image(frame)))
        writer.mux(stream.encode())


WRITERS = {".webp": write_webp, ".gif": write_gif, ".mp4": write_mp4}

if __name__ == "__main__":
    run_command(main)
