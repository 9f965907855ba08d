"""scripts/check_dataset.py: every finding has a data set that provokes it, and a clean one provokes none."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import SMALL_TRAINING, picture, write_images
from PIL import Image

from data import Source, create_dataset, find_dataset, halves
from data.checks import header_size, quick_findings
from data.duplicates import fingerprint, near_matches
from data.finding import Finding
from util.errors import InputError

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "scripts/check_dataset.py"
SPEC = importlib.util.spec_from_file_location("check_dataset", SCRIPT)
check_dataset = importlib.util.module_from_spec(SPEC)
sys.modules["check_dataset"] = check_dataset
SPEC.loader.exec_module(check_dataset)

# A generator and a discriminator that take 16 pixels, in steps of 4.
SMALLEST = [*SMALL_TRAINING, "--netG", "resnet_6blocks", "--netD", "pixel"]
SIZES = ["--load_size", "18", "--crop_size", "16"]


def photo(seed: int, height: int = 16, width: int = 16) -> np.ndarray:
    """Rough and colourful, unlike any other seed's: uint8 (H, W, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    noise = rng.integers(-25, 26, (height, width, 3))
    return (np.asarray(image) + noise).clip(0, 255).astype(np.uint8)


def label_map(seed: int, side: int = 16) -> np.ndarray:
    """Areas of three colours."""
    rng = np.random.default_rng(seed)
    areas = rng.integers(0, 3, (2, 2)).repeat(side // 2, 0).repeat(side // 2, 1)
    return np.array([[0, 0, 200], [200, 0, 0], [0, 200, 0]], np.uint8)[areas]


def save(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return path


def pair(seed: int) -> np.ndarray:
    return np.concatenate([photo(seed), photo(1000 + seed)], axis=1)


def clean_pairs(root: Path, train: int = 6) -> Path:
    for phase, count, start in (("train", train, 0), ("val", 2, 100), ("test", 3, 200)):
        for i in range(start, start + count):
            save(root / phase / f"{i:03d}.png", pair(i))
    return root


def clean_folders(root: Path, phases: tuple[str, ...] = ("train", "test")) -> Path:
    for n, name in enumerate(f"{phase}{side}" for phase in phases for side in "AB"):
        for i in range(4):
            save(root / name / f"{i}.png", photo(100 * n + i))
    return root


class Checked:
    """The report of a run in this process."""

    def __init__(self, capsys: pytest.CaptureFixture, root: Path, *flags: str) -> None:
        self.status = check_dataset.main(["--dataroot", str(root), *SMALLEST, *SIZES, *flags])
        self.text = capsys.readouterr().out
        self.findings = re.findall(r"^  ((?:error|warning|note): .*)$", self.text, re.M)

    def one(self, start: str) -> str:
        """The one finding there is, from its severity on."""
        assert len(self.findings) == 1, self.text
        assert self.findings[0].startswith(start), self.text
        return self.findings[0]


@pytest.fixture
def checked(capsys):
    return lambda root, *flags: Checked(capsys, root, *flags)


def aligned(*flags: str) -> list[str]:
    return ["--model", "pix2pix", "--dataset_mode", "aligned", *flags]


def dataset(root: Path, mode: str, **flags):
    flags = {"load_size": 18, "crop_size": 16, **flags}
    options = find_dataset(mode).Options(dataroot=str(root), dataset_mode=mode, **flags)
    return create_dataset(options, Source())


@pytest.mark.parametrize("quick", [[], ["--quick"]])
def test_nothing_is_found_in_clean_pairs(tmp_path, checked, quick) -> None:
    report = checked(clean_pairs(tmp_path), *aligned(), *quick)
    assert report.findings == []
    assert report.status == 0
    assert report.text.endswith("verdict: nothing wrong found; ready to train\n")


def test_nothing_is_found_in_clean_folders(tmp_path, checked) -> None:
    report = checked(clean_folders(tmp_path), "--model", "cycle_gan")
    assert report.findings == []
    assert report.status == 0


def test_the_images_of_every_split_are_counted(tmp_path, checked) -> None:
    text = checked(clean_pairs(tmp_path), *aligned("--quick")).text
    for phase, count in (("train", 6), ("val", 2), ("test", 3)):
        assert f"  {phase}: {count} in {tmp_path / phase}\n" in text


def test_a_data_set_without_splits_is_counted_once(tmp_path, checked) -> None:
    write_images(tmp_path, 3, 16, 16)
    text = checked(tmp_path, "--dataset_mode", "single", "--quick").text
    assert text.count(f"3 in {tmp_path}") == 1


def test_a_split_of_which_one_folder_is_missing_is_named(tmp_path, checked) -> None:
    shutil.rmtree(clean_folders(tmp_path) / "testB")
    finding = checked(tmp_path, "--model", "cycle_gan", "--quick").one("warning")
    assert "no folder testB: --phase test cannot be used" in finding


def test_a_missing_folder_is_the_users_error(tmp_path) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        check_dataset.main(["--dataroot", str(tmp_path), *SMALLEST, *SIZES])


def test_damaged_files_are_listed_with_reasons(tmp_path, checked) -> None:
    clean_pairs(tmp_path)
    whole = (tmp_path / "train/001.png").read_bytes()
    (tmp_path / "train/001.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "train/002.png").write_bytes(b"")
    report = checked(tmp_path, *aligned())
    report.one("error: images of train that cannot be used: 2")
    assert re.search(r"train/001\.png: cannot be read as an image \(.*truncated", report.text)
    assert "train/002.png: cannot be read" in report.text
    assert report.status == 1
    assert "verdict: 1 error; training would stop" in report.text


def test_damaged_files_only_warn_where_training_skips_them_or_never_sees_them(
    tmp_path, checked
) -> None:
    (clean_pairs(tmp_path) / "train/001.png").write_bytes(b"")
    report = checked(tmp_path, *aligned("--bad_images", "skip"))
    report.one("warning: images of train that cannot be used: 1")
    assert report.status == 0
    (tmp_path / "train/001.png").unlink()
    (tmp_path / "test/200.png").write_bytes(b"")
    checked(tmp_path, *aligned()).one("warning: images of test that cannot be used: 1")


def test_processes_that_share_many_files_find_the_same(tmp_path, checked) -> None:
    (clean_pairs(tmp_path, train=70) / "train/069.png").write_bytes(b"")
    report = checked(tmp_path, *aligned())
    report.one("error: images of train that cannot be used: 1")
    assert "train/069.png: cannot be read" in report.text


def test_more_than_ten_files_are_counted_not_listed() -> None:
    lines = str(Finding("error", "so many", tuple(map(str, range(14))))).splitlines()
    assert len(lines) == 12
    assert lines[-1].strip() == "and 4 more"


@pytest.mark.parametrize("quick", [[], ["--quick"]])
def test_pairs_of_odd_width_are_listed(tmp_path, checked, quick) -> None:
    save(clean_pairs(tmp_path) / "train/odd.png", pair(7)[:, :-1])
    report = checked(tmp_path, *aligned(), *quick)
    report.one("error: odd width, so no two equal halves: 1 of 7 images")
    assert "train/odd.png: 31 pixels wide" in report.text
    assert report.status == 1


def test_images_that_are_no_pairs_are_noted_and_nothing_else_is_said_of_their_halves(
    tmp_path, checked
) -> None:
    write_images(tmp_path / "train", 4, 32, 32)
    finding = checked(tmp_path, *aligned("--quick")).one("note: about square, like single images")
    assert "4 of 4" in finding
    assert "see docs/datasets.md" in finding


def test_single_images_that_are_too_small_stay_an_error(tmp_path, checked) -> None:
    write_images(tmp_path / "train", 4, 16, 16)
    report = checked(tmp_path, *aligned("--preprocess", "crop", "--quick"))
    assert [finding.split(":")[0] for finding in report.findings] == ["error", "note"]
    assert "8x16 pixels are too few" in report.text


def test_files_without_a_namesake_are_listed_where_most_have_one(tmp_path, checked) -> None:
    (clean_folders(tmp_path) / "trainB/2.png").rename(tmp_path / "trainB/two.png")
    report = checked(tmp_path, "--model", "pix2pix", "--dataset_mode", "template", "--quick")
    report.one("warning: files without a counterpart in the other folder, unlike most: 2")
    assert "trainA/2.*: not in trainB" in report.text
    assert "trainB/two.*: not in trainA" in report.text


def test_names_play_no_part_in_unaligned_data_or_where_few_agree(tmp_path) -> None:
    clean_folders(tmp_path)
    (tmp_path / "trainB/2.png").rename(tmp_path / "trainB/two.png")
    assert quick_findings(dataset(tmp_path, "unaligned")) == []
    assert quick_findings(dataset(tmp_path / "trainA", "single")) == []
    (tmp_path / "trainB/1.png").rename(tmp_path / "trainB/one.png")
    assert quick_findings(dataset(tmp_path, "template")) == []


def test_a_data_set_of_ones_own_is_checked_by_names_and_by_taking_its_items(
    tmp_path, checked, monkeypatch
) -> None:
    import data

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n# data/folders_dataset\.py\n(.*?)```", readme, re.S).group(1)
    (tmp_path / "folders_dataset.py").write_text(code)
    monkeypatch.setattr(data, "__path__", [*data.__path__, str(tmp_path)])
    (clean_folders(tmp_path) / "trainB/2.png").unlink()
    save(tmp_path / "trainB/1.png", photo(1, 16, 20))
    report = checked(tmp_path, "--model", "pix2pix", "--dataset_mode", "folders")
    assert [finding.split(":")[0] for finding in report.findings] == ["error", "warning"]
    assert "trainB/2.png: is missing" in report.text
    assert re.search(r"trainA/1\.png: has another size than .*trainB/1\.png", report.text)
    assert "trainA/2.*: not in trainB" in report.text


def test_images_too_small_for_the_crop_are_errors(tmp_path, checked) -> None:
    save(clean_folders(tmp_path) / "trainA/small.png", photo(9, 12, 16))
    report = checked(tmp_path, "--model", "cycle_gan", "--preprocess", "crop")
    report.one("error: unusable with --preprocess crop: 1 of 9 images")
    assert "trainA/small.png: 16x12 pixels are too few for --crop_size 16" in report.text
    assert report.status == 1


def test_enlarged_images_are_counted_and_better_sizes_named(tmp_path, checked) -> None:
    sizes = ["--load_size", "72", "--crop_size", "64", "--quick"]
    report = checked(clean_folders(tmp_path), "--model", "cycle_gan", *sizes)
    finding = report.one("warning: enlarged by more than 1.5, such as 16x16 to 72x72: 8 of 8")
    assert finding.endswith("--load_size 18 --crop_size 16 would do")
    assert report.status == 0


def test_distorted_images_are_counted_and_a_remedy_named(tmp_path, checked) -> None:
    write_images(tmp_path / "trainA", 2, 16, 24)
    write_images(tmp_path / "trainB", 2, 16, 24, start=5)
    flags = ["--model", "cycle_gan", "--quick"]
    finding = checked(tmp_path, *flags).one("warning: squeezed or stretched")
    assert "24x16 to 18x18: 4 of 4 images; --preprocess scale_width_and_crop" in finding
    assert checked(tmp_path, *flags, "--preprocess", "scale_width_and_crop").findings == []


def test_a_few_images_of_another_shape_are_but_noted(tmp_path, checked) -> None:
    write_images(tmp_path, 19, 16, 16)
    write_images(tmp_path, 1, 16, 32, start=19)
    report = checked(tmp_path, "--dataset_mode", "single", "--quick")
    report.one("note: squeezed or stretched")
    assert "019.png: 32x16" in report.text


@pytest.mark.parametrize("mode", ["none", "scale_width"])
def test_sides_rounded_to_the_networks_multiple_are_noted(tmp_path, checked, mode) -> None:
    write_images(tmp_path, 3, 18, 18)
    report = checked(tmp_path, "--dataset_mode", "single", "--preprocess", mode, "--quick")
    assert "multiples of 4" in report.one("note")
    assert "18x18 at 16x16: 3 of 3 images" in report.one("note")
    fitting = ["--preprocess", mode, "--load_size", "16", "--quick"]
    write_images(tmp_path, 3, 16, 16)
    assert checked(tmp_path, "--dataset_mode", "single", *fitting).findings == []


def test_a_crop_that_the_networks_cannot_take_is_an_error_and_no_step_is_tried(
    tmp_path, checked
) -> None:
    report = checked(clean_pairs(tmp_path), *aligned("--crop_size", "14"))
    assert "use 12 or 16" in report.one("error: --crop_size 14 does not fit")
    assert "not tried" in report.text
    assert report.status == 1


def pairs_of_labels_and_photos(root: Path, swapped: tuple[int, ...]) -> None:
    for i in range(20):
        sides = [label_map(i), photo(i)]
        if i in swapped:
            sides.reverse()
        save(root / f"train/{i:02d}.png", np.concatenate(sides, axis=1))


def test_swapped_halves_are_listed(tmp_path, checked) -> None:
    pairs_of_labels_and_photos(tmp_path, swapped=(3, 11))
    report = checked(tmp_path, *aligned())
    warning = next(finding for finding in report.findings if finding.startswith("warning"))
    assert "look swapped: 2 of 20" in warning
    assert re.findall(r"train/(\d+)\.png$", report.text, re.M) == ["03", "11"]


@pytest.mark.parametrize(
    ("direction", "kinds"),
    [("AtoB", ("label maps", "photographs")), ("BtoA", ("photographs", "label maps"))],
)
def test_it_is_noted_what_is_translated_into_what(tmp_path, checked, direction, kinds) -> None:
    pairs_of_labels_and_photos(tmp_path, swapped=())
    note = checked(tmp_path, *aligned("--direction", direction)).one(
        f"note: with --direction {direction}"
    )
    assert re.search(rf"look like {kinds[0]}.* into what look like {kinds[1]}", note)


@pytest.mark.parametrize("count", [5, 15, 60, 200])
def test_no_pair_looks_swapped_where_the_sides_are_alike(count) -> None:
    for seed in range(5):
        start = 10_000 * seed
        left, right = (
            np.stack([halves.describe(photo(start + 500 * side + i)) for i in range(count)])
            for side in (0, 1)
        )
        assert halves.swapped(left, right) == []


def test_copies_between_splits_are_found(tmp_path, checked) -> None:
    clean_pairs(tmp_path)
    shutil.copy(tmp_path / "train/003.png", tmp_path / "test/copy.png")
    report = checked(tmp_path, *aligned())
    report.one("warning: images of test that are the same as images of train: 1 of 4")
    assert f"{tmp_path}/test/copy.png = {tmp_path}/train/003.png" in report.text
    assert report.status == 0


def test_copies_are_looked_for_in_the_folder_of_the_same_side(tmp_path, checked) -> None:
    clean_folders(tmp_path)
    shutil.copy(tmp_path / "trainA/1.png", tmp_path / "testB/other_side.png")
    assert checked(tmp_path, "--model", "cycle_gan").findings == []
    shutil.copy(tmp_path / "trainB/1.png", tmp_path / "testB/same_side.png")
    checked(tmp_path, "--model", "cycle_gan").one("warning: images of testB")


def test_copies_within_the_training_images_are_noted(tmp_path, checked) -> None:
    clean_pairs(tmp_path)
    shutil.copy(tmp_path / "train/003.png", tmp_path / "train/again.png")
    checked(tmp_path, *aligned()).one("note: images of train that are exact copies of others: 1")


def prints(*images: np.ndarray) -> dict:
    return {str(i): fingerprint(image, (image,)) for i, image in enumerate(images)}


@pytest.mark.parametrize("change", ["jpeg", "smaller", "mirrored"])
def test_near_duplicates_are_recognised(change, tmp_path) -> None:
    image = Image.fromarray(photo(1, 64, 64))
    if change == "jpeg":
        image.save(tmp_path / "a.jpg", quality=80)
        changed = np.asarray(Image.open(tmp_path / "a.jpg"))
    elif change == "smaller":
        changed = np.asarray(image.resize((48, 48), Image.Resampling.BICUBIC))
    else:
        changed = np.asarray(image)[:, ::-1]
    among = prints(*(photo(i, 64, 64) for i in range(4)))
    assert near_matches(prints(changed), among) == [("0", "1")]


def test_mirrored_pairs_are_recognised_half_by_half(tmp_path, checked) -> None:
    clean_pairs(tmp_path)
    mirrored = np.concatenate([photo(2)[:, ::-1], photo(1002)[:, ::-1]], axis=1)
    save(tmp_path / "val/mirrored.png", mirrored)
    checked(tmp_path, *aligned()).one(
        "warning: images of val that are nearly the same (or mirrored)"
    )


def test_blank_images_are_no_near_duplicates() -> None:
    white = np.full((32, 32, 3), 255, np.uint8)
    assert near_matches(prints(white - 1), prints(white, white - 2)) == []


def test_different_smooth_images_are_no_near_duplicates() -> None:
    ours, theirs = ([picture(i, 32, 32) for i in seeds] for seeds in (range(40), range(40, 80)))
    assert near_matches(prints(*ours), prints(*theirs)) == []


def test_time_and_memory_are_told_from_real_steps_and_nothing_is_written(
    tmp_path, checked, monkeypatch
) -> None:
    clean_pairs(tmp_path / "pairs")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    flags = ["--n_epochs", "3", "--n_epochs_decay", "2", "--batch_size", "4"]
    text = checked(tmp_path / "pairs", *aligned(*flags)).text
    assert re.search(r"per image, at 16x16 pixels: \S+ s \(\S+ s to train, \S+ s to load\)", text)
    assert "per epoch of 6: about" in text
    assert "all 5 epochs: about" in text
    assert re.search(r"peak memory: [\d.]+ GiB", text)
    assert list((tmp_path / "work").iterdir()) == []


def test_a_model_that_needs_what_the_data_set_lacks_is_an_error(tmp_path, checked) -> None:
    write_images(tmp_path, 3, 16, 16)
    report = checked(tmp_path, "--model", "pix2pix", "--dataset_mode", "single")
    assert "needs images B" in report.one("error")
    assert report.status == 1


def test_without_a_usable_image_the_report_still_ends(tmp_path, checked) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train/a.png").write_bytes(b"")
    report = checked(tmp_path, *aligned())
    assert report.findings[-1] == "error: no image can be used: see above"
    assert report.status == 1


def test_quick_findings_read_few_headers_of_many_files_fast(tmp_path) -> None:
    first = save(tmp_path / "train/00000.png", pair(0))
    for i in range(1, 2000):
        (tmp_path / f"train/{i:05d}.png").hardlink_to(first)
    pairs = dataset(tmp_path, "aligned", load_size=72, crop_size=64)
    start = time.process_time()
    found = quick_findings(pairs)
    assert time.process_time() - start < 1
    assert "200 of 200 sampled pairs" in found[0].text


def test_quick_findings_pass_over_what_cannot_be_read(tmp_path) -> None:
    (clean_pairs(tmp_path) / "train/001.png").write_bytes(b"GIF89a")
    assert quick_findings(dataset(tmp_path, "aligned")) == []


def test_header_sizes_are_of_images_standing_upright(tmp_path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    for name in ("a.png", "a.jpg"):
        Image.fromarray(picture(0, 20, 40)).save(tmp_path / name, exif=exif)
        assert header_size(str(tmp_path / name)) == (40, 20)


def test_the_command_says_the_users_errors_without_a_traceback(tmp_path) -> None:
    command = [
        sys.executable,
        str(SCRIPT),
        "--dataroot",
        str(tmp_path / "nowhere"),
        *SMALLEST,
        *SIZES,
    ]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert run.returncode == 1
    assert run.stderr.startswith("error: there is no folder")
    assert "Traceback" not in run.stderr
