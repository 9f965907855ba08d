"""Images of any size go through, each result lying exactly on its input."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models import create_model, load_translator
from models.networks import GENERATORS, define_G
from models.test_model import TestModelOptions
from util.checkpoints import files as checkpoint
from util.images import at_any_size


@pytest.mark.parametrize("netG", GENERATORS)
@pytest.mark.parametrize("size", [(33, 70), (5, 9)])
def test_any_size_is_mirrored_below_and_to_the_right_and_cut_back(netG, size) -> None:
    options = TestModelOptions(netG=netG, ngf=1, norm="none", no_dropout=True, init_gain=0.3)
    G = create_model(options).eval().G
    multiple = G.size_multiple
    image = torch.rand(1, 3, *size) * 2 - 1
    extra = [-(-max(side, 8) // multiple) * multiple - side for side in size]
    widths = ((0, 0), (0, 0), (0, extra[0]), (0, extra[1]))
    padded = torch.from_numpy(np.pad(image.numpy(), widths, mode="reflect"))
    with torch.no_grad():
        expected = G(padded)[..., : size[0], : size[1]]
        result = at_any_size(G, image, multiple)
    assert result.shape == image.shape
    assert torch.equal(result, expected)


@pytest.mark.parametrize("netG", [name for name in GENERATORS if "decoder" not in name])
def test_results_are_not_shifted_against_the_image(tmp_path, netG) -> None:
    """What changes with a spot lies around the spot, in images of odd sizes too."""
    G = define_G(3, 3, 2, netG, "none")
    for parameter in G.parameters():  # means of what they see, so that all changes are centred
        torch.nn.init.constant_(parameter, 1 / parameter[0].numel() if parameter.dim() == 4 else 0)
    checkpoint.save(tmp_path / "G.pth", G.state_dict())
    t = load_translator(tmp_path / "G.pth", device="cpu")
    y, x = 22, 42
    plain = torch.zeros(3, 43, 67)
    spot = plain.clone()
    spot[:, y - 1 : y + 2, x - 1 : x + 2] = 1
    change = (t(spot) - t(plain)).abs().sum(0)
    change[change < change.max() / 2] = 0
    rows, columns = torch.meshgrid(torch.arange(43.0), torch.arange(67.0), indexing="ij")
    assert abs((change * rows).sum() / change.sum() - y) < 2
    assert abs((change * columns).sum() / change.sum() - x) < 2
