"""A response that lasts goes on only while its own token is in the file."""

from pathlib import Path

from consumer.http.auth import tokens
from consumer.http.auth.authenticator import Authenticator, Caller
from consumer.http.auth.token_file import TokenFile
from consumer.http.auth.tokens import Right


async def test_a_token_replaced_by_another_of_its_name_is_no_longer_allowed(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    token, table = tokens.issue_token("anna", frozenset({Right.READ}))
    path.write_text(table)
    access = Authenticator(TokenFile.open(path))
    anna: Caller = await access.authenticate(token, None)
    assert access.still_allows(anna, Right.READ)
    assert not access.still_allows(anna, Right.ROWS)
    path.write_text(tokens.issue_token("anna", frozenset({Right.READ}))[1])
    assert not access.still_allows(anna, Right.READ)
