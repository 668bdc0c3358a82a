"""`still_allows`: a long response continues only while the same token is in the file."""

from pathlib import Path

from consumer.http.auth import tokens
from consumer.http.auth.authenticator import Authenticator, Caller
from consumer.http.auth.token_file import TokenFile
from consumer.http.auth.tokens import Right


async def test_still_allows_rejects_a_token_replaced_under_the_same_name(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    token, table = tokens.issue_token("anna", frozenset({Right.READ}))
    path.write_text(table)
    authenticator = Authenticator(TokenFile.open(path))
    anna: Caller = await authenticator.authenticate(token, None)
    assert authenticator.still_allows(anna, Right.READ)
    assert not authenticator.still_allows(anna, Right.ROWS)
    path.write_text(tokens.issue_token("anna", frozenset({Right.READ}))[1])
    assert not authenticator.still_allows(anna, Right.READ)
