"""Which library reads a workbook."""

from collections.abc import Sequence
from pathlib import Path

from consumer.errors import SourceTooLarge
from consumer.sources.excel.reader import OpenReader, SheetReader
from consumer.sources.excel.sniff import WorkbookKind


def readers(kind: WorkbookKind, *, frugal: bool) -> Sequence[OpenReader]:
    """Ways to open a workbook, to be tried in this order until one does not find it unusual.

    The last one finds nothing unusual: what it cannot read is an error.
    Raises SourceTooLarge where there is no frugal way.
    """
    match kind:
        case WorkbookKind.XLSX:
            return (_sparse,) if frugal else (_streaming, _dense_xlsx, _sparse)
        case WorkbookKind.XLSB:
            return (_xlsb,)
        case WorkbookKind.ODS:
            return (_ods,)
        case WorkbookKind.XLS if not frugal:
            return (_xls,)
    raise SourceTooLarge(
        f"Reading this .{kind} workbook takes more memory than is allowed. "
        "Save it as .xlsx and send that, or split it into several."
    )


# Libraries are imported when they are needed: a child reads one workbook, and starts often.


def _streaming(path: Path, block_rows: int) -> SheetReader:
    from consumer.sources.excel.stream.reader import open_stream

    return open_stream(path, block_rows)


def _xls(path: Path, block_rows: int) -> SheetReader:
    from consumer.sources.excel.xls import open_xls

    return open_xls(path, block_rows)


def _dense_xlsx(path: Path, block_rows: int) -> SheetReader:
    from consumer.sources.excel.calamine import open_calamine_xlsx

    return open_calamine_xlsx(path, block_rows)


def _sparse(path: Path, block_rows: int) -> SheetReader:
    from consumer.sources.excel.sparse import open_sparse

    return open_sparse(path, block_rows)


def _ods(path: Path, block_rows: int) -> SheetReader:
    from consumer.sources.excel.ods.reader import open_ods

    return open_ods(path, block_rows)


def _xlsb(path: Path, block_rows: int) -> SheetReader:
    from consumer.sources.excel.xlsb.reader import open_xlsb

    return open_xlsb(path, block_rows)
