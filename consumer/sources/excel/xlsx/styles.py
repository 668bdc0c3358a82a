"""The cell formats of an .xlsx (`xl/styles.xml`)."""

from consumer.sources.excel.number_formats import NumberFormat, classify_builtin, classify_format_code
from consumer.sources.excel.xml.sax import Attributes, SaxHandler


class StylesHandler(SaxHandler):
    """Collects `formats`: the number format by index, which is the attribute `s` of a cell."""

    def __init__(self) -> None:
        self.formats: list[NumberFormat] = []
        self._custom: dict[str, NumberFormat] = {}
        self._inside = ""

    def start(self, name: str, attributes: Attributes) -> None:
        """Collect custom formats and cell formats; custom formats come first in the part."""
        if name in {"numFmts", "cellXfs"}:
            self._inside = name
        elif name == "numFmt" and self._inside == "numFmts":
            if "numFmtId" in attributes and "formatCode" in attributes:
                self._custom[attributes["numFmtId"]] = classify_format_code(attributes["formatCode"])
        elif name == "xf" and self._inside == "cellXfs":
            number = attributes.get("numFmtId", "")
            self.formats.append(self._custom.get(number, classify_builtin(number)))

    def end(self, name: str) -> None:
        """Leave `numFmts` or `cellXfs`."""
        if name == self._inside:
            self._inside = ""
