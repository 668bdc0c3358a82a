"""Prose uses the terms of the glossary: words that hide a common term do not come back.

Code, names in backticks and targets of links are not prose.
"""

import pytest

from tests.support.prose import ALLOWED_IN, ROOT, find_banned, find_in_file, list_files

FILES = list_files()
PAGES = [name for name in FILES if name.endswith(".md")]
FOLDERS = sorted({name.partition("/")[0] for name in FILES if not name.endswith(".md")})


@pytest.mark.parametrize("name", PAGES)
def test_no_page_uses_a_banned_word(name: str) -> None:
    found = find_in_file(name)
    assert found == [], "use a term of docs/glossary.md:\n" + "\n".join(map(str, found))


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_comment_and_no_string_uses_a_banned_word(folder: str) -> None:
    names = [name for name in FILES if name.startswith(f"{folder}/") and not name.endswith(".md")]
    found = [finding for name in names for finding in find_in_file(name)]
    assert found == [], "use a term of docs/glossary.md (all: make prose):\n" + "\n".join(map(str, found))


@pytest.mark.parametrize("name", [name for name in ALLOWED_IN if name != "*"])
def test_every_exception_is_needed(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8").lower()
    assert [phrase for phrase in ALLOWED_IN[name] if phrase.lower() not in text] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The job is told.", ["told"]),
        ("Begun ANEW, by nobody.", ["ANEW", "nobody"]),
        ("The letters of a word", ["letters"]),
        ("It makes good on it", ["makes good"]),
        ("Understanding a household", []),
        ("`consumer/intake/dead_letters.py` and [a page](letters.md#told)", []),
        ("A dead letter", []),
        ("```sh\ntold\n```\n\nsaid", ["said"]),
    ],
)
def test_banned_words_are_found_in_prose_only(text: str, words: list[str]) -> None:
    assert [finding.word for finding in find_banned(text, ALLOWED_IN["*"])] == words


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("told = nobody  # told\n", [1]),
        ('"""Said\nand told."""\nsaid = 1\n', [1, 2]),
        ('x = "it lies"; told = y\n', [1]),
        ("x = 'a `told` name'\n", []),
        ('x = f"{told} lies"\n', [1]),
    ],
)
def test_python_is_searched_in_comments_and_strings(code: str, lines: list[int]) -> None:
    assert [finding.line for finding in find_banned(code, name="module.py")] == lines
