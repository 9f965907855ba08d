"""What must be so for all image pools and learning rates."""

from __future__ import annotations

import random

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from models.engine.image_pool import ImagePool
from options.train_options import LR_POLICIES
from util.checkpoints import files as checkpoint
from util.training.lr_schedule import lr_multiplier

BATCHES = st.lists(st.integers(1, 3), min_size=1, max_size=12)


def numbered(first: int, count: int) -> torch.Tensor:
    """(count, 1, 1, 1): images that can be told apart."""
    return torch.arange(first, first + count, dtype=torch.float32).reshape(count, 1, 1, 1)


@given(st.integers(0, 6), BATCHES, st.integers())
def test_a_pool_returns_only_what_was_put_in_and_stays_within_its_size(size, batches, seed) -> None:
    pool, shown = ImagePool(size, random.Random(seed)), 0
    for count in batches:
        images = numbered(shown, count)
        shown += count
        answer = pool.query(images)
        assert answer.shape == images.shape
        assert 0 <= answer.min() <= answer.max() < shown
        assert len(pool.images) <= size
        if shown <= size:
            assert torch.equal(answer, images)  # not full yet


@given(st.integers(0, 6), BATCHES, BATCHES, st.integers(), st.integers())
def test_a_restored_pool_goes_on_as_the_first_would_have(size, before, after, seed, other) -> None:
    pool, restored = (ImagePool(size, random.Random(s)) for s in (seed, other))
    for i, count in enumerate(before):
        pool.query(numbered(10 * i, count))
    restored.load_state_dict(checkpoint.on_cpu(pool.state_dict()))
    for i, count in enumerate(after):
        images = numbered(1000 + 10 * i, count)
        assert torch.equal(pool.query(images), restored.query(images))


@given(
    st.sampled_from(LR_POLICIES),
    st.integers(0, 300),
    st.integers(0, 300),
    st.integers(1, 100),
    st.lists(st.floats(-1e6, 1e6), max_size=60),
    st.data(),
)
def test_the_learning_rate_is_never_above_its_start_nor_gone(
    policy, n_epochs, n_epochs_decay, step, metric, data
) -> None:
    last = n_epochs + n_epochs_decay
    assume(last)
    epoch = data.draw(st.integers(1, last))
    arguments = (policy, n_epochs, n_epochs_decay, step, metric)
    now = lr_multiplier(epoch, *arguments)
    assert 0 < now <= 1
    if epoch < last:
        assert lr_multiplier(epoch + 1, *arguments) <= now + 1e-12  # no policy rises
    if policy == "linear" and epoch <= n_epochs:
        assert now == 1


@pytest.mark.parametrize("policy", LR_POLICIES)
def test_the_first_epoch_has_the_whole_learning_rate(policy: str) -> None:
    assert lr_multiplier(1, policy, 3, 2, 50) == 1
