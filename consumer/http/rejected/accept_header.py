"""Content negotiation: which of several media types a client prefers, by its `Accept` header."""

from collections.abc import Sequence


def preferred(accept: str, offered: Sequence[str]) -> str:
    """The offered media type with the highest weight; the first of equal ones."""
    return max(offered, key=lambda media_type: _quality(accept, media_type))


def _quality(accept: str, media_type: str) -> float:
    """The weight of a media type: that of the most specific range that matches it (RFC 9110, 12.5.1)."""
    ranges = dict(_parse_range(part) for part in accept.lower().split(","))
    family = media_type.split("/", maxsplit=1)[0]
    for name in (media_type, f"{family}/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0


def _parse_range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip() for piece in part.split(";"))
    weights = [text[2:] for text in parameters if text.startswith("q=")]
    return name, _parse_weight(weights[0]) if weights else 1.0


def _parse_weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
