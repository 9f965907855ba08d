"""Images on disk -> batches: layouts, preprocessing, order, and what cannot be read."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import picture, write_images
from PIL import Image

from data import Source, create_dataset, find_dataset
from data.image_folder import list_images
from data.image_reader import BadImage, read_image
from data.loader import Loader, PositionSampler
from data.transforms import Preprocess
from options.base_options import DataOptions
from util.errors import InputError


def dataset(root: Path, mode: str, *, phase: str = "train", augment: bool = False, **flags):
    source = {k: flags.pop(k) for k in ("input_nc", "output_nc", "multiple", "seed") if k in flags}
    flags = {"preprocess": "none", "load_size": 32, "crop_size": 32, "no_flip": True, **flags}
    group = find_dataset(mode).Options
    options = group(dataroot=str(root), dataset_mode=mode, **flags)
    return create_dataset(options, Source(phase=phase, augment=augment, **source))


def levels(image: torch.Tensor) -> np.ndarray:
    return ((image + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).numpy()


def test_aligned_images_are_split_in_the_middle(paired) -> None:
    item = dataset(paired, "aligned")[0]
    whole = picture(0, 32, 64)
    assert np.array_equal(levels(item["A"]), whole[:, :32])
    assert np.array_equal(levels(item["B"]), whole[:, 32:])
    assert item["A_paths"] == item["B_paths"] == str(paired / "train/000.png")


def test_direction_swaps_the_halves(paired) -> None:
    there, back = dataset(paired, "aligned")[1], dataset(paired, "aligned", direction="BtoA")[1]
    assert torch.equal(there["A"], back["B"])
    assert torch.equal(there["B"], back["A"])


def test_direction_swaps_the_folders(unpaired) -> None:
    back = dataset(unpaired, "unaligned", direction="BtoA", serial_batches=True)
    assert back[0]["A_paths"] == str(unpaired / "trainB/100.png")
    assert back[0]["B_paths"] == str(unpaired / "trainA/000.png")
    assert len(back) == 6


def test_the_input_channels_belong_to_the_input_whatever_the_direction(paired, unpaired) -> None:
    for root, mode in ((paired, "aligned"), (unpaired, "unaligned")):
        for direction in ("AtoB", "BtoA"):
            item = dataset(root, mode, direction=direction, input_nc=1, output_nc=3)[0]
            assert (item["A"].shape[0], item["B"].shape[0]) == (1, 3)


def test_both_halves_get_the_same_crop_and_flip(tmp_path) -> None:
    half = picture(1, 64, 64)
    Path(tmp_path / "train").mkdir()
    Image.fromarray(np.concatenate([half, 255 - half], axis=1)).save(tmp_path / "train/a.png")
    pairs = dataset(
        tmp_path, "aligned", augment=True, preprocess="crop", crop_size=16, no_flip=False
    )
    seen = set()
    for epoch in range(1, 20):
        item = pairs[epoch, 0]
        assert torch.allclose(item["A"], -item["B"], atol=1e-6)
        seen.add(item["A"].numpy().tobytes())
    assert len(seen) > 15


def test_unaligned_walks_through_a_and_draws_b(unpaired) -> None:
    items = dataset(unpaired, "unaligned")
    paths = [[items[epoch, i]["B_paths"] for i in range(6)] for epoch in (1, 2)]
    assert [items[1, i]["A_paths"] for i in range(6)] == [
        str(unpaired / f"trainA/{i % 5:03d}.png") for i in range(6)
    ]
    assert paths[0] != paths[1]
    serial = dataset(unpaired, "unaligned", serial_batches=True)
    assert [serial[i]["B_paths"] for i in range(6)] == sorted({p for e in paths for p in e} | {
        str(unpaired / f"trainB/{100 + i}.png") for i in range(6)
    })  # fmt: skip


def test_single_reads_every_image_below_the_root(unpaired) -> None:
    items = dataset(unpaired, "single")
    assert len(items) == 17
    assert set(items[0]) == {"A", "A_paths"}


def test_colorization_gives_lightness_and_colour(tmp_path) -> None:
    (tmp_path / "train").mkdir()
    Image.new("RGB", (32, 32), (128, 128, 128)).save(tmp_path / "train/grey.png")
    item = dataset(tmp_path, "colorization", input_nc=1, output_nc=2)[0]
    assert item["A"].shape == (1, 32, 32)
    assert item["A"].mean().item() == pytest.approx(53.585 / 50 - 1, abs=1e-3)  # L* of grey 128
    assert item["B"].shape == (2, 32, 32)
    assert item["B"].abs().max() < 1e-3


def test_the_template_pairs_two_folders(unpaired) -> None:
    items = dataset(unpaired, "template", new_dataset_option=1.0)
    assert len(items) == 5
    assert np.array_equal(levels(items[2]["A"]), picture(2, 32, 32))
    assert items[2]["B_paths"] == str(unpaired / "trainB/102.png")


@pytest.mark.parametrize(
    ("mode", "size", "train", "test"),
    [  # sizes (height, width) in, and out for training and testing; multiple 4, load 40, crop 32
        ("resize_and_crop", (50, 90), (32, 32), (32, 32)),
        ("crop", (50, 90), (32, 32), (32, 32)),
        ("scale_width", (50, 90), (24, 40), (22, 40)),
        ("scale_width_and_crop", (50, 90), (32, 32), (32, 32)),
        ("scale_width_and_crop", (90, 50), (32, 32), (32, 32)),
        ("none", (50, 90), (48, 88), (50, 90)),
        ("none", (1, 3), (4, 4), (1, 3)),
    ],
)
def test_sizes_after_preprocessing(mode, size, train, test) -> None:
    image = torch.zeros(3, *size, dtype=torch.uint8)
    for augment, wanted in ((True, train), (False, test)):
        preprocess = Preprocess(mode, 40, 32, multiple=4, augment=augment)
        assert preprocess.sample(image, random.Random(0))(image).shape == (3, *wanted)


def test_scaling_to_a_width_keeps_the_aspect_ratio_before_cropping() -> None:
    wide, tall = (
        torch.zeros(3, 50, 200, dtype=torch.uint8),
        torch.zeros(3, 200, 50, dtype=torch.uint8),
    )
    preprocess = Preprocess("scale_width_and_crop", 100, 64)
    assert preprocess.sample(wide, random.Random(0)).resized == (
        64,
        256,
    )  # not 100 wide and 64 high
    assert preprocess.sample(tall, random.Random(0)).resized == (400, 100)


def test_an_image_smaller_than_the_crop_is_refused_not_padded(unpaired) -> None:
    bad = dataset(unpaired, "unaligned", preprocess="crop", crop_size=48)[0]
    assert isinstance(bad, BadImage)
    assert "32x32 pixels are too few for --crop_size 48" in bad.reason


def test_resizing_is_pillows_bicubic() -> None:
    image = picture(3, 60, 70)
    ours = Preprocess("resize_and_crop", 40, 40, augment=False)
    tensor = torch.from_numpy(image).permute(2, 0, 1)
    resized = ours.sample(tensor, random.Random(0)).pixels(tensor).permute(1, 2, 0).numpy()
    pillow = np.asarray(Image.fromarray(image).resize((40, 40), Image.Resampling.BICUBIC))
    assert np.abs(resized.astype(int) - pillow).max() <= 2


def test_untouched_pixels_come_back_as_they_were(tmp_path) -> None:
    from util.images import to_uint8

    every_level = np.arange(256, dtype=np.uint8).reshape(16, 16).repeat(3, -1).reshape(16, 16, 3)
    Image.fromarray(every_level).save(tmp_path / "levels.png")
    item = dataset(tmp_path, "single")[0]
    assert np.array_equal(to_uint8(item["A"]), every_level)


@pytest.mark.parametrize(("threads", "start_method"), [(2, "fork"), (2, "spawn")])
def test_batches_do_not_depend_on_workers(unpaired, threads, start_method) -> None:
    def all_batches(threads: int) -> list:
        items = dataset(
            unpaired, "unaligned", augment=True, preprocess="resize_and_crop", crop_size=24, no_flip=False
        )  # fmt: skip
        loader = Loader(
            items,
            batch_size=2,
            num_threads=threads,
            shuffle=True,
            seed=5,
            start_method=start_method,
        )
        return [batch for epoch in (1, 2) for batch in loader.epoch(epoch)]

    for one, other in zip(all_batches(0), all_batches(threads), strict=True):
        assert one["A_paths"] == other["A_paths"]
        assert one["B_paths"] == other["B_paths"]
        assert torch.equal(one["A"], other["A"])
        assert torch.equal(one["B"], other["B"])


def test_an_epoch_can_be_entered_in_the_middle(unpaired) -> None:
    loader = Loader(dataset(unpaired, "unaligned"), shuffle=True, seed=1)
    whole = [batch["A_paths"] + batch["B_paths"] for batch in loader.epoch(3)]
    rest = [batch["A_paths"] + batch["B_paths"] for batch in loader.epoch(3, start=4)]
    assert rest == whole[4:]
    assert loader.position == 6


def test_orders_differ_between_epochs_and_seeds_and_cover_everything() -> None:
    def order(epoch: int, seed: int) -> list[int]:
        sampler = PositionSampler(10, shuffle=True, seed=seed, rank=0, world_size=1)
        sampler.epoch = epoch
        return [position.item for position in sampler]

    assert sorted(order(1, 0)) == list(range(10))
    assert len({tuple(order(epoch, seed)) for epoch in (1, 2) for seed in (0, 1)}) == 4


def test_processes_share_an_epoch_without_repeats() -> None:
    shares = []
    for rank in range(3):
        sampler = PositionSampler(11, shuffle=True, seed=0, rank=rank, world_size=3)
        shares.append([position.item for position in sampler])
    assert [len(share) for share in shares] == [3, 3, 3]
    assert len({item for share in shares for item in share}) == 9


def test_images_of_different_sizes_are_batched_apart(tmp_path) -> None:
    for i, side in enumerate((16, 16, 24, 16)):
        write_images(tmp_path, 1, side, side, start=i)
    loader = Loader(dataset(tmp_path, "single"), batch_size=4)
    assert [tuple(batch["A"].shape) for batch in loader.epoch(1)] == [
        (2, 3, 16, 16), (1, 3, 24, 24), (1, 3, 16, 16),
    ]  # fmt: skip


def test_a_bad_image_stops_with_its_path_or_is_skipped_and_listed(tmp_path) -> None:
    write_images(tmp_path, 5)
    (tmp_path / "002.png").write_bytes((tmp_path / "001.png").read_bytes()[:100])
    (tmp_path / "003.png").write_bytes(b"")
    items = dataset(tmp_path, "single")
    with pytest.raises(BadImage, match=r"002\.png: cannot be read as an image"):
        list(Loader(items).epoch(1))
    for threads in (0, 1):
        loader = Loader(items, batch_size=2, num_threads=threads, bad_images="skip")
        seen = [path for batch in loader.epoch(1) for path in batch["A_paths"]]
        assert [Path(path).name for path in seen] == ["000.png", "001.png", "004.png"]
        assert [Path(path).name for path in loader.skipped] == ["002.png", "003.png"]
        assert loader.position == 5


def test_an_odd_width_cannot_be_a_pair(tmp_path) -> None:
    write_images(tmp_path / "train", 1, 32, 65)
    bad = dataset(tmp_path, "aligned")[0]
    assert isinstance(bad, BadImage)
    assert "65 pixels wide, which is odd" in bad.reason


def test_listing_is_sorted_recursive_and_knows_extensions_in_any_case(tmp_path) -> None:
    write_images(tmp_path / "b", 1)
    write_images(tmp_path / "a/deep", 1)
    for name in ("c.Jpg", "d.WEBP", "e.TIFF", "notes.txt", ".hidden.png"):
        shutil.copy(tmp_path / "b/000.png", tmp_path / name)
    names = [str(Path(path).relative_to(tmp_path)) for path in list_images(tmp_path)]
    assert names == ["a/deep/000.png", "b/000.png", "c.Jpg", "d.WEBP", "e.TIFF"]
    assert len(list_images(tmp_path, 2)) == 2


def test_a_link_in_a_circle_does_not_trap_the_listing(tmp_path) -> None:
    write_images(tmp_path / "a", 2)
    (tmp_path / "a/again").symlink_to(tmp_path)
    assert len(list_images(tmp_path)) == 2


def test_missing_and_empty_folders_are_explained(tmp_path) -> None:
    write_images(tmp_path / "trainA", 1)
    with pytest.raises(InputError, match=r"no folder .*/trainB: .* holds trainA; check --dataroot"):
        dataset(tmp_path, "unaligned")
    (tmp_path / "trainB").mkdir()
    with pytest.raises(InputError, match="trainB holds no images"):
        dataset(tmp_path, "unaligned")
    with pytest.raises(InputError, match="nor .*nowhere: check --dataroot"):
        dataset(tmp_path / "nowhere", "aligned")


def test_channels_that_images_do_not_have_are_refused(paired) -> None:
    with pytest.raises(InputError, match="--input_nc 4: image files are read with 1"):
        dataset(paired, "aligned", input_nc=4)
    with pytest.raises(InputError, match="--input_nc 1 and --output_nc 2, not 3 and 3"):
        dataset(paired, "colorization")


def test_images_stand_upright_as_their_exif_says(tmp_path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    Image.fromarray(picture(0, 20, 40)).save(tmp_path / "a.png", exif=exif)
    assert read_image(str(tmp_path / "a.png"), 3).shape == (3, 40, 20)


@pytest.mark.parametrize(
    ("array", "mode"),
    [
        (np.full((8, 8), 65535 // 2, np.uint16), "16-bit"),
        (np.full((8, 8), 0.5, np.float32), "float"),
        (np.full((8, 8), 128, np.uint8), "8-bit"),
    ],
)
def test_deep_images_are_scaled_not_clipped(tmp_path, array, mode) -> None:
    Image.fromarray(array).save(tmp_path / "a.tif")
    for channels in (1, 3):
        image = read_image(str(tmp_path / "a.tif"), channels)
        assert image.shape == (channels, 8, 8)
        assert abs(image.float().mean().item() - 128) <= 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_every_kind_of_image_becomes_colour_or_grey(tmp_path, mode) -> None:
    suffix = "tif" if mode == "CMYK" else "png"
    Image.fromarray(picture(0, 8, 8)).convert(mode).save(tmp_path / f"a.{suffix}")
    for channels in (1, 3):
        assert read_image(str(tmp_path / f"a.{suffix}"), channels).shape == (channels, 8, 8)


def test_options_of_data_need_no_command_line(paired) -> None:
    options = DataOptions(dataroot=str(paired), dataset_mode="aligned", load_size=32, crop_size=32)
    assert len(create_dataset(options, Source())) == 6


def test_entering_a_batch_of_several_sizes_in_its_middle_gives_the_rest_of_it(tmp_path) -> None:
    for i, side in enumerate((24, 16, 16, 16, 16, 16)):
        write_images(tmp_path, 1, side, side, start=i)
    (tmp_path / "002.png").write_bytes(b"nonsense")

    def batches(start: int) -> list[list[str]]:
        loader = Loader(dataset(tmp_path, "single"), batch_size=4, bad_images="skip")
        return [[path[-7:-4] for path in batch["A_paths"]] for batch in loader.epoch(1, start)]

    whole = [["000"], ["001", "003"], ["004", "005"]]
    assert batches(0) == whole
    assert batches(1) == whole[1:]
    assert batches(4) == whole[2:]


def test_an_error_in_a_data_set_of_ones_own_is_not_taken_for_a_dead_process(unpaired) -> None:
    items = dataset(unpaired, "unaligned")
    items.item = failing
    with pytest.raises(RuntimeError, match="my own mistake"):
        list(Loader(items, num_threads=1).epoch(1))


def failing(index: int, rng: random.Random) -> dict:
    raise RuntimeError("my own mistake")
