"""Fluent emoji, drawn flat (SVG) and in 3D (rendered pictures)."""

import importlib
import io
import json
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, features
from tqdm import tqdm

from sources.items import Item, Pictures, join_alike
from util.errors import InputError

SKIN_TONES = {"1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff"}
WHO = {
    *("man", "men", "mans", "woman", "women", "womans", "person", "people"),
    *("old", "older", "facing", "right"),
}
# Words of series whose members differ in a colour or a hand of the clock: one group each.
SERIES = (
    *("heart", "oclock", "thirty", "moon", "arrow", "arrows", "button", "circle", "square"),
    *("diamond", "book", "banknote", "globe", "mailbox", "speaker", "exclamation", "question"),
)
COMPARED_AT = 64  # pixels; the same whatever --size is, so that splits are too

LICENCE = """\
Fluent Emoji, Copyright (c) Microsoft Corporation, from the npm packages
@iconify-json/fluent-emoji-flat 1.2.6 and @lobehub/fluent-emoji-3d 1.1.0 (both MIT).

MIT License

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or
substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT
OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def require_renderers() -> None:
    try:
        importlib.import_module("cairosvg")
    except ImportError as error:
        raise InputError(
            f"cairosvg, which draws the flat emoji, cannot be imported ({error}). "
            "Run 'pip install cairosvg'."
        ) from error
    except OSError as error:  # what cairocffi raises when the C library is missing
        reason = str(error).splitlines()[0]
        raise InputError(
            f"cairosvg is installed, but not the cairo library it draws with ({reason}). "
            "Run 'apt-get install libcairo2', 'brew install cairo' or what your system has."
        ) from error
    if not features.check("webp"):
        raise InputError(
            "This Pillow was built without WebP, the format of the 3D emoji. "
            "Run 'pip install --force-reinstall pillow' for the usual build."
        )


def draw_svg(icon: Mapping[str, object], view: tuple[int, int], size: int) -> Image.Image:
    """RGB of size x size on white.

    Args:
        icon: "body" is the SVG without its outer element.
        view: width and height of the drawing in its own units, for icons that have none themselves.
    """
    import cairosvg

    width, height = icon.get("width", view[0]), icon.get("height", view[1])
    box = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{box}">{icon["body"]}</svg>'
    )
    png = cairosvg.svg2png(
        svg.encode(), output_width=size, output_height=size, background_color="white"
    )
    return Image.open(io.BytesIO(png)).convert("RGB")


def draw_webp(webp: bytes, size: int) -> Image.Image:
    """RGB of size x size on white."""
    picture = Image.open(io.BytesIO(webp)).convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    # On white first: resizing RGBA would let the hidden colours of clear pixels bleed in.
    return (
        Image.alpha_composite(white, picture)
        .convert("RGB")
        .resize((size, size), Image.Resampling.LANCZOS)
    )


def chosen_codes(
    characters: Mapping[str, str], categories: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Icon name -> code points ("1f468-200d-1f373") without flags, skin tones and keycaps.

    Args:
        characters: code points -> icon name.
        categories: category -> icon names.
    """
    flags = set(categories["Flags"])
    return {
        name: code
        for code, name in sorted(characters.items())
        if name not in flags
        and not name.startswith("keycap")
        and not {"20e3", *SKIN_TONES} & set(code.split("-"))
    }


def concept(name: str) -> str:
    """Names what an emoji shows, whoever does it: "man-cook", "woman-cook" and "cook" are one concept."""
    words = name.split("-")
    series = [word for word in SERIES if word in words]
    return series[0] if series else " ".join(w for w in words if w not in WHO) or "person"


def plain(code: str) -> str:
    """Without the variation selector, which one package writes and the other does not."""
    return code.replace("-fe0f", "")


def thumbnail(picture: Image.Image) -> np.ndarray:
    small = picture.resize((16, 16), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32) / 255


def fluentflat2fluent3d(files: Sequence[Mapping[str, bytes]], size: int) -> Pictures:
    """A: flat drawing. B: the same emoji in 3D."""
    flat, solid = files
    icons = json.loads(flat["package/icons.json"])
    view = icons.get("width", 16), icons.get("height", 16)
    codes = chosen_codes(
        json.loads(flat["package/chars.json"]),
        json.loads(flat["package/metadata.json"])["categories"],
    )
    webps = {
        plain(member.split("/")[-1].removesuffix(".webp")): content
        for member, content in solid.items()
    }
    # Names that are not in "icons" are aliases: mirrored copies of another icon.
    names = sorted(n for n in codes if n in icons["icons"] and plain(codes[n]) in webps)

    def draw(name: str, side: int) -> tuple[Image.Image, Image.Image]:
        webp = webps[plain(codes[name])]
        return draw_svg(icons["icons"][name], view, side), draw_webp(webp, side)

    drawn = (
        draw(name, COMPARED_AT) for name in tqdm(names, "comparing", leave=False, disable=None)
    )
    thumbnails = np.array([[thumbnail(A), thumbnail(B)] for A, B in drawn])  # (n, 2, 16, 16, 3)
    groups = join_alike([concept(n) for n in names], list(thumbnails.swapaxes(0, 1)), 0.02)
    items = [Item(name, group) for name, group in zip(names, groups, strict=True)]
    return Pictures(items, lambda item: draw(item.name, size), LICENCE)
