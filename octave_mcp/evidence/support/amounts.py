"""Checks whether two figures are the same, or whether a figure can be calculated from two others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from octave_mcp.evidence.support.quantities import Quantity

# These tolerances allow for floating-point errors.
_RELATIVE_TOLERANCE = 1e-9
_PERCENT_TOLERANCE = 1e-6
# Durations of two days or more can differ by 2 %. For example, 12 months of 30 days are not a year of 365 days.
_LONG_SECONDS = 172_800.0
_LONG_TOLERANCE = 0.02
# "A third" is 33.33 %, but pages often say 33 %.
_ROUNDED_POINTS = 0.5
# Shares in words are imprecise: 31 % can also be called "a third".
_ROUGH_POINTS = 4.0
_ABOUT_TOLERANCE = 0.1
# Writers call 45 or 50 "over 40", but hardly 60.
_BOUND_FACTOR = 1.25
# "Thousands" can mean 1,000 or more, but less than 1,000,000.
_VAGUE_FACTOR = 1000


def is_said(claimed: Quantity, quoted: Quantity) -> bool:
    """Whether the quoted figure has the claimed value.

    Limits such as "up to" are ignored here. `is_capped` checks them.
    """
    if "vague" in (claimed.bound, quoted.bound):
        return _matches_vaguely(claimed, quoted)
    if claimed.unit != quoted.unit:
        return _matches_in_other_unit(claimed, quoted)
    if claimed.is_year:
        return is_same(claimed, quoted)
    return is_same(claimed, quoted) or _is_within_bound(claimed, quoted) or _is_rough_share(claimed, quoted)


def is_same(first: Quantity, second: Quantity) -> bool:
    """Whether two figures with the same unit are equal, apart from rounding.

    Thirds and sixths can differ by half a percentage point, and durations of two days or more can differ by 2 %.
    """
    difference = abs(first.value - second.value)
    if first.unit == second.unit == "s" and min(first.value, second.value) >= _LONG_SECONDS:
        return difference <= _LONG_TOLERANCE * max(first.value, second.value)
    if first.unit == second.unit == "%":
        return difference <= (_ROUNDED_POINTS if _is_sixth(first) or _is_sixth(second) else _PERCENT_TOLERANCE)
    return difference <= _RELATIVE_TOLERANCE * max(1.0, abs(first.value))


def is_capped(claimed: Quantity, quoted: Quantity) -> bool:
    """Whether the claim omits a limit: the quotation says "up to 40" or "nearly 40", and the claim just says 40.

    A claim is allowed to omit a limit on a duration: "answers within 15 minutes" supports "answers in 15 minutes".
    """
    if claimed.bound not in "=>" or quoted.bound in ("=", ">", "~", "vague"):
        return False
    return not (quoted.unit == "s" and quoted.bound in ("<", "<="))


_ABOVE, _BELOW = frozenset(">"), frozenset(("<", "<=", "~<"))


def is_opposed(claimed: Quantity, quoted: Quantity) -> bool:
    """Whether the bounds of two figures contradict each other: "more than a week" and "less than a week".

    "38 % on average" contradicts both "at least 38 %" and "under 38 %".
    """
    if claimed.bound in (">", "<") and quoted.bound == "~":
        return True
    return (claimed.bound in _ABOVE and quoted.bound in _BELOW) or (claimed.bound in _BELOW and quoted.bound in _ABOVE)


def is_derived(claimed: Quantity, quoted: Sequence[Quantity]) -> bool:
    """Whether the claimed figure can be calculated from two quoted figures that stand close together.

    At most one other figure can stand between them. For example, "5 weeks sooner" follows from "3 weeks instead of 8".
    A share also follows from its complement, such as 40 % from 60 %.
    """
    if claimed.unit == "%" and any(q.unit == "%" and _is_near(claimed, 100 - q.value) for q in quoted):
        return True
    return any(
        _is_near(claimed, value)
        for place, first in enumerate(quoted)
        for second in quoted[place + 1 : place + 3]
        if first.unit == second.unit and _are_comparable(first, second)
        for value in _derivable_values(claimed, first, second)
    )


def _are_comparable(first: Quantity, second: Quantity) -> bool:
    # Figures of different magnitudes, such as 3 branches and 40,000 parcels, rarely belong together, so they are not
    # combined.
    low, high = sorted((first.value, second.value))
    return low >= _ABOUT_TOLERANCE / 2 * high


def _derivable_values(claimed: Quantity, first: Quantity, second: Quantity) -> Iterator[float]:
    """Yield the values that can be calculated from two figures: sum, difference, share and multiple.

    Figures from different sentences rarely belong together. Their sum, difference or share counts only if the claimed
    figure is approximate, such as "about 40". Multiples always count.
    """
    low, high = sorted((first.value, second.value))
    if claimed.unit == first.unit and (first.sentence == second.sentence or claimed.bound == "~"):
        yield from (high - low, high + low)
    elif claimed.unit == "%" and low and (first.sentence == second.sentence or claimed.bound == "~"):
        yield from (100 * low / high, 100 * (high - low) / high, 100 * (high - low) / low)
    elif claimed.unit == "x" and low:
        yield high / low


def _is_near(claimed: Quantity, value: float) -> bool:
    difference = abs(claimed.value - value)
    if claimed.bound == ">" and claimed.value <= value <= _BOUND_FACTOR * claimed.value:
        return True
    if claimed.bound in ("<", "<=") and claimed.value / _BOUND_FACTOR <= value <= claimed.value:
        return True
    if claimed.bound in ("~", "~<") or claimed.is_rough:
        return difference <= _ABOUT_TOLERANCE / 2 * max(value, _RELATIVE_TOLERANCE)
    is_rounded = claimed.unit == "%" and claimed.value % 1 == 0 and claimed.value >= 10  # noqa: PLR2004 - two digits
    return difference <= (_ROUNDED_POINTS if is_rounded else _PERCENT_TOLERANCE)


def _is_within_bound(claimed: Quantity, quoted: Quantity) -> bool:
    """Whether the quoted value is within the claimed bound: 45 is within "over 40", and 38 is within "under 40"."""
    if claimed.bound == ">":
        return quoted.bound in "=>" and claimed.value < quoted.value <= _BOUND_FACTOR * claimed.value
    if claimed.bound == "<" and quoted.bound == "<=" and not claimed.unit:  # "Under 18" means "up to 17".
        return claimed.value - quoted.value == 1
    if quoted.bound != "=":
        return False
    if claimed.bound in ("~", "~<"):
        is_rounded = _digits(claimed.raw) < _digits(quoted.raw)
        is_below = claimed.bound == "~" or quoted.value <= claimed.value
        return is_rounded and is_below and abs(claimed.value - quoted.value) <= _ABOUT_TOLERANCE * quoted.value
    return claimed.bound in ("<", "<=") and claimed.value / _BOUND_FACTOR <= quoted.value <= claimed.value


def _digits(number: float) -> int:
    """Count the significant digits.

    "About 600" can mean 598, because 600 has fewer significant digits than 598.
    """
    return len(f"{number:.10f}".replace(".", "").strip("0"))


def _is_rough_share(claimed: Quantity, quoted: Quantity) -> bool:
    """Whether two shares differ by at most four percentage points.

    At least one share must be in words, such as "a third". If the claim says "over" or "under", the quoted share must
    be over or under the claimed share.
    """
    is_rough = claimed.unit == quoted.unit == "%" and (claimed.is_rough or quoted.is_rough)
    if not is_rough or abs(claimed.value - quoted.value) > _ROUGH_POINTS:
        return False
    is_above = claimed.bound != ">" or quoted.value >= claimed.value
    return is_above and (claimed.bound not in ("<", "<=", "~<") or quoted.value <= claimed.value + _ROUNDED_POINTS)


def _is_sixth(share: Quantity) -> bool:
    sixths = share.value * 6 / 100
    is_near = abs(sixths - round(sixths)) < 1e-2  # noqa: PLR2004 - matches 33.3 and 33.33
    return is_near and round(sixths) in {1, 2, 4, 5}


def _matches_in_other_unit(claimed: Quantity, quoted: Quantity) -> bool:
    """Whether figures with different units match: "2x" matches "up 100 %", and "6 weeks" matches "6"."""
    units = {claimed.unit, quoted.unit}
    if units == {"%", "x"}:
        is_inverse = (
            quoted.is_rough and abs(100 / max(claimed.value, _PERCENT_TOLERANCE) - quoted.value) <= _ROUNDED_POINTS
        )
        return _as_increase(claimed) == _as_increase(quoted) or (is_inverse and claimed.unit == "x")
    may_differ = units == {"", "x"} or not claimed.unit or (claimed.unit == "s" and not quoted.unit)
    return (
        may_differ
        and quoted.unit != "%"
        and abs(claimed.raw - quoted.raw) <= _RELATIVE_TOLERANCE * max(1.0, quoted.raw)
    )


def _as_increase(quantity: Quantity) -> float:
    return round(quantity.value - 1, 4) if quantity.unit == "x" else round(quantity.value / 100, 4)


def _matches_vaguely(claimed: Quantity, quoted: Quantity) -> bool:
    """Whether a vague figure covers the other figure: "thousands" covers 4,500 and "thousands"."""
    if claimed.bound == quoted.bound:
        return claimed.value == quoted.value
    return (
        claimed.bound == "vague" and not quoted.unit and claimed.value <= quoted.value < _VAGUE_FACTOR * claimed.value
    )
