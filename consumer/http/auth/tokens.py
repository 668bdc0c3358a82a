"""Access tokens: parsing a tokens file, issuing a token. No I/O; `token_file` reads the file."""

import hashlib
import hmac
import re
import secrets
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

TOKEN_PREFIX = "cm_"  # noqa: S105 – not a secret
"""Lets people and secret scanners recognise a token."""
RANDOM_BYTES = 32
DIGEST_BYTES = hashlib.sha256().digest_size
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""The name becomes `requested_by` of the token's requests. It is a bare key in TOML unless it contains a full
stop."""
TOML_ERROR_POSITION = re.compile(r"\(at (.+)\)")


class Right(StrEnum):
    """What a token may do."""

    READ = "read"
    ROWS = "rows"
    ACT = "act"


RIGHT_NAMES = ", ".join(Right)


class InvalidTokensError(Exception):
    """The tokens file is invalid. The text quotes no value, which could be a token."""


@dataclass(frozen=True, slots=True)
class Token:
    """A known token; `digest` is the SHA-256 of its text."""

    name: str
    digest: bytes
    rights: frozenset[Right]


@dataclass(frozen=True, slots=True)
class TokenSet:
    """All known tokens."""

    known: tuple[Token, ...]

    def find(self, text: str) -> Token | None:
        """The token with this text, or None. Takes the same time in every case."""
        digest = token_digest(text)
        matching = [token for token in self.known if hmac.compare_digest(token.digest, digest)]
        return matching[0] if matching else None

    def find_named(self, name: str) -> Token | None:
        """The token with this name, or None. Names are not secret."""
        return next((token for token in self.known if token.name == name), None)


def token_digest(text: str) -> bytes:
    """SHA-256 of a token's text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def parse_tokens(text: str) -> TokenSet:
    """Parse the TOML of a tokens file; raises InvalidTokensError with a sentence that names the table."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidTokensError(f"is not TOML{_error_position(error)}") from None
    if not document:
        raise InvalidTokensError(
            "names no token; make one with `migration-consumer token NAME --rights read`"
        )
    tokens = tuple(
        _parse_token(number, name, table) for number, (name, table) in enumerate(document.items(), 1)
    )
    _check_distinct(tokens)
    return TokenSet(tokens)


def parse_rights(names: Iterable[str]) -> frozenset[Right]:
    """The rights of these names; raises ValueError for an unknown name, or for no name at all."""
    try:
        rights = frozenset(Right(name) for name in names)
    except ValueError:
        raise ValueError(f"there is no such right; there are {RIGHT_NAMES}") from None
    if not rights:
        raise ValueError(f"at least one right is needed, out of {RIGHT_NAMES}")
    return rights


def check_name(name: str) -> None:
    """Raise ValueError if this is not a valid name for a token; the text does not quote the name."""
    if name.startswith(TOKEN_PREFIX):
        raise ValueError("looks like a token; a name is shown in the log and in `requested_by`")
    if not NAME_PATTERN.fullmatch(name):
        raise ValueError(
            "must be 1 to 64 letters, digits, full stops, hyphens and underscores, "
            "and begin with a letter or digit"
        )


def issue_token(name: str, rights: frozenset[Right]) -> tuple[str, str]:
    """A new random token, and its table for the tokens file. Raises ValueError for an invalid name."""
    check_name(name)
    token = TOKEN_PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    listed = ", ".join(f'"{right}"' for right in Right if right in rights)
    key = f'"{name}"' if "." in name else name
    return token, f'[{key}]\nsha256 = "{token_digest(token).hex()}"\nrights = [{listed}]\n'


def _error_position(error: tomllib.TOMLDecodeError) -> str:
    """Line and column only: the rest of the parser's message may quote a key."""
    position = TOML_ERROR_POSITION.search(str(error))
    return f" ({position[1]})" if position else ""


def _parse_token(number: int, name: str, table: Any) -> Token:
    try:
        check_name(name)
    except ValueError as error:
        raise InvalidTokensError(f"the name of table {number} {error}") from None
    if not isinstance(table, Mapping):
        raise InvalidTokensError(f"«{name}» must be a table: [{name}], with sha256 and rights below it")
    if table.keys() != {"sha256", "rights"}:
        raise InvalidTokensError(f"[{name}] must have the keys sha256 and rights, and no others")
    return Token(name, _parse_digest(name, table["sha256"]), _parse_rights_list(name, table["rights"]))


def _parse_digest(name: str, value: Any) -> bytes:
    if not isinstance(value, str) or not re.fullmatch(rf"[0-9a-fA-F]{{{2 * DIGEST_BYTES}}}", value):
        raise InvalidTokensError(
            f"sha256 of [{name}] must be the SHA-256 of the token as {2 * DIGEST_BYTES} hexadecimal digits"
        )
    return bytes.fromhex(value)


def _parse_rights_list(name: str, value: Any) -> frozenset[Right]:
    if not isinstance(value, list) or not all(isinstance(right, str) for right in value):
        raise InvalidTokensError(f"rights of [{name}] must be a list out of {RIGHT_NAMES}")
    try:
        return parse_rights(value)
    except ValueError as error:
        raise InvalidTokensError(f"rights of [{name}]: {error}") from None


def _check_distinct(tokens: Iterable[Token]) -> None:
    seen: dict[bytes, str] = {}
    for token in tokens:
        if (other := seen.setdefault(token.digest, token.name)) != token.name:
            raise InvalidTokensError(f"[{other}] and [{token.name}] have the same sha256")
