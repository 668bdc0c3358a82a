"""The columns of the dataset and their headers in Russian and English exports."""

from consumer.datasets.base import ColumnSpec, PositionalLayout, SourceTable
from consumer.datasets.chats.rules.inn_kpp import inn
from consumer.datasets.chats.rules.result import accepts
from consumer.datasets.chats.rules.url import url

SOURCE_TABLE = SourceTable(
    table="chats",
    key="id",
    columns={"inn": "inn", "name": "name", "url": "url", "phone": "admin_phone"},
    row_filter=("source", "admin_panel"),
    identity_fields=("url",),
)
"""The table of the admin panel."""

POSITIONAL_LAYOUT = PositionalLayout(
    fields=("inn", "kpp", "url", "phone"),
    detectors={"inn": accepts(inn), "url": accepts(url)},
)
"""Older sheets of the registration bot: four columns without usable headers."""

COLUMN_SPEC = ColumnSpec(
    headers={
        "region_number": ("№ региона", "номер региона", "region number"),
        "region": ("регион", "region"),
        "foiv": ("ФОИВ", "foiv"),
        "external_chat_id": ("ID чата", "chat id"),
        "name": ("название чата", "chat name", "name"),
        "url": ("ссылка на чат", "ссылка", "chat url", "url", "link"),
        "participants": (
            "кол-во участников чата",
            "количество участников чата",
            "кол-во участников",
            "participants",
            "participants count",
        ),
        "owner_id": ("ID владельца чата", "max id", "owner id"),
        "phone": (
            "телефон владельца чата",
            "номер телефона администратора",
            "телефон администратора",
            "телефон",
            "admin phone",
            "owner phone",
            "phone",
            "phone1",
        ),
        "created_on": ("дата создания чата", "created", "created at"),
        "creator_id": ("ID создателя чата", "creator id"),
        "organization": ("организация", "наименование организации", "organization", "org name"),
        "inn": ("ИНН", "ИНН организации", "inn"),
        "kpp": ("КПП", "КПП организации", "kpp"),
        "branch": (
            "головная организация",
            "наименование головного подразделения",
            "наименование головного подразделения/филиала",
            "филиал",
            "подразделение",
            "branch",
        ),
        "faculty": (
            "факультет",
            "институт",
            "структурная классификация",
            "факультет/институт/иная структурная классификация",
            "faculty",
            "institute",
        ),
        "course": ("курс", "курс обучения", "course"),
        "group": ("группа", "номер группы", "group", "group number"),
        "add_user": ("добавлен пользователь", "добавлени пользователь", "add user"),
        "add_admin": ("добавлен администратор", "add admin"),
    },
    required=("url", "inn"),
    source_table=SOURCE_TABLE,
    positional_layout=POSITIONAL_LAYOUT,
)
