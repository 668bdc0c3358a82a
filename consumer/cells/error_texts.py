"""Texts that spreadsheets show for errors of formulas."""

_EXCEL = (
    "#DIV/0! #N/A #NAME? #NULL! #NUM! #REF! #VALUE! #GETTING_DATA #SPILL! #CALC! #FIELD! #BLOCKED! #CONNECT! "
    "#UNKNOWN! #BUSY! #EXTERNAL! #PYTHON! #TIMEOUT! #DATA! #CYCLE!"
)
_RUSSIAN = (
    "#ДЕЛ/0! #Н/Д #ИМЯ? #ПУСТО! #ЧИСЛО! #ССЫЛКА! #ССЫЛ! #ЗНАЧ! #ОЖИДАНИЕ_ДАННЫХ #ПОЛУЧЕНИЕ_ДАННЫХ #ПЕРЕНОС! "
    "#РАЗЛИВ! #ВЫЧИСЛ! #ПОЛЕ! #ЗАБЛОКИРОВАНО! #БЛОКИРОВКА! #ПОДКЛЮЧЕНИЕ! #СОЕДИНЕНИЕ! #НЕИЗВЕСТНО! "
    "#НЕИЗВЕСТНЫЙ! #ЗАНЯТО! #ДАННЫЕ! #ЦИКЛ!"
)
_GOOGLE_AND_LIBREOFFICE = "#ERROR! #ОШИБКА! Loading... Loading… Загрузка... Загрузка… #MACRO? #ADDIN?"
"""Google shows some of them while a formula loads its data."""
_NUMBERED = (f"{word}:{number}" for word in ("Err", "Ошибка") for number in range(500, 600))
"""LibreOffice's own errors have numbers from 501 on."""
ERROR_TEXTS = frozenset((*" ".join((_EXCEL, _RUSSIAN, _GOOGLE_AND_LIBREOFFICE)).split(), *_NUMBERED))
ERROR_TEXT_PREFIXES = ("#", "Loading", "Загрузка", "Err:", "Ошибка:")
"""Every error text begins with one of these."""
MAX_ERROR_TEXT_CHARS = max(map(len, ERROR_TEXTS)) + 8
"""Characters, including some blanks around the text; a longer one is not compared."""


def is_error_text(text: str) -> bool:
    """Whether the text is an error text, apart from blanks around it."""
    return len(text) <= MAX_ERROR_TEXT_CHARS and text.strip() in ERROR_TEXTS
