"""`GET /migration/datasets/{name}/template`."""

import io

import httpx
import openpyxl
import pytest

from schemas.http_headers import XLSX_MEDIA_TYPE
from tests.support.http_app import NO_DATABASE, make_read_only_app


async def get(path: str) -> httpx.Response:
    transport = httpx.ASGITransport(make_read_only_app(NO_DATABASE))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return await client.get(path)


async def test_template_is_a_workbook_to_save() -> None:
    answer = await get("/migration/datasets/chats/template")
    assert (answer.status_code, answer.headers["content-type"]) == (200, XLSX_MEDIA_TYPE)
    assert answer.headers["content-disposition"] == 'attachment; filename="chats-template.xlsx"'
    assert openpyxl.load_workbook(io.BytesIO(answer.content)).sheetnames == ["Чаты"]


@pytest.mark.parametrize("name", ["students", "..%2Fchats", "x" * 500])
async def test_unknown_dataset_has_no_template(name: str) -> None:
    answer = await get(f"/migration/datasets/{name}/template")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert len(answer.json()["detail"]) < 250
