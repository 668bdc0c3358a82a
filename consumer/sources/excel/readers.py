"""Chooses the readers of a workbook by its format."""

from collections.abc import Sequence
from pathlib import Path

from consumer.errors import SourceTooLargeError
from consumer.sources.excel.reader_protocol import ReaderFactory, WorkbookReader
from consumer.sources.excel.sniff import WorkbookKind


def readers_for(kind: WorkbookKind, *, low_memory: bool) -> Sequence[ReaderFactory]:
    """Readers to try in this order until one does not raise UnsupportedByReaderError; the last never does.

    Raises SourceTooLargeError if no reader of the format works in low memory.
    """
    match kind:
        case WorkbookKind.XLSX:
            return (_sax,) if low_memory else (_vectorized, _calamine_xlsx, _sax)
        case WorkbookKind.XLSB:
            return (_xlsb,)
        case WorkbookKind.ODS:
            return (_ods,)
        case WorkbookKind.XLS if not low_memory:
            return (_xls,)
    raise SourceTooLargeError(
        f"Reading this .{kind} workbook takes more memory than is allowed. "
        "Save it as .xlsx and send that, or split it into several."
    )


# Libraries are imported on use: a child process reads one workbook, and starts often.


def _vectorized(path: Path, block_rows: int) -> WorkbookReader:
    from consumer.sources.excel.vectorized.reader import open_vectorized

    return open_vectorized(path, block_rows)


def _xls(path: Path, block_rows: int) -> WorkbookReader:
    from consumer.sources.excel.xls.reader import open_xls

    return open_xls(path, block_rows)


def _calamine_xlsx(path: Path, block_rows: int) -> WorkbookReader:
    from consumer.sources.excel.xlsx.calamine_reader import open_calamine_xlsx

    return open_calamine_xlsx(path, block_rows)


def _sax(path: Path, block_rows: int) -> WorkbookReader:
    from consumer.sources.excel.xlsx.sax_reader import open_sax

    return open_sax(path, block_rows)


def _ods(path: Path, block_rows: int) -> WorkbookReader:
    from consumer.sources.excel.ods.reader import open_ods

    return open_ods(path, block_rows)


def _xlsb(path: Path, block_rows: int) -> WorkbookReader:
    from consumer.sources.excel.xlsb.reader import open_xlsb

    return open_xlsb(path, block_rows)
