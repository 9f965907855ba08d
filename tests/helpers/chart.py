"""What charts in a browser show: colours on their canvas, and values where the mouse points."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

INK = """canvas => {
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Map();
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b, alpha] = data.slice(i, i + 4);
    const most = Math.max(r, g, b) - Math.min(r, g, b);
    if (alpha > 200 && most > 60) colours.set(`${r},${g},${b}`, (colours.get(`${r},${g},${b}`) ?? 0) + 1);
  }
  return Object.fromEntries(colours);
}"""
BLUE, ORANGE = "0,114,178", "213,94,0"


def ink(page: Page, chart: int = 0) -> dict[str, int]:
    """Colour of a line -> pixels of it on the canvas."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 30)))")
    return page.locator(".chart canvas:not(.marks)").nth(chart).evaluate(INK)


def tip(page: Page, share: float, chart: int = 0) -> dict[str, float]:
    """What is said where the mouse points, at a share of the chart's width: place, and values by name."""
    canvas = page.locator(".chart .marks").nth(chart)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 58 + share * (box["width"] - 68), box["y"] + 60)
    one = page.locator(".tip").nth(chart)
    expect(one).to_be_visible()
    rows = [row.split("\t") for row in one.locator("table").inner_text().splitlines()]
    place = re.search(r"· ([\d,]+) images", one.locator("b").inner_text())
    return {
        "image": int(place[1].replace(",", "")),
        **{row[0].strip(): float(row[1]) for row in rows},
    }
