"""CUT and FastCUT: what a step does with which flags."""

from __future__ import annotations

import math

import pytest
import torch
from helpers.model import TINY, batch, changed
from helpers.recorder import Rerun

from models import Adam, create_model, cut_model
from models.cut_model import match_channels
from models.engine.cuda_graphs import Graphs
from models.networks import define_G
from models.networks.patch_sampler import encode, layer_numbers
from options.model_options import CUTOptions, CycleGANOptions, FastCUTOptions, Pix2PixOptions

SMALL = {**TINY, "netF_nc": 4, "num_patches": 16}


def cut(group=CUTOptions, **flags):
    return create_model(group(**{**SMALL, **flags}), adam=Adam())


def losses(model, **images) -> dict[str, float]:
    return {name: float(loss) for name, loss in model.train_step(batch(**images)).losses.items()}


def test_a_step_trains_all_three_networks() -> None:
    model = cut()
    assert changed(model, lambda: model.train_step(batch())) == {"G", "F", "D"}


def test_the_projection_is_there_before_the_first_batch() -> None:
    state = cut(ngf=3).networks()["F"].state_dict()
    assert [tuple(state[f"mlp_{i}.0.weight"].shape) for i in range(5)] == [
        (4, 3),
        (4, 6),
        (4, 12),
        (4, 12),
        (4, 12),
    ]


@pytest.mark.parametrize(
    ("netG", "flags"),
    [
        ("resnet_6blocks", {}),
        ("resnet_6blocks", {"no_antialias": True, "no_antialias_up": True}),
        ("resnet_6blocks", {"norm": "batch", "normD": "batch"}),
        ("resnet_6blocks", {"no_dropout": False}),
        ("unet_64", {}),
        ("encoder_decoder_64", {}),
    ],
)
def test_every_generator_has_layers_to_compare(netG, flags) -> None:
    model = cut(netG=netG, **flags)
    found = losses(model, height=64, width=64)
    assert list(found) == ["G_GAN", "D_real", "D_fake", "G", "NCE", "NCE_Y"]
    assert all(math.isfinite(value) for value in found.values())


def test_without_anti_aliasing_the_same_places_are_compared() -> None:
    shapes = []
    for antialias in (True, False):
        G = define_G(3, 3, 4, "resnet_6blocks", "instance", antialias=antialias)
        features, _ = encode(G.encoder(), torch.zeros(1, 3, 32, 32), G.feature_layers)
        shapes.append([one.shape[1] for one in features])
    assert shapes[0] == shapes[1] == [3, 8, 16, 16, 16]


@pytest.mark.parametrize("layers", ["-1", "0,0", "4,0", "0,99", "first", ""])
def test_layers_that_do_not_rise_or_do_not_exist_are_refused(layers) -> None:
    with pytest.raises(ValueError, match="--nce_layers .* give rising numbers of layers from 0 to"):
        cut(nce_layers=layers)


def test_a_generator_that_gives_no_features_is_refused() -> None:
    with pytest.raises(ValueError, match="--model cut needs a --netG that gives features"):
        layer_numbers("auto", torch.nn.Identity())


@pytest.mark.parametrize("netF", ["sample", "reshape"])
def test_patches_can_be_compared_as_they_are(netF) -> None:
    model = cut(netF=netF)
    assert changed(model, lambda: model.train_step(batch())) == {"G", "D"}


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        ({"lambda_NCE": 0}, ["G_GAN", "D_real", "D_fake", "G"]),
        ({"lambda_GAN": 0}, ["G", "NCE", "NCE_Y"]),
        ({"nce_idt": False}, ["G_GAN", "D_real", "D_fake", "G", "NCE"]),
        ({"gan_mode": "wgangp"}, ["G_GAN", "D_real", "D_fake", "G", "NCE", "NCE_Y", "D_gp"]),
        ({"gan_mode": "hinge"}, ["G_GAN", "D_real", "D_fake", "G", "NCE", "NCE_Y"]),
        ({"pool_size": 2}, ["G_GAN", "D_real", "D_fake", "G", "NCE", "NCE_Y"]),
    ],
)
def test_losses_by_flags(flags, names) -> None:
    assert list(losses(cut(**flags))) == names


def test_the_generators_loss_is_the_sum_that_the_paper_gives() -> None:
    found = losses(cut())
    expected = found["G_GAN"] + (found["NCE"] + found["NCE_Y"]) / 2
    assert found["G"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("input_nc", "output_nc"), [(1, 3), (3, 1), (4, 2), (1, 1)])
def test_images_of_any_number_of_channels(input_nc, output_nc) -> None:
    model = cut(input_nc=input_nc, output_nc=output_nc)
    step = model.train_step(batch(A=input_nc, B=output_nc))
    assert step.visuals["fake_B"].shape[1] == output_nc
    assert torch.isfinite(step.losses["NCE_Y"])


def test_colour_becomes_grey_by_the_mean_and_grey_becomes_colour_by_repeating() -> None:
    colour, grey = torch.rand(2, 3, 4, 5), torch.rand(2, 1, 4, 5)
    torch.testing.assert_close(match_channels(colour, 1), colour.mean(1, keepdim=True))
    assert torch.equal(match_channels(grey, 3), grey.expand(2, 3, 4, 5))


def test_images_of_unlike_sizes() -> None:
    images = batch()
    images["B"] = images["B"][..., :24]
    assert torch.isfinite(cut().train_step(images).losses["NCE_Y"])


@pytest.mark.parametrize("group", [CUTOptions, FastCUTOptions])
def test_features_of_the_translation_are_those_of_translating_again(group, monkeypatch) -> None:
    monkeypatch.setattr(cut_model, "draw_flip", lambda: False)
    images = {name: one.double() for name, one in batch(n=2).items() if name in "AB"}
    results = []
    for reuses in (True, False):
        model = cut(group).double()
        assert model.reuses
        model.reuses = reuses
        for number in range(3):
            torch.manual_seed(number)
            found = model.train_step(images).losses
        results.append([found, dict(model.named_parameters())])
    torch.testing.assert_close(*results, rtol=1e-11, atol=1e-13)


def test_mirrored_inputs_are_shown_as_they_are(monkeypatch) -> None:
    model, images = cut(FastCUTOptions), batch()
    monkeypatch.setattr(cut_model, "draw_flip", lambda: True)
    with torch.no_grad():
        expected = model.G(images["A"].flip(-1)).flip(-1)
    step = model.train_step(images)
    assert torch.equal(step.visuals["real_A"], images["A"])
    torch.testing.assert_close(step.visuals["fake_B"], expected)


@pytest.mark.parametrize("group", [CUTOptions, FastCUTOptions])
def test_recorded_steps_train_as_others_do(group, caplog) -> None:
    def trained(model) -> list:
        seen = []
        for number in range(12):
            torch.manual_seed(number)
            step = model.train_step(batch())
            seen.append({**step.losses, **step.visuals})
        return [model.state_dict(), seen]

    recorded = cut(group, no_dropout=False)
    recorded.graphs = Graphs(recorded, lambda: Rerun(recorded))
    torch.testing.assert_close(
        trained(recorded), trained(cut(group, no_dropout=False)), rtol=0, atol=0
    )
    assert recorded.graphs.works
    assert recorded.why_not_recorded() == ""
    assert not caplog.records


@pytest.mark.parametrize("group", [Pix2PixOptions, CycleGANOptions])
def test_other_models_can_be_anti_aliased(group) -> None:
    flags = {**TINY, "no_antialias": False, "no_antialias_up": False}
    model = create_model(group(**flags), adam=Adam())
    filters = {name for name in model.state_dict() if name.endswith("filt")}
    assert len(filters) == (7 if group is Pix2PixOptions else 14)
    assert changed(model, lambda: model.train_step(batch())) == set(model.networks())
