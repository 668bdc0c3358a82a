"""The workbook that people fill in: the columns of the newest export, in its order."""

from datetime import date

from consumer.datasets.base import Template, TemplateColumn, TemplateFormat

TEMPLATE = Template(
    sheet="Чаты",
    columns=(
        TemplateColumn(
            "region_number",
            "№ Региона",
            "Код региона, в котором находится организация.",
            "Code of the region of the organisation.",
            ("77", "77"),
        ),
        TemplateColumn(
            "region", "Регион", "Название региона.", "Name of the region.", ("г. Москва", "г. Москва")
        ),
        TemplateColumn(
            "external_chat_id",
            "ID чата",
            "Номер чата в мессенджере.",
            "Id of the chat in the messenger.",
            ("-70000000000001", "-70000000000002"),
        ),
        TemplateColumn(
            "name",
            "Название чата",
            "Название чата. Кавычки вокруг названия убираются.",
            "Name of the chat. Quotes around it are removed.",
            ("Пример: группа ИС-101", "Пример: группа ИС-102"),
        ),
        TemplateColumn(
            "url",
            "Ссылка на чат",
            "Ссылка, которая начинается с https://. По ней чат узнаётся при следующей загрузке.",
            "A link that begins with https://. By it the chat is found again in the next import.",
            ("https://max.ru/join/primer-1", "https://max.ru/join/primer-2"),
        ),
        TemplateColumn(
            "participants",
            "Кол-во участников чата",
            "Целое число.",
            "A whole number.",
            (25, 30),
            TemplateFormat.WHOLE_NUMBER,
        ),
        TemplateColumn(
            "owner_id",
            "ID владельца чата",
            "Номер владельца в мессенджере.",
            "Id of the owner in the messenger.",
            ("1000001", "1000002"),
        ),
        TemplateColumn(
            "phone",
            "Телефон владельца чата",
            "Ровно один телефон.",
            "Exactly one phone.",
            ("+79000000001", "8 (900) 000-00-02"),
        ),
        TemplateColumn(
            "created_on",
            "Дата создания чата",
            "Дата с 1990 года по сегодняшний день.",
            "A date from 1990 until today.",
            (date(2025, 9, 1), date(2025, 9, 2)),
            TemplateFormat.DATE,
        ),
        TemplateColumn(
            "creator_id",
            "ID создателя чата",
            "Номер создателя в мессенджере.",
            "Id of the creator in the messenger.",
            ("1000001", "1000002"),
        ),
        TemplateColumn(
            "organization",
            "Организация",
            "Полное название организации.",
            "Full name of the organisation.",
            ("Пример: Университет", "Пример: Университет"),
        ),
        TemplateColumn(
            "inn",
            "ИНН",
            "10 или 12 цифр. Ведущий ноль сохраняется, потому что столбец текстовый.",
            "10 or 12 digits. A leading zero is kept, as the column is text.",
            ("9900000000", "9900000000"),
        ),
        TemplateColumn(
            "kpp",
            "КПП",
            "9 знаков; пятый и шестой могут быть буквами от A до Z.",
            "9 characters; the fifth and sixth may be A to Z.",
            ("990001001", "990001001"),
        ),
        TemplateColumn(
            "branch",
            "Головная организация",
            "Филиал или головное подразделение, до 500 знаков.",
            "Branch or head office, at most 500 characters.",
            ("Пример: Головной филиал", "Пример: Головной филиал"),
        ),
        TemplateColumn(
            "faculty",
            "Факультет",
            "Факультет или институт, до 500 знаков.",
            "Faculty or institute, at most 500 characters.",
            ("Информатика", "Информатика"),
        ),
        TemplateColumn(
            "course",
            "Курс",
            "Номер курса, целое число.",
            "Year of study, a whole number.",
            (1, 1),
            TemplateFormat.WHOLE_NUMBER,
        ),
        TemplateColumn(
            "group",
            "Группа",
            "Номер или название группы, до 500 знаков.",
            "Number or name of the group, at most 500 characters.",
            ("ИС-101", "ИС-102"),
        ),
        TemplateColumn(
            "add_user",
            "Добавлен пользователь",
            "«да» или «нет». Если пусты оба столбца, это «да» в обоих.",
            "«да» (yes) or «нет» (no). If both flags are empty, both are yes.",
            ("да", "да"),
            TemplateFormat.FLAG,
        ),
        TemplateColumn(
            "add_admin",
            "Добавлен администратор",
            "«да» или «нет». Если пусты оба столбца, это «да» в обоих.",
            "«да» (yes) or «нет» (no). If both flags are empty, both are yes.",
            ("да", "нет"),
            TemplateFormat.FLAG,
        ),
    ),
)
