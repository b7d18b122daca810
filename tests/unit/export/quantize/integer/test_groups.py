"""Groups of inner channels."""

from __future__ import annotations

import pytest

from biolord_export.quantize.integer.groups import even_widths


@pytest.mark.parametrize(
    ("channels", "widths"),
    [(64, (64,)), (128, (128,)), (256, (256,)), (320, (64,) * 5), (512, (256,) * 2), (1536, (256,) * 6)],
)
def test_groups_are_the_widest_that_divide_all_channels(channels: int, widths: tuple[int, ...]) -> None:
    """Multiples of 64, up to 256."""
    assert even_widths(channels) == widths
