"""Which half of a side-by-side pair is which, told from how the halves of all pairs look."""

from __future__ import annotations

from math import comb

import numpy as np

LARGEST = 256  # pixels of a half's middle that are looked at, each way
ENOUGH = 60  # pairs from which weights for a sum of all differences can be told
UNCLEAR = 0.4  # a difference below this share of the usual one does not tell the sides apart
MOSTLY = 0.95  # share of the pairs in which sides have to be told apart clearly
AT_MOST = 0.25  # share of the pairs that can be exceptions
CHANCE = 1e-3  # how likely alike sides may be to look as different; one swap shows from 15 pairs on

DRAWING = "label maps or drawings"
PHOTOGRAPH = "photographs"
FLAT, COLOURS = 6, 7  # places in what `describe` returns


def describe(half: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) -> (10,): how an image looks, whatever it shows.

    Mean of red, green, blue; their standard deviations; share of pixels equal to their right neighbour;
    bits of its distribution of colours; mean step between neighbours; mean colourfulness.
    """
    rows, columns = (max(0, (side - LARGEST) // 2) for side in half.shape[:2])
    middle = half[rows : rows + LARGEST, columns : columns + LARGEST]
    red, green, blue = planes = [middle[..., i].astype(np.int16) for i in range(3)]
    steps = np.maximum.reduce([np.abs(np.diff(plane, axis=1)) for plane in planes])
    colours = (red >> 4) * 256 + (green >> 4) * 16 + (blue >> 4)
    shares = np.bincount(colours.ravel()) / colours.size
    shares = shares[shares > 0]
    numbers = [
        *(plane.mean() for plane in planes),
        *(plane.std(dtype=np.float32) for plane in planes),
        (steps <= 2).mean() if steps.size else 1.0,  # JPEG leaves a little noise in flat areas
        -(shares * np.log2(shares)).sum(),
        steps.mean() if steps.size else 0.0,
        (np.maximum.reduce(planes) - np.minimum.reduce(planes)).mean(),
    ]
    return np.array(numbers, np.float32)


def swapped(left: np.ndarray, right: np.ndarray) -> list[int]:
    """Indices of the pairs whose halves look exchanged; none unless the sides differ clearly.

    Rather misses some than names a wrong one: a pair must be told by most of the descriptions that
    separate the sides, be contradicted by none of them, and each half must look like the other side.

    Args:
        left, right: (N, 10), what `describe` says of the halves.
    """
    difference = left - right
    if len(left) >= ENOUGH:
        difference = np.column_stack([difference, _combined(difference)])
    usual = np.median(difference, axis=0)
    tell = difference[:, usual != 0] / usual[usual != 0]  # 1 in a usual pair, -1 in a swapped one
    clear = [column for column in tell.T if _tells_apart(column)]
    if not clear:
        return []
    votes = np.stack(clear)  # (those that tell, N)
    against = (votes < -UNCLEAR).mean(axis=0) > 0.5
    doubt = (votes > UNCLEAR).any(axis=0)
    exchanged = _nearer(left, right, left) & _nearer(right, left, right)
    return [int(i) for i in np.nonzero(against & ~doubt & exchanged)[0]]


def _nearer(looks: np.ndarray, other: np.ndarray, own: np.ndarray) -> np.ndarray:
    """(N,): whether a half looks more like the usual one of the other side than of its own."""
    distances = []
    for side in (other, own):
        centre = np.median(side, axis=0)
        spread = np.median(np.abs(side - centre), axis=0) + 0.01 * np.abs(centre) + 1e-3
        distances.append(np.minimum(np.abs(looks - centre) / spread, 10).sum(axis=1))
    return distances[0] < distances[1]


def _combined(difference: np.ndarray) -> np.ndarray:
    """(N, 10) -> (N,): the sum of differences that separates the sides best (Fisher's discriminant)."""
    scaled = difference / (difference.std(axis=0) + 1e-6)
    # Swapped pairs, wherever the strongest difference points the other way, are turned round first.
    strongest = np.abs(np.median(scaled, axis=0)).argmax()
    turned = scaled * np.where(scaled[:, strongest, None] < 0, -1, 1)
    if np.median(scaled[:, strongest]) < 0:
        turned = -turned
    spread = np.cov(turned, rowvar=False) + 0.1 * np.eye(scaled.shape[1])  # near copies among them
    weights: np.ndarray = np.linalg.solve(spread, turned.mean(axis=0))
    return scaled @ weights


def _tells_apart(tell: np.ndarray) -> bool:
    """Whether pairs fall into two clear groups, most of them into one."""
    wrong = int((tell < 0).sum())
    clearly = (np.abs(tell) > UNCLEAR).mean() >= MOSTLY
    tail = sum(comb(len(tell), k) for k in range(wrong + 1)) / 2 ** len(tell)  # as of a tossed coin
    return bool(clearly and wrong <= AT_MOST * len(tell) and 2 * tail < CHANCE)


def looks_like(descriptions: np.ndarray) -> str | None:
    """What most images of a side, (N, 10), are: DRAWING or PHOTOGRAPH; None where it is not plain."""
    flat, bits = np.median(descriptions, axis=0)[[FLAT, COLOURS]]
    if flat > 0.75 and bits < 4:
        return DRAWING
    return PHOTOGRAPH if flat < 0.6 and bits > 4.5 else None
