"""Which domain the images belong to that models show and save."""

from __future__ import annotations

SIDES = {  # what a model calls an image -> "A", the domain of its inputs, or "B", that of its outputs
    **dict.fromkeys(("real", "real_A", "fake_A", "rec_A", "idt_B"), "A"),
    **dict.fromkeys(("fake", "real_B", "fake_B", "rec_B", "idt_A"), "B"),
}
