"""How spreadsheets spell the errors of formulas: text of a cell that says there is no value."""

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
"""Of Google, which shows some while a formula waits for its data, and of LibreOffice."""
_NUMBERED = (f"{word}:{number}" for word in ("Err", "Ошибка") for number in range(500, 600))
"""LibreOffice numbers its own errors from 501 on."""
ERROR_TEXTS = frozenset((*" ".join((_EXCEL, _RUSSIAN, _GOOGLE_AND_LIBREOFFICE)).split(), *_NUMBERED))
ERROR_TEXT_PREFIXES = ("#", "Loading", "Загрузка", "Err:", "Ошибка:")
"""Each of them begins with one of these."""
MAX_ERROR_TEXT_CHARS = max(map(len, ERROR_TEXTS)) + 8
"""Characters, some blanks around included; a longer text is not looked at."""


def is_error_text(text: str) -> bool:
    """Whether the text is that of an error and nothing else, blanks around it apart."""
    return len(text) <= MAX_ERROR_TEXT_CHARS and text.strip() in ERROR_TEXTS
