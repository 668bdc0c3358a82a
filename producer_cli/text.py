"""Text from outside, made safe to print."""


def strip_control_chars(text: str) -> str:
    """Replace every character that is not printable by a space: escape sequences could steer the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)
