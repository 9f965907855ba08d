"""Chinese characters drawn in two typefaces."""

import io
from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont, features

from sources.items import Item, Pictures
from util.errors import InputError

SUPERSAMPLING = 4  # drawn this much larger, then averaged down: smoother than FreeType's own edges
EM = 0.88  # height of the em square in picture heights; the widest brush strokes still fit


def require_freetype() -> None:
    if not features.check("freetype2"):
        raise InputError(
            "This Pillow was built without FreeType, which draws the characters. "
            "Run 'pip install --force-reinstall pillow' for the usual build."
        )


def common_characters() -> list[str]:
    """The 3,755 most used simplified characters: level 1 of the standard GB 2312."""
    codes = [bytes((row, cell)) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF)]
    return [code.decode("gb2312") for code in codes if code < b"\xd7\xfa"]


def draw_glyph(font: ImageFont.FreeTypeFont, character: str, size: int) -> Image.Image:
    """RGB of size x size, black on white, the ink's box in the middle.

    Args:
        font: set at SUPERSAMPLING times the height wanted.
    """
    side = size * SUPERSAMPLING
    picture = Image.new("L", (side, side), 255)
    left, top, right, bottom = font.getbbox(character)
    corner = ((side - left - right) // 2, (side - top - bottom) // 2)
    ImageDraw.Draw(picture).text(corner, character, font=font, fill=0)
    return picture.reduce(SUPERSAMPLING).convert("RGB")


def glyph_font(ttf: bytes, size: int) -> ImageFont.FreeTypeFont:
    # BASIC layout: Raqm is not in every build of Pillow, and single characters need no shaping.
    height = int(size * SUPERSAMPLING * EM)
    return ImageFont.truetype(io.BytesIO(ttf), height, layout_engine=ImageFont.Layout.BASIC)


def song2brush(files: Sequence[Mapping[str, bytes]], size: int) -> Pictures:
    """A: a serif (Song) typeface. B: a brush typeface."""
    song, brush = files
    fonts = [
        glyph_font(song["package/400Regular/ZCOOLXiaoWei_400Regular.ttf"], size),
        glyph_font(brush["package/400Regular/MaShanZheng_400Regular.ttf"], size),
    ]
    items = {
        Item(f"u{ord(character):04x}", character): character for character in common_characters()
    }
    licences = [members["package/LICENSE_FONT"].decode() for members in files]
    licence = "\n\n".join(["Pictures of characters, drawn with two fonts.", *licences])

    def draw(item: Item) -> tuple[Image.Image, Image.Image]:
        A, B = (draw_glyph(font, items[item], size) for font in fonts)
        return A, B

    return Pictures(list(items), draw, licence)
