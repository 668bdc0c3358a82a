"""Fifty more phones; their expected results were written before the rule was run."""

from tests.unit.datasets.chats.phone_cases import NOT_A_PHONE, stored, stored_without_extension

MORE_PHONES: tuple[tuple[str, tuple[str, str | None]], ...] = (
    # Russian numbers, codes of three to five digits
    ("+7 (843) 292-12-34", stored("+78432921234")),
    ("8(3952)24-12-34", stored("+73952241234")),
    ("8 (39142) 2-12-34", stored("+73914221234")),
    ("8 (383-52) 2-12-34", stored("+73835221234")),
    ("7-916-123-45-67", stored("+79161234567")),
    ("916-1234567", stored("+79161234567")),
    ("+7\t916\t123\t45\t67", stored("+79161234567")),
    ("+7 916 123—45—67", stored("+79161234567")),
    ("9 1 6 1 2 3 4 5 6 7", stored("+79161234567")),
    ('="89161234567"', stored("+79161234567")),
    # of Kazakhstan, which shares +7, and of other countries
    ("8 701 123 45 67", stored("+77011234567")),
    ("+998 90 123 45 67", stored("+998901234567")),
    ("+996 555 123 456", stored("+996555123456")),
    ("+374 91 123456", stored("+37491123456")),
    ("998 90 123 45 67", NOT_A_PHONE),
    ("00 7 916 123 45 67", NOT_A_PHONE),
    # with words
    ("+7-495-123-45-67 (приёмная ректора)", stored("+74951234567")),
    ("тел./факс: (495) 123-45-67", stored("+74951234567")),
    ("8(916)123-45-67 Telegram @ivanov", stored("+79161234567")),
    ("+7 (916) 123-45-67 - Анна", stored("+79161234567")),
    ("Анна - 8 916 123-45-67", stored("+79161234567")),
    ("8 800 100 00 00 бесплатно по РФ", stored("+78001000000")),
    ("+7 (495) 123-45-67 (многоканальный)", stored("+74951234567")),
    ("+7(916)123-45-67 доб.нет", stored("+79161234567")),
    # with an extension
    ("8 (495) 123-45-67\nдоб. 1234", stored_without_extension("+74951234567")),
    ("+7 (495) 123-45-67, вн.1234", stored_without_extension("+74951234567")),
    ("8-495-123-45-67 (внутренний 12)", stored_without_extension("+74951234567")),
    ("тел 8(495)1234567доб123", stored_without_extension("+74951234567")),
    ("8 495 123 45 67 доб. 1234567", stored_without_extension("+74951234567")),
    ("+7 (495) 123-45-67 (доб. 12-34)", stored_without_extension("+74951234567")),
    # with digits that may belong to it, or not
    ("8 495 123 45 67 доб. 12345678", NOT_A_PHONE),
    ("+7 495 1234567 д. 12", NOT_A_PHONE),
    ("8 495 123 45 67 (1234)", NOT_A_PHONE),
    ("Анна 89161234567 (староста гр. 101)", NOT_A_PHONE),
    ("Иванов И.И. 2 курс 89161234567", NOT_A_PHONE),
    ("8 916 123 45 67 звонить после 18:00", NOT_A_PHONE),
    ("20.05.2003 89161234567", NOT_A_PHONE),
    ("+7 8 916 123-45-67", NOT_A_PHONE),
    ("78 916 123 45 67", NOT_A_PHONE),
    # two numbers
    ("Тел: 8-495-123-45-67; факс: 8-495-123-45-68", NOT_A_PHONE),
    ("+7 916 123-45-67 (Иван), +7 916 123-45-68 (Пётр)", NOT_A_PHONE),
    ("8 916 123-45-67 или 8 916 123-45-68", NOT_A_PHONE),
    ("89161234567\n89161234568", NOT_A_PHONE),
    # other characters between the digits, letters for digits, other numbers
    ("8_916_123_45_67", NOT_A_PHONE),
    ("8,916,123,45,67", NOT_A_PHONE),
    ("+7 [916] 123-45-67", NOT_A_PHONE),
    ("8-800-ГОРЯЧАЯ", NOT_A_PHONE),
    ("СНИЛС 112-233-445 95", NOT_A_PHONE),
    ("паспорт 4510 123456", NOT_A_PHONE),
    ("л/с 1234567890", NOT_A_PHONE),
)

NAMES: tuple[tuple[str, tuple[str, str | None]], ...] = (
    ("Инна 89161234567", stored("+79161234567")),
    ("Иннокентий, 8 916 123-45-67", stored("+79161234567")),
    ("Ида Львовна: 8 916 123-45-67", stored("+79161234567")),
    ("Паспортный стол 8 495 123-45-67", stored("+74951234567")),
    ("ИНН организации 7707083893", NOT_A_PHONE),
    ("ИНН7707083893", NOT_A_PHONE),
    ("Паспорт: 4510123456", NOT_A_PHONE),
    ("р/с: 1234567890", NOT_A_PHONE),
    ("ОГРНИП 1234567890", NOT_A_PHONE),
    ("Идентификатор 1234567890", NOT_A_PHONE),
    ("Identifier 1234567890", NOT_A_PHONE),
    ("ids 1234567890", NOT_A_PHONE),
    ("Паспортные данные 4510 123456", NOT_A_PHONE),
    ("по счету 4070281012", NOT_A_PHONE),
    ("полиса 1234567890", NOT_A_PHONE),
    ("7701234567 (ИНН)", NOT_A_PHONE),
    ("4510123456 паспорт", NOT_A_PHONE),
    ("89161234567 (Ида)", stored("+79161234567")),
    ("Полисадов 8 916 123-45-67, Счетчикова", stored("+79161234567")),
)
"""Words that mark other kinds of numbers, and names that begin like them."""
