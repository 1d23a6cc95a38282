"""Whether one figure says what another says, or follows from two others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from octave_mcp.evidence.support.quantities import Quantity

_EXACT = 1e-9
_NEARLY = 1e-6
_LONG_SECONDS = 172_800.0
# A month is 30 days, a quarter is 13 weeks: for times of two days or more.
_LONG_TOLERANCE = 0.02
_THIRD_POINTS = 0.5
# A share in words is rounded: 'a third' of 31 %.
_ROUGH_POINTS = 4.0
_ABOUT = 0.1
# 'Over 40' of 50 at most.
_MARGIN = 1.25
_VAGUE_MARGIN = 1000


def is_said(claimed: Quantity, said: Quantity) -> bool:
    """Whether the value is there, its bound aside."""
    if "vague" in (claimed.bound, said.bound):
        return _is_vaguely(claimed, said)
    if claimed.unit != said.unit:
        return _is_in_another_unit(claimed, said)
    if claimed.is_year:
        return is_same(claimed, said)
    return is_same(claimed, said) or _is_within(claimed, said) or _is_roughly(claimed, said)


def is_same(one: Quantity, other: Quantity) -> bool:
    """Equal but for rounding: thirds and sixths by half a point, times of two days or more by 2 %."""
    apart = abs(one.value - other.value)
    if one.unit == other.unit == "s" and min(one.value, other.value) >= _LONG_SECONDS:
        return apart <= _LONG_TOLERANCE * max(one.value, other.value)
    if one.unit == other.unit == "%":
        return apart <= (_THIRD_POINTS if _is_sixth(one) or _is_sixth(other) else _NEARLY)
    return apart <= _EXACT * max(1.0, abs(one.value))


def is_capped(claimed: Quantity, said: Quantity) -> bool:
    """'Up to 40' or 'nearly 40' read as 40; below is enough for a time ('within 15 minutes')."""
    if claimed.bound not in "=>" or said.bound in ("=", ">", "~", "vague"):
        return False
    return not (said.unit == "s" and said.bound in ("<", "<="))


_ABOVE, _BELOW = frozenset(">"), frozenset(("<", "<=", "~<"))


def is_opposed(claimed: Quantity, said: Quantity) -> bool:
    """'More than a week' is not 'less than a week', and no less than 'a week on average'."""
    if claimed.bound in (">", "<") and said.bound == "~":
        return True
    return (claimed.bound in _ABOVE and said.bound in _BELOW) or (claimed.bound in _BELOW and said.bound in _ABOVE)


def is_derived(claimed: Quantity, told: Sequence[Quantity]) -> bool:
    """The difference, the sum or the share of two figures that stand together: '5 weeks sooner' of '3 instead of 8'."""
    if claimed.unit == "%" and any(q.unit == "%" and _is_near(claimed, 100 - q.value) for q in told):
        return True
    return any(
        _is_near(claimed, value)
        for at, one in enumerate(told)
        for other in told[at + 1 : at + 3]
        if one.unit == other.unit and _are_comparable(one, other)
        for value in _derived(claimed, one, other)
    )


def _are_comparable(one: Quantity, other: Quantity) -> bool:
    low, high = sorted((one.value, other.value))
    return low >= _ABOUT / 2 * high


def _derived(claimed: Quantity, one: Quantity, other: Quantity) -> Iterator[float]:
    """A sum or a difference needs one sentence, or to be rounded; a multiple or a share does not."""
    low, high = sorted((one.value, other.value))
    if claimed.unit == one.unit and (one.sentence == other.sentence or claimed.bound == "~"):
        yield from (high - low, high + low)
    elif claimed.unit == "%" and low and (one.sentence == other.sentence or claimed.bound == "~"):
        yield from (100 * low / high, 100 * (high - low) / high, 100 * (high - low) / low)
    elif claimed.unit == "x" and low:
        yield high / low


def _is_near(claimed: Quantity, value: float) -> bool:
    apart = abs(claimed.value - value)
    if claimed.bound == ">" and claimed.value <= value <= _MARGIN * claimed.value:
        return True
    if claimed.bound in ("<", "<=") and claimed.value / _MARGIN <= value <= claimed.value:
        return True
    if claimed.bound in ("~", "~<") or claimed.is_rough:
        return apart <= _ABOUT / 2 * max(value, _EXACT)
    is_rounded = claimed.unit == "%" and claimed.value % 1 == 0 and claimed.value >= 10  # noqa: PLR2004 - two digits
    return apart <= (_THIRD_POINTS if is_rounded else _NEARLY)


def _is_within(claimed: Quantity, said: Quantity) -> bool:
    """'Over 40' of 45, 'about 40' of 42, 'under 40' of 38."""
    if claimed.bound == ">":
        return said.bound in "=>" and claimed.value < said.value <= _MARGIN * claimed.value
    if claimed.bound == "<" and said.bound == "<=" and not claimed.unit:  # 'under 18' of 'up to 17'
        return claimed.value - said.value == 1
    if said.bound != "=":
        return False
    if claimed.bound in ("~", "~<"):
        is_rounded = _digits(claimed.raw) < _digits(said.raw)
        is_below = claimed.bound == "~" or said.value <= claimed.value
        return is_rounded and is_below and abs(claimed.value - said.value) <= _ABOUT * said.value
    return claimed.bound in ("<", "<=") and claimed.value / _MARGIN <= said.value <= claimed.value


def _digits(number: float) -> int:
    """How many digits it has without the zeros at its ends: 'about 600' has fewer than 598."""
    return len(f"{number:.10f}".replace(".", "").strip("0"))


def _is_roughly(claimed: Quantity, said: Quantity) -> bool:
    """A share in words of one in digits, as far as its bound allows."""
    is_rough = claimed.unit == said.unit == "%" and (claimed.is_rough or said.is_rough)
    if not is_rough or abs(claimed.value - said.value) > _ROUGH_POINTS:
        return False
    is_above = claimed.bound != ">" or said.value >= claimed.value
    return is_above and (claimed.bound not in ("<", "<=", "~<") or said.value <= claimed.value + _THIRD_POINTS)


def _is_sixth(one: Quantity) -> bool:
    sixths = one.value * 6 / 100
    is_near = abs(sixths - round(sixths)) < 1e-2  # noqa: PLR2004 - as '33.33' is written
    return is_near and round(sixths) in {1, 2, 4, 5}


def _is_in_another_unit(claimed: Quantity, said: Quantity) -> bool:
    """'2x' of 'up 100 %', a bare number of '6 weeks', and '6 weeks' of a bare number."""
    units = {claimed.unit, said.unit}
    if units == {"%", "x"}:
        is_inverse = said.is_rough and abs(100 / max(claimed.value, _NEARLY) - said.value) <= _THIRD_POINTS
        return _as_share(claimed) == _as_share(said) or (is_inverse and claimed.unit == "x")
    may_differ = units == {"", "x"} or not claimed.unit or (claimed.unit == "s" and not said.unit)
    return may_differ and said.unit != "%" and abs(claimed.raw - said.raw) <= _EXACT * max(1.0, said.raw)


def _as_share(one: Quantity) -> float:
    return round(one.value - 1, 4) if one.unit == "x" else round(one.value / 100, 4)


def _is_vaguely(claimed: Quantity, said: Quantity) -> bool:
    """'Thousands' of 4,500; and 'millions' of 'millions'."""
    if claimed.bound == said.bound:
        return claimed.value == said.value
    return claimed.bound == "vague" and not said.unit and claimed.value <= said.value < _VAGUE_MARGIN * claimed.value
