"""Edge drawings as those of edges2shoes: soft edges of any detector -> lines of one pixel, and Canny's edges.

Soft edges are (H, W) floats in [0, 1], 1 for a sure edge; edges are (H, W) bool.
"""

from __future__ import annotations

import numpy as np

SMOOTHING = 4  # radius in pixels of what orientations are computed from
MARGIN = 5  # pixels along the border whose edges are weakened
LEAD = 1.01  # how much stronger than its edge a neighbour has to be


def canny_edges(grey: np.ndarray, sigma: float, low: float, high: float) -> np.ndarray:
    """Edges of a (H, W) picture in [0, 1] (Canny 1986).

    Args:
        sigma: width in pixels of the Gaussian that removes detail.
        low, high: gradients that continue and that begin an edge, 0 to 1.
    """
    from skimage.feature import canny  # takes a second

    return canny(grey, sigma=sigma, low_threshold=low, high_threshold=high)


def drawn_edges(soft: np.ndarray, threshold: float, small_edge: int) -> np.ndarray:
    """Post-processes soft edges as the papers do: ridges, threshold, thinning, no small pieces."""
    return clean(ridges(soft) >= max(threshold, np.finfo(float).eps), small_edge)


def clean(edges: np.ndarray, small_edge: int) -> np.ndarray:
    """Edges thinned to one pixel, without pieces (8-connected) of fewer than small_edge pixels."""
    from skimage.measure import label
    from skimage.morphology import thin

    pieces = label(thin(edges), connectivity=2)
    sizes = np.bincount(pieces.ravel())
    kept = sizes >= small_edge
    kept[0] = False  # the background
    return kept[pieces]


def ridges(soft: np.ndarray) -> np.ndarray:
    """Keeps soft edges that no neighbour across them exceeds; 0 elsewhere (Dollar and Zitnick 2013, edgesNms)."""
    from scipy.ndimage import map_coordinates  # scikit-image needs SciPy: it is there

    angle = orientation(soft)
    y, x = np.mgrid[0 : soft.shape[0], 0 : soft.shape[1]].astype(np.float64)
    kept = soft.astype(np.float64)
    for side in (-1, 1):
        place = [y + side * np.sin(angle), x + side * np.cos(angle)]
        neighbour = map_coordinates(soft.astype(np.float64), place, order=1, mode="nearest")
        kept[soft * LEAD < neighbour] = 0
    return kept * _fading(soft.shape[0])[:, None] * _fading(soft.shape[1])


def orientation(soft: np.ndarray) -> np.ndarray:
    """Returns the angle across the edge at each pixel, to x, from the second derivatives of the smoothed map.

    It is the axis of the stronger bend: down on the ridge, up beside it. edgesNms takes the quotient of two derivatives for it, which is right
    for multiples of 45 degrees only, and undefined for level lines.
    """
    from scipy.ndimage import uniform_filter

    smooth = soft.astype(np.float64)
    for _ in range(2):  # two boxes are a triangle
        smooth = uniform_filter(smooth, SMOOTHING + 1, mode="nearest")
    down, right = np.gradient(smooth)
    right_down, right_right = np.gradient(right)
    down_down = np.gradient(down, axis=0)
    bend = np.where(right_right + down_down > 0, 1.0, -1.0)
    return np.arctan2(2 * bend * right_down, bend * (right_right - down_down)) / 2


def _fading(length: int) -> np.ndarray:
    """(length,) 1 inside, towards 0 in the margin at both ends."""
    margin = min(MARGIN, length // 2)
    place = np.arange(length)
    return np.minimum(1, np.minimum(place, place[::-1]) / max(margin, 1))
