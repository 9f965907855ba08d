"""Each hint is given when its trouble is there, once, and not when it is not; NaN stops a run."""

from __future__ import annotations

import math

import pytest
import torch
from conftest import picture

from models import Adam, create_model
from models.cut_model import CUTOptions
from models.cycle_gan_model import CycleGANOptions
from models.pix2pix_model import Pix2PixOptions
from util.errors import InputError
from util.training import symptoms
from util.training.watchdog import CHECK_IMAGES, Watchdog

TINY = {"ngf": 2, "ndf": 4, "netG": "resnet_6blocks", "norm": "instance"}


def image(seed: int) -> torch.Tensor:
    """A varied picture, (1, 3, 32, 32) in [-1, 1]."""
    return torch.from_numpy(picture(seed, 32, 32)).permute(2, 0, 1)[None] / 127.5 - 1


def watchdog(gan_mode: str = "lsgan", **settings) -> tuple[Watchdog, list[str]]:
    said: list[str] = []
    return Watchdog(gan_mode, 0.0002, said.append, **{"window": 20, **settings}), said


def trained(model, dog: Watchdog, steps: int, images: int = 10) -> None:
    torch.manual_seed(0)
    for i in range(steps):
        batch = {"A": image(i % images), "B": image(100 + i % images)}
        step = model.train_step(batch)
        dog.observe(step.losses, step.visuals, ["x.png"], i + 1)


def shown(dog: Watchdog, fake_B, rec: bool = True, steps: int = 70, start: int = 0) -> None:
    """Steps, after those of start images, whose generator gives fake_B(real_A, real_B)."""
    for i in range(start, start + steps):
        real_A, real_B = image(i), image(1000 + i)
        visuals = {"real_A": real_A, "fake_B": fake_B(real_A, real_B), "real_B": real_B}
        if rec:
            visuals["rec_A"] = real_A
        dog.observe({"G": torch.tensor(1.0)}, visuals, ["x.png"], i + 1)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_stops_the_run_and_names_loss_and_image(value) -> None:
    dog, _ = watchdog()

    def steps() -> None:
        for i in range(CHECK_IMAGES):
            losses = {"G_GAN": torch.tensor(1.0), "D": torch.tensor(value if i >= 40 else 1.0)}
            dog.observe(losses, {}, [f"{i}.png"], i + 1)

    with pytest.raises(InputError) as stop:
        steps()
    assert str(stop.value).startswith("D became NaN or infinite in step 41")
    assert "(images: 40.png)" in str(stop.value)
    assert "lower --lr" in str(stop.value)


def test_the_check_before_a_save_needs_no_hundred_images() -> None:
    dog, _ = watchdog()
    dog.observe({"G": torch.tensor(math.nan)}, {}, ["a.png"], 1)
    with pytest.raises(InputError, match="G became NaN"):
        dog.check()


def test_images_that_are_no_numbers_are_told_from_losses_that_blew_up() -> None:
    dog, _ = watchdog()
    dog.observe(
        {"G": torch.tensor(math.nan)},
        {"real_A": torch.full((1, 3, 8, 8), math.nan), "fake_B": torch.zeros(1, 3, 8, 8)},
        ["deep.tif"],
        1,
    )
    with pytest.raises(InputError, match=r"(?s)deep\.tif.*the images themselves"):
        dog.check()


@pytest.mark.parametrize(
    ("names", "gan_mode", "lr", "cause"),
    [
        (["G"], "lsgan", 0.1, "--lr 0.1 is high"),
        (["D_gp"], "wgangp", 0.0002, "--lambda_gp"),
        (["D_real"], "vanilla", 0.0002, "use lsgan"),
        (["D_A"], "lsgan", 0.0002, "lower --lr, or raise --batch_size"),
    ],
)
def test_the_likely_cause_names_a_flag(names, gan_mode, lr, cause) -> None:
    assert cause in symptoms.cause_of_nan(names, gan_mode, lr)


def test_a_discriminator_that_has_won_is_told_of_once() -> None:
    easy = {**TINY, "norm": "none", "ndf": 8, "gan_mode": "lsgan"}
    model = create_model(Pix2PixOptions(**easy), adam=Adam(lr=0.003))
    for group in model.optimizers["G"].param_groups:
        group["lr"] = 0.0  # a generator that never answers
    dog, said = watchdog()
    trained(model, dog, 200, images=2)
    won = [line for line in said if "has won (D_real + D_fake is below 2% of" in line]
    assert len(won) == 1
    assert "--ndf 32" in won[0]


def test_a_discriminator_that_only_guesses_has_not_won() -> None:
    model = create_model(Pix2PixOptions(**TINY, gan_mode="lsgan"), adam=Adam(lr=0.0))
    dog, said = watchdog()
    trained(model, dog, 70)
    assert not any("has won" in line for line in said)


@pytest.mark.parametrize(
    ("gan_mode", "losses", "winner"),
    [
        ("lsgan", {"D_real": 0.001, "D_fake": 0.001}, "D_real + D_fake"),
        ("lsgan", {"D_real": 0.001, "D_fake": 0.1}, ""),
        ("vanilla", {"D_A": 0.3, "D_B": 0.01}, "D_B"),
        ("hinge", {"D_A": 0.01, "D_B": 0.5}, "D_A"),
        ("hinge", {"D_A": 0.5, "D_B": 0.5}, ""),
        ("wgangp", {"D_real": -5.0, "D_fake": -5.0}, ""),
        ("lsgan", {"G_A": 0.0, "cycle_A": 0.0}, ""),
    ],
)
def test_winning_is_measured_by_what_guessing_gives(gan_mode, losses, winner) -> None:
    assert symptoms.discriminator_that_has_won(losses, gan_mode) == winner


def test_a_generator_with_one_output_is_told_of_once() -> None:
    model = create_model(CycleGANOptions(**TINY), adam=Adam(lr=0.0))
    torch.nn.init.zeros_(model.G_A.model[-2].weight)
    dog, said = watchdog()
    trained(model, dog, 90)
    assert [line[:34] for line in said] == ["hint: the generator has collapsed:"]
    assert "fake_B is nearly the same for different real_A" in said[0]
    assert "--lr" in said[0]


def test_a_generator_whose_outputs_vary_has_not_collapsed() -> None:
    dog, said = watchdog()
    shown(dog, lambda real_A, real_B: 0.3 * real_B)
    assert not said


def test_equal_outputs_for_equal_images_are_no_collapse() -> None:
    dog, said = watchdog()
    for i in range(70):
        same = {name: image(1) for name in ("real_A", "fake_B", "real_B")}
        dog.observe({"G": torch.tensor(1.0)}, same, ["x.png"], i + 1)
    assert not said


def test_inverted_colours_are_told_of_once() -> None:
    dog, said = watchdog()
    shown(dog, lambda real_A, real_B: -0.8 * real_A)
    assert len(said) == 1
    assert "fake_B looks like a negative of real_A (correlation -1.00)" in said[0]
    assert "--lambda_identity" in said[0]


def test_colours_that_are_kept_or_paired_with_a_truth_are_not_called_inverted() -> None:
    dog, said = watchdog()
    shown(dog, lambda real_A, real_B: 0.8 * real_A)
    shown(dog, lambda real_A, real_B: -0.8 * real_A, rec=False)  # pix2pix has the truth to go by
    assert not said


@pytest.mark.parametrize(
    ("losses", "noise", "told"),
    [
        ({"NCE": 0.5, "D_fake": 0.01}, 0.0, True),
        ({"NCE": 0.5, "D_fake": 0.24}, 0.0, False),  # D takes the copies for real
        ({"NCE": 0.5, "D_fake": 0.01}, 0.5, False),  # they are no copies
        ({"G_GAN": 0.5, "D_fake": 0.01}, 0.0, False),  # no patches are kept
    ],
)
def test_outputs_that_are_their_inputs_are_told_of_with_patches(losses, noise, told) -> None:
    real_A = torch.rand(symptoms.FEWEST, 64)
    images = {"real_A": real_A, "fake_B": real_A + noise}
    assert ("copied" in symptoms.find(losses, images, "lsgan")) == told


@pytest.mark.parametrize(("nce", "told"), [(5.5, True), (5.0, False)])
def test_patches_that_are_never_recognised_are_told_of(nce, told) -> None:
    model = create_model(CUTOptions(**TINY, netF_nc=4), adam=Adam())
    assert model.guessing_NCE == pytest.approx(math.log(256))
    dog, said = watchdog(guessing_NCE=model.guessing_NCE)
    for i in range(70):
        dog.observe({"NCE": torch.tensor(nce)}, {}, ["x.png"], i + 1)
    assert [("not recognised" in line) for line in said] == [True] * told


def test_a_trouble_that_passes_is_no_trouble() -> None:
    dog, said = watchdog()
    for start in range(0, 300, 60):
        shown(dog, lambda real_A, real_B: -real_A, steps=40, start=start)  # two windows of twenty
        shown(dog, lambda real_A, real_B: real_A, steps=20, start=start + 40)
    assert not said


def test_hints_can_be_switched_off() -> None:
    dog, said = watchdog(hints=False)
    shown(dog, lambda real_A, real_B: -real_A)
    assert not said


def test_images_of_one_pixel_and_of_two_channels_can_be_looked_at() -> None:
    assert symptoms.thumbnail(torch.ones(2, 1, 1)).tolist() == [1.0] * 64


def test_models_of_ones_own_may_give_whatever_losses_and_visuals_they_like() -> None:
    dog, said = watchdog()
    for i in range(70):
        visuals = {"real_A": image(i), "rec_A": image(i)} if i % 2 else {"fake_B": image(i)}
        dog.observe({"L": torch.ones(1), "M": torch.tensor(2)}, visuals, ["x.png"], i + 1)
    dog.observe({}, {}, [], 71)
    assert not said


def test_large_batches_are_looked_at_too() -> None:
    dog, said = watchdog(window=128)
    for step in range(8):
        real_A = torch.cat([image(64 * step + i) for i in range(64)])
        visuals = {"real_A": real_A, "fake_B": -real_A, "rec_A": real_A}
        dog.observe({"G": torch.tensor(1.0)}, visuals, ["x.png"], 64 * (step + 1))
    assert len(said) == 1


def losses_of(dog: Watchdog, values: list[float]) -> None:
    for number, value in enumerate(values, 1):
        dog.observe({"D": torch.tensor(value), "G": torch.tensor(1.0)}, {}, ["x.png"], number)
    dog.check()


@pytest.mark.parametrize("value", [1e7, -3e12])
def test_losses_that_run_away_without_overflowing_are_told_of_at_the_next_check(value) -> None:
    dog, said = watchdog("wgangp")
    losses_of(dog, [value] * 3)
    assert dog.ran_away == f"D {abs(value):.1e}"
    (hint,) = said
    assert hint.startswith(f"hint: losses have run away (D {abs(value):.1e})")
    assert "lower --lr" in hint


def test_one_step_that_is_far_off_is_no_divergence_and_a_run_may_recover() -> None:
    dog, said = watchdog("wgangp")
    losses_of(dog, [1.0, 1e9, 1.0])
    assert (dog.ran_away, said) == ("", [])
    losses_of(dog, [1e9] * 3)
    assert dog.ran_away
    losses_of(dog, [-50.0, 200.0])
    assert dog.ran_away == ""
    assert len(said) == 1


def test_large_images_are_no_losses_that_run_away() -> None:
    dog, said = watchdog()
    big = torch.ones(1, 3, 1024, 1024)
    dog.observe({"G": torch.tensor(1.0)}, {"real_A": big}, ["x.png"], 1)
    dog.check()
    assert (dog.ran_away, said) == ("", [])
