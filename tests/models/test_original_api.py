"""Models and data sets written for the original code: adapted, or told what is missing; the ports in migration.md are equal."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from conftest import write_images
from helpers.model import batch
from helpers.option import fails, for_test, train
from helpers.runs import ROOT, assert_same, content, run

import data
import models
import test as test_script
from models import create_model, find_model
from util.logs.records import FILE, read_record

PAGE = (ROOT / "docs/migration.md").read_text(encoding="utf-8")
THEIRS_MODEL, OUR_MODEL, THEIR_DATA, OUR_DATA = re.findall(r"```python\n(.*?)```", PAGE, re.S)[-4:]
IMPORTS = "import torch\nfrom .base_model import BaseModel\nfrom . import networks\n"
DATA_IMPORTS = "import os\nfrom PIL import Image\nfrom data.base_dataset import BaseDataset, get_params, get_transform\n"
GAN = """
from models.engine.image_pool import ImagePool

class AdversModel(BaseModel):
    @staticmethod
    def modify_commandline_options(parser, is_train=True):
        parser.set_defaults(dataset_mode="aligned")
        parser.add_argument("--soft", action="store_true", help="half of the loss")
        return parser

    def __init__(self, opt):
        super().__init__(opt)
        self.loss_names, self.visual_names = ["G", "D"], ["real_A", "fake_B", "real_B"]
        self.model_names = ["G", "D"] if self.isTrain else ["G"]
        sizes = opt.init_type, opt.init_gain, self.gpu_ids
        self.netG = networks.define_G(3, 3, opt.ngf, opt.netG, opt.norm, not opt.no_dropout, *sizes)
        if self.isTrain:
            self.netD = networks.define_D(6, opt.ndf, opt.netD, opt.n_layers_D, opt.norm, *sizes)
            self.pool = ImagePool(opt.pool_size)
            self.criterion = networks.GANLoss(opt.gan_mode).to(self.device)
            rate = {"lr": opt.lr, "betas": (opt.beta1, 0.999)}
            self.optimizer_G = torch.optim.Adam(self.netG.parameters(), **rate)
            self.optimizer_D = torch.optim.Adam(self.netD.parameters(), **rate)
            self.optimizers = [self.optimizer_G, self.optimizer_D]

    def set_input(self, input):
        self.real_A, self.real_B = (input[side].to(self.device) for side in "AB")

    def forward(self):
        self.fake_B = self.netG(self.real_A)

    def optimize_parameters(self):
        self.forward()
        fake, real = (torch.cat([self.real_A, B], 1) for B in (self.fake_B, self.real_B))
        self.set_requires_grad(self.netD, True)
        self.optimizer_D.zero_grad()
        seen = self.pool.query(fake.detach())
        self.loss_D = self.criterion(self.netD(seen), False) + self.criterion(self.netD(real), True)
        self.loss_D.backward()
        self.optimizer_D.step()
        self.set_requires_grad([self.netD], False)
        self.optimizer_G.zero_grad()
        self.loss_G = self.criterion(self.netD(fake), True) * (0.5 if self.opt.soft else 1)
        self.loss_G.backward()
        self.optimizer_G.step()
"""
FLAGS = "--model sharp --netG resnet_6blocks --ngf 2 --no_dropout --lambda_sharp 7"


@pytest.fixture
def drop_in(tmp_path, monkeypatch):
    """Puts a file beside ours: package, name, text."""

    def put(package, name: str, text: str) -> None:
        folder = tmp_path / package.__name__
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
        monkeypatch.delitem(sys.modules, f"{package.__name__}.{name[:-3]}", raising=False)

    return put


def listed(root: Path) -> Path:
    for side in "AB":
        write_images(root / side, 4, 40, 40)
    for phase in ("train", "val", "test"):
        (root / f"{phase}.txt").write_text(
            "".join(f"A/{i:03d}.png B/{i:03d}.png\n" for i in range(4))
        )
    return root


def test_a_model_of_the_original_code_trains_continues_and_tests_as_it_is(
    drop_in, paired, tmp_path
) -> None:
    drop_in(models, "sharp_model.py", IMPORTS + THEIRS_MODEL)
    flags = "--lambda_sharp 7 --print_freq 2 --norm instance"
    folder = run(paired, tmp_path, "n", flags, model="sharp")
    assert [*read_record(folder / FILE).losses[0][1]] == ["G_L1", "G_sharp"]
    assert (folder / "latest_net_G.pth").exists()
    run(paired, tmp_path, "n", flags, "--n_epochs 2 --continue_train", model="sharp")
    whole = run(paired, tmp_path, "whole", flags, "--n_epochs 2", model="sharp")
    assert_same(content(folder)["networks"], content(whole)["networks"])
    words = ["--dataroot", str(paired), "--checkpoints_dir", str(tmp_path), "--name", "n"]
    words += ["--model", "sharp", "--results_dir", str(tmp_path / "r"), "--gpu_ids", "-1"]
    assert test_script.main(words) == 0
    assert len(list((tmp_path / "r").rglob("*fake_B.png"))) == 3


def test_its_flags_and_defaults_are_those_of_modify_commandline_options(drop_in) -> None:
    drop_in(models, "sharp_model.py", IMPORTS + THEIRS_MODEL)
    options = train("--model", "sharp", "--lambda_sharp", "3")
    assert (options.model.lambda_sharp, options.model.lambda_L1) == (3.0, 100.0)
    assert (options.model.netG, options.data.dataset_mode) == ("unet_256", "aligned")
    assert for_test("--model", "sharp").data.dataset_mode == "aligned"


def test_the_ported_model_of_the_migration_page_learns_what_the_original_does(drop_in) -> None:
    losses = []
    for text in (IMPORTS + THEIRS_MODEL, OUR_MODEL):
        drop_in(models, "sharp_model.py", text)
        options = train(*FLAGS.split(), "--norm", "instance").model
        model = create_model(options, adam=models.Adam(), seed=3)
        steps = [model.train_step(batch()).losses for _ in range(3)]
        losses.append([{k: float(v) for k, v in step.items()} for step in steps])
    for one, other in zip(*losses, strict=True):
        assert one == pytest.approx(other, rel=1e-5)


def test_the_ported_data_set_of_the_migration_page_trains(drop_in, tmp_path) -> None:
    drop_in(models, "sharp_model.py", OUR_MODEL)
    drop_in(data, "listed_dataset.py", OUR_DATA)
    root = listed(tmp_path / "pairs")
    run(root, tmp_path, "n", "--dataset_mode listed --list_file train.txt", model="sharp")


def test_a_data_set_of_the_original_code_is_told_where_ports_are_shown(drop_in, capsys) -> None:
    drop_in(data, "listed_dataset.py", DATA_IMPORTS + THEIR_DATA)
    told = fails(capsys, "--dataset_mode", "listed")
    assert (
        "data/listed_dataset.py: cannot import name 'get_params' from 'data.base_dataset'" in told
    )
    assert "docs/migration.md, Python code" in told
    plain = THEIR_DATA.replace("get_params", "print").replace("get_transform", "print")
    drop_in(data, "listed_dataset.py", "from data.base_dataset import BaseDataset\n" + plain)
    told = fails(capsys, "--dataset_mode", "listed")
    assert "data/listed_dataset.py: ListedDataset has no item(index, rng)" in told


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("def set_input", "def take"), "SharpModel has no set_input: see docs/migration.md"),
        (("self.loss_names = ", "names = "), "SharpModel has no loss_names"),
        (("opt.ngf", "opt.crop_size"), "this model reads opt.crop_size, which models do not get"),
    ],
)
def test_what_a_model_of_the_original_code_lacks_is_named(drop_in, change, message) -> None:
    drop_in(models, "sharp_model.py", (IMPORTS + THEIRS_MODEL).replace(*change))
    with pytest.raises(ValueError, match=message):
        create_model(find_model("sharp").Options(model="sharp"), adam=models.Adam())


def test_a_package_that_is_missing_is_no_matter_of_porting(drop_in) -> None:
    drop_in(models, "sharp_model.py", "import no_such_package\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        find_model("sharp")


def test_a_gan_of_the_original_code_has_its_networks_losses_and_pool_and_goes_on_bit_for_bit(
    drop_in, paired, tmp_path
) -> None:
    drop_in(models, "advers_model.py", IMPORTS + GAN)
    flags = "--soft --norm instance --pool_size 3 --gan_mode vanilla"
    folder = run(paired, tmp_path, "n", flags, model="advers")
    state = content(folder)
    assert set(state["networks"]) == {"G", "D"}
    assert len(state["stateful"]["pool_pool"]["images"]) == 3
    assert {"optimizer_0", "optimizer_1"} <= set(state["stateful"])
    run(paired, tmp_path, "n", flags, "--n_epochs 2 --continue_train", model="advers")
    whole = run(paired, tmp_path, "whole", flags, "--n_epochs 2", model="advers")
    for part in ("networks", "stateful"):
        assert_same(content(folder)[part], content(whole)[part])
