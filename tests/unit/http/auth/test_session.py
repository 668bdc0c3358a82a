"""Session texts: only one that was issued for a current token is accepted, and only until its end."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consumer.http.auth.session import (
    CLOCK_TOLERANCE_SECONDS,
    MIN_KEY_BYTES,
    SESSION_SECONDS,
    Session,
    SessionSigner,
)
from consumer.http.auth.tokens import NAME_PATTERN, Right, Token, TokenSet, token_digest

NOW = 1_800_000_000.5
KEY = b"k" * MIN_KEY_BYTES
SIGNER = SessionSigner(KEY)
ANNA = Token("anna", token_digest("first"), frozenset({Right.READ}))
DOTTED = Token("a.1.b", token_digest("second"), frozenset(Right))
TOKENS = TokenSet((ANNA, DOTTED))
ISSUED = SIGNER.issue(ANNA, NOW)
COOKIE_CHARACTERS = string.ascii_letters + string.digits + "._-"


@pytest.mark.parametrize("token", [ANNA, DOTTED])
def test_issued_session_is_accepted_by_every_signer_with_the_key(token: Token) -> None:
    text = SIGNER.issue(token, NOW)
    assert SessionSigner(KEY).verify(text, TOKENS, NOW) == Session(token, int(NOW) + SESSION_SECONDS)


@given(st.from_regex(NAME_PATTERN, fullmatch=True), st.binary(min_size=32, max_size=32), st.floats(0, 2e11))
def test_every_token_can_have_a_session_that_needs_no_quoting(name: str, digest: bytes, now: float) -> None:
    token = Token(name, digest, frozenset({Right.READ}))
    text = SIGNER.issue(token, now)
    assert set(text) <= set(COOKIE_CHARACTERS)
    session = SIGNER.verify(text, TokenSet((ANNA, token)), now)
    assert (session and session.token) == token or name == "anna"


@pytest.mark.parametrize(
    ("seconds_later", "accepted"),
    [
        (0, True),
        (SESSION_SECONDS - 1, True),
        (SESSION_SECONDS, False),
        (10 * SESSION_SECONDS, False),
        (-CLOCK_TOLERANCE_SECONDS, True),
        (-CLOCK_TOLERANCE_SECONDS - 1, False),
    ],
)
def test_session_lasts_twelve_hours_and_was_not_issued_in_the_future(
    seconds_later: float, *, accepted: bool
) -> None:
    assert SESSION_SECONDS == 12 * 60 * 60
    assert (SIGNER.verify(ISSUED, TOKENS, NOW + seconds_later) is not None) == accepted


def test_session_has_the_rights_that_the_token_has_now() -> None:
    changed = Token(ANNA.name, ANNA.digest, frozenset({Right.ACT}))
    session = SIGNER.verify(ISSUED, TokenSet((changed,)), NOW)
    assert session is not None
    assert session.token.rights == {Right.ACT}


@pytest.mark.parametrize(
    "tokens",
    [
        TokenSet(()),
        TokenSet((DOTTED,)),
        TokenSet((Token(ANNA.name, token_digest("replaced"), ANNA.rights),)),
        TokenSet((Token("renamed", ANNA.digest, ANNA.rights),)),
    ],
)
def test_session_ends_when_its_token_is_removed_or_replaced(tokens: TokenSet) -> None:
    assert SIGNER.verify(ISSUED, tokens, NOW) is None


def test_session_of_another_key_is_rejected() -> None:
    assert SessionSigner(b"x" * MIN_KEY_BYTES).verify(ISSUED, TOKENS, NOW) is None
    assert SessionSigner.with_random_key().verify(ISSUED, TOKENS, NOW) is None
    random_signer = SessionSigner.with_random_key()
    assert random_signer.verify(random_signer.issue(ANNA, NOW), TOKENS, NOW) is not None


@pytest.mark.parametrize("position", range(len(ISSUED)))
def test_session_with_a_changed_character_is_rejected(position: int) -> None:
    """Each position with each character a cookie may have: the last one of a signature has unused bits."""
    for character in COOKIE_CHARACTERS:
        changed = ISSUED[:position] + character + ISSUED[position + 1 :]
        assert changed == ISSUED or SIGNER.verify(changed, TOKENS, NOW) is None


@given(st.integers(0, len(ISSUED)), st.integers(0, 3), st.text(max_size=3))
def test_session_with_characters_replaced_inserted_or_removed_is_rejected(
    position: int, removed: int, inserted: str
) -> None:
    changed = ISSUED[:position] + inserted + ISSUED[position + removed :]
    assert changed == ISSUED or SIGNER.verify(changed, TOKENS, NOW) is None


@given(st.text())
@example("")
@example("v1.anna.1800043200." + "A" * 43)
@example("v1.anna.١٨٠٠٠٤٣٢٠٠." + "A" * 43)
@example("v1.anna." + "9" * 5_000 + "." + "A" * 43)
@example("v1.anna.1800043200." + "\udcff" * 43)
@example(ISSUED + "\n")
@example(ISSUED + "=")
@example(ISSUED.replace("v1.", "v2.", 1))
def test_any_other_text_is_rejected_without_an_error(text: str) -> None:
    assert text == ISSUED or SIGNER.verify(text, TOKENS, NOW) is None


def test_short_key_is_rejected_and_the_key_is_not_shown() -> None:
    with pytest.raises(ValueError, match="at least 32 bytes"):
        SessionSigner(KEY[1:])
    assert "kkk" not in repr(SIGNER)
