"""What a job waits for, in both languages."""

import pytest

from consumer.http.page.language import Language
from consumer.http.page.texts.catalog import load_texts
from consumer.http.page.views.waiting import waiting_text
from consumer.waiting import WAITING_FOR_NEXT_ATTEMPT, WAITING_FOR_QUOTA, waiting_for_version


@pytest.mark.parametrize(
    ("detail", "english", "russian"),
    [
        (WAITING_FOR_QUOTA, "waiting for quota", "ждёт квоту"),
        (WAITING_FOR_NEXT_ATTEMPT, "waiting for the next attempt", "ждёт следующей попытки"),
        (
            waiting_for_version(["x"]),
            "waiting for a replica of a later version",
            "ждёт реплику более новой версии",
        ),
        ("waiting for Godot <b>", "waiting for Godot <b>", "waiting for Godot <b>"),
        ("", "", ""),
    ],
)
def test_a_known_detail_is_translated_and_any_other_shown_as_it_is(
    detail: str, english: str, russian: str
) -> None:
    assert waiting_text(detail, load_texts(Language.EN)) == english
    assert waiting_text(detail, load_texts(Language.RU)) == russian
