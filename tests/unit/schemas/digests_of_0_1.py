"""Digests that version 0.1 recorded: a request that was recorded then is a repeat when it is sent again."""

from typing import Any

FIELDS_OF_0_1 = {
    "action",
    "connection",
    "credentials",
    "dataset",
    "file",
    "max_attempts",
    "options",
    "path",
    "request_id",
    "requested_by",
    "schema_version",
    "sheet",
    "source",
    "spreadsheet_id",
    "table",
    "timeout_seconds",
    "type",
    "upload",
    "worksheet",
}
"""Names of fields in all parts of a start request."""

UPLOAD = {
    "upload_id": "u-1",
    "partition": 0,
    "first_offset": 0,
    "last_offset": 9,
    "chunks": 2,
    "size": 600000,
    "sha256": "a" * 64,
    "name": "чаты.xlsx",
}
EXCEL = {"type": "excel", "file": {"path": "chats.xlsx"}}

DIGESTS: dict[str, tuple[dict[str, Any], str]] = {
    "a workbook of the inbox": (
        {"dataset": "chats", "source": EXCEL},
        "49250d829f4f422bdcf7ed30a6282100ac79a1b96626a7c950f2e24d38ad07f4",
    ),
    "a sheet of it": (
        {"dataset": "chats", "source": {"type": "excel", "file": {"path": "chats.xlsx"}, "sheet": "Чаты"}},
        "6e013b6e6fe396213db2f38c1ca590e94f91ff65c6857922e5e7a75800869946",
    ),
    "an upload": (
        {"dataset": "chats", "source": {"type": "excel", "file": {"upload": UPLOAD}}},
        "e068a5cf93350a839c3ac96c05df0ab6e43f4dae8dfe4b3407872c3bb81885c4",
    ),
    "an upload of another content": (
        {"dataset": "chats", "source": {"type": "excel", "file": {"upload": UPLOAD | {"sha256": "b" * 64}}}},
        "e635854fd35e0f653fce208210416082dcc2f0f41084105068b6f0106e6d0417",
    ),
    "a database": (
        {"dataset": "chats", "source": {"type": "database", "connection": "admin_panel"}},
        "2d7fdb72d1defbed1a5be2b89d820258626d912a7f12b976f521d662650662ee",
    ),
    "a table of it": (
        {
            "dataset": "chats",
            "source": {"type": "database", "connection": "admin_panel", "table": "public.chats"},
        },
        "24d68ae432bd571eac5a74b8eacf94af4f23778dc7353f357ad524072074a561",
    ),
    "a spreadsheet": (
        {"dataset": "chats", "source": {"type": "google_sheets", "spreadsheet_id": "1AbC-dEf_123"}},
        "048d63f90ffc3a6bf38794cd2377d93971d5607a8a35554bdec7a201494e272c",
    ),
    "a worksheet of it": (
        {
            "dataset": "chats",
            "source": {
                "type": "google_sheets",
                "spreadsheet_id": "1AbC-dEf_123",
                "worksheet": "Лист 2",
                "credentials": "registrar",
            },
        },
        "f192b3eaf9ac0d5941c151a999d442f206a531a9132891f90dc619bc2f308a67",
    ),
    "a timeout": (
        {"dataset": "chats", "source": EXCEL, "options": {"timeout_seconds": 7200}},
        "22e53dde6c2cfd126b43fbc630e782a49eed0db6ccaa98d02ad92ded8a6e5446",
    ),
    "attempts": (
        {"dataset": "chats", "source": EXCEL, "options": {"max_attempts": 1}},
        "558fc01f60cacf39e78ccce502a52828d0156a4db13a3114d9d2be7223760f07",
    ),
    "both options": (
        {"dataset": "chats", "source": EXCEL, "options": {"timeout_seconds": 7200, "max_attempts": 3}},
        "2ee70dabea5cbcd858fb4161befbe9430f2b157ffd84f46b1b0182c5bed6e68a",
    ),
    "another dataset": (
        {"dataset": "students", "source": EXCEL},
        "6efaf5d7aa9695eece16d0a58509eb2d8e339cdfe70920c8b0fcd1d8e295d0db",
    ),
}
