"""A picture of a table: some test images, what each method makes of them, and the truth."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from scripts.lib.evaluation.report import ScoreTable
from util.files import make_folder

SHOWN = 4  # test images
SIDE = 96  # pixels
HEAD, GAP = 14, 4


def write_sheet(path: Path, table: ScoreTable) -> Path:
    """Writes a sheet: a column for the input, each method (its first seed) and the truth; rows spread over the test split."""
    _, reals, inputs = next(iter(table.files.values()))
    names = sorted(reals)
    chosen = [names[(2 * i + 1) * len(names) // (2 * SHOWN)] for i in range(SHOWN)]
    columns = {"input": inputs, **{k: fakes for k, (fakes, _, _) in table.files.items()}}
    columns["truth"] = reals
    labels = [wrap_text(label) for label in columns]
    head = HEAD * max(label.count("\n") + 1 for label in labels)
    step = SIDE + GAP
    size = (len(columns) * step + GAP, head + SHOWN * step + GAP)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for column, (label, files) in enumerate(zip(labels, columns.values(), strict=True)):
        left = GAP + column * step
        draw.text((left, 1), label, fill="black")
        for row, name in enumerate(chosen):
            with Image.open(files[name]) as image:
                # Enlarged pixels stay pixels.
                tile = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.NEAREST)
            sheet.paste(tile, (left, head + GAP + row * step))
    make_folder(path.parent)
    sheet.save(path, quality=92)
    return path


def wrap_text(label: str, width: int = 15) -> str:
    """Returns the label in lines of about so many characters."""
    lines = [""]
    for word in label.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)
