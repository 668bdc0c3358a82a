"""Parsing a tokens file and issuing tokens; no error quotes a value that could be a secret."""

import hashlib
import re
import tomllib

import pytest

from consumer.http.auth.tokens import (
    TOKEN_PREFIX,
    InvalidTokensError,
    Right,
    check_name,
    issue_token,
    parse_rights,
    parse_tokens,
    token_digest,
)

SECRET = f"{TOKEN_PREFIX}Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE"
HASH = hashlib.sha256(SECRET.encode()).hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()


def token_table(
    name: str = "ivanova", sha256: str = f'"{HASH}"', rights: str = '["read"]', more: str = ""
) -> str:
    return f"[{name}]\nsha256 = {sha256}\nrights = {rights}\n{more}\n"


def test_token_is_found_only_by_its_text() -> None:
    tokens = parse_tokens(
        token_table(rights='["read", "act"]') + token_table("cron", f'"{OTHER}"', '["rows"]')
    )
    token = tokens.find(SECRET)
    assert token is not None
    assert (token.name, token.rights) == ("ivanova", frozenset({Right.READ, Right.ACT}))
    assert [
        tokens.find(text) for text in ("", HASH, SECRET[:-1], SECRET + "x", "ivanova", "ё", "\udcff")
    ] == [None] * 7


def test_hash_may_be_in_upper_case() -> None:
    assert parse_tokens(token_table(sha256=f'"{HASH.upper()}"')).find(SECRET) is not None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "names no token"),
        ("# nothing\n", "names no token"),
        ("[ivanova\n", r"is not TOML \(line 1, column 9\)"),
        (token_table() + token_table(), r"is not TOML \(line 5, column 9\)"),
        (token_table(SECRET), "the name of table 1 looks like a token"),
        (token_table() + token_table('"Анна"', f'"{OTHER}"'), "the name of table 2 must be 1 to 64 letters"),
        (token_table('""'), "the name of table 1 must be"),
        (token_table("a" * 65), "the name of table 1 must be"),
        ('ivanova = "secret"', "«ivanova» must be a table"),
        ('sha256 = "secret"', "«sha256» must be a table"),
        (
            token_table(more='note = "secret"'),
            r"\[ivanova\] must have the keys sha256 and rights, and no others",
        ),
        (f'[ivanova]\nsha256 = "{HASH}"', r"\[ivanova\] must have the keys"),
        ('[ivanova]\nrights = ["read"]', r"\[ivanova\] must have the keys"),
        (token_table(sha256=f'"{SECRET}"'), r"sha256 of \[ivanova\] must be the SHA-256"),
        (token_table(sha256=f'"{HASH[:-1]}"'), r"sha256 of \[ivanova\] must be"),
        (token_table(sha256=f'"{HASH} "'), r"sha256 of \[ivanova\] must be"),
        (token_table(sha256="5"), r"sha256 of \[ivanova\] must be"),
        (token_table(rights='"read"'), r"rights of \[ivanova\] must be a list out of read, rows, act"),
        (token_table(rights="[1]"), r"rights of \[ivanova\] must be a list"),
        (
            token_table(rights="[]"),
            r"rights of \[ivanova\]: at least one right is needed, out of read, rows, act",
        ),
        (
            token_table(rights='["read", "secret"]'),
            r"rights of \[ivanova\]: there is no such right; there are read",
        ),
        (token_table(rights='["Read"]'), r"rights of \[ivanova\]: there is no such right"),
        (token_table() + token_table("cron"), r"\[ivanova\] and \[cron\] have the same sha256"),
    ],
)
def test_invalid_file_error_names_the_table_and_no_value(text: str, sentence: str) -> None:
    with pytest.raises(InvalidTokensError, match=f"^{sentence}") as caught:
        parse_tokens(text)
    assert "secret" not in str(caught.value)
    assert SECRET not in str(caught.value)
    assert HASH not in str(caught.value)


@pytest.mark.parametrize("name", ["ivanova", "i.ivanova", "cron-2", "A_b", "7"])
def test_issued_table_contains_the_issued_token(name: str) -> None:
    token, lines = issue_token(name, frozenset({Right.ROWS, Right.READ}))
    assert re.fullmatch(rf"{TOKEN_PREFIX}[A-Za-z0-9_-]{{43}}", token)
    assert token not in lines
    assert tomllib.loads(lines) == {name: {"sha256": token_digest(token).hex(), "rights": ["read", "rows"]}}
    known = parse_tokens(lines).find(token)
    assert known is not None
    assert known.rights == {Right.READ, Right.ROWS}


def test_issued_tokens_are_unique() -> None:
    assert len({issue_token("a", frozenset({Right.READ}))[0] for _ in range(100)}) == 100


@pytest.mark.parametrize("name", ["", "Анна", "a b", "-a", ".a", "a" * 65, "a\n", "cm_a", "a]"])
def test_invalid_name_is_rejected(name: str) -> None:
    with pytest.raises(ValueError, match=r"must be 1 to 64|looks like a token"):
        check_name(name)


@pytest.mark.parametrize("names", [["read", "write"], [""], []])
def test_unknown_rights_are_rejected_with_the_list_of_rights(names: list[str]) -> None:
    with pytest.raises(ValueError, match="read, rows, act"):
        parse_rights(names)
