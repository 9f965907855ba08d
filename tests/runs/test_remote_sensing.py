"""The commands of docs/science.md for remote sensing, from GeoTIFF with missing pixels to maps that lie in their place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers import science


def scene(path: Path, bands: int, height: int, width: int, number: int, high: float) -> np.ndarray:
    """Writes bands of floats with a cloud of NaN; returns (bands, height, width)."""
    import rasterio

    rng = np.random.default_rng(number)
    array = (rng.random((bands, height, width)) * high).astype(np.float32)
    array[:, 4:9, 5 : 12 + number] = np.nan
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {
        "crs": "EPSG:32633",
        "transform": rasterio.Affine(10, 0, 500_000 + 1000 * number, 0, -10, 5_600_000),
        "nodata": float("nan"),
        "interleave": "band" if number % 2 else "pixel",
    }
    size = {"height": height, "width": width, "count": bands, "dtype": "float32"}
    with rasterio.open(path, "w", driver="GTiff", **size, **profile) as file:
        file.write(array)
    return array


def test_maps_lie_where_scenes_do_and_miss_what_they_miss(tmp_path, monkeypatch) -> None:
    rasterio = pytest.importorskip("rasterio", reason="needs rasterio, an independent reader")
    monkeypatch.chdir(tmp_path)
    for phase in ("train", "val", "test"):
        for number in range(2):
            for side, bands, high in (("A", 5, 1), ("B", 1, 8)):
                scene(Path(f"tiles/{phase}{side}/t{number}.tif"), bands, 40, 44, number, high)
    for number in range(2):
        scene(Path(f"scenes/s{number}.tif"), 5, 300, 280, number, 1)
    for words in science.commands("Remote sensing"):
        science.run(words)

    results = {
        Path(f"tiles/testA/t{number}.tif"): Path(
            f"results/leaf/test_best_l1/values/t{number}_fake_B.tif"
        )
        for number in range(2)
    }
    results |= {Path(f"scenes/s{n}.tif"): Path(f"leaf_area/s{n}.tif") for n in range(2)}
    for source, result in results.items():
        with rasterio.open(source) as given, rasterio.open(result) as made:
            assert (made.crs, made.transform) == (given.crs, given.transform)
            assert (made.count, made.dtypes, np.isnan(made.nodata)) == (1, ("float32",), True)
            missing = np.isnan(given.read()).any(axis=0)
            values = made.read(1)
            assert np.array_equal(np.isnan(values), missing)
            assert values[~missing].min() >= 0
            assert values[~missing].max() <= 8
            assert made.overviews(1) == ([2] if source.parent.name == "scenes" else [])
