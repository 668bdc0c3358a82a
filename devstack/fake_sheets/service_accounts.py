"""Service accounts and the access tokens they receive for signed assertions (RFC 7523)."""

import base64
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from devstack.fake_sheets.responses import ApiResponse, ok, token_error

JWT_BEARER_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPES = {
    "https://www.googleapis.com/auth/" + name
    for name in ("spreadsheets.readonly", "spreadsheets", "drive.readonly", "drive")
}
PUBLIC_ENDPOINT = "https://oauth2.googleapis.com/token"
"""The audience in google-auth's assertions, whatever `token_uri` the account names."""
CLOCK_SKEW_SECONDS = 300
TOKEN_LIFETIME_SECONDS = 3599


@dataclass(frozen=True, slots=True)
class AccountKey:
    """A private key with its id, and the public key."""

    id: str
    private: str
    public: rsa.RSAPublicKey


@cache
def shared_key() -> AccountKey:
    """The key of all accounts that need none of their own; generated once per process."""
    return new_key()


def new_key() -> AccountKey:
    """Generate a key; takes 0.3 s."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return AccountKey(secrets.token_hex(20), pem.decode(), key.public_key())


class ServiceAccounts:
    """The existing accounts and the tokens issued to them."""

    def __init__(self, token_uri: str) -> None:
        self._token_uri = token_uri
        self._keys: dict[str, dict[str, rsa.RSAPublicKey]] = {}
        self._tokens: dict[str, str] = {}

    def create(self, name: str, key: AccountKey) -> dict[str, Any]:
        """Create an account and return the contents of its JSON file."""
        project = "stand-in"
        email = f"{name}@{project}.iam.gserviceaccount.com"
        self._keys.setdefault(email, {})[key.id] = key.public
        return {
            "type": "service_account",
            "project_id": project,
            "private_key_id": key.id,
            "private_key": key.private,
            "client_email": email,
            "client_id": "100000000000000000000",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": self._token_uri,
            "universe_domain": "googleapis.com",
        }

    def owner(self, token: str | None) -> str | None:
        """The e-mail of the account that a token was issued to."""
        return self._tokens.get(token or "")

    def revoke_tokens(self) -> None:
        """Invalidate all tokens issued so far."""
        self._tokens.clear()

    def remove(self, email: str) -> None:
        """Delete an account and its tokens."""
        self._keys.pop(email, None)
        self._tokens = {token: owner for token, owner in self._tokens.items() if owner != email}

    def issue_token(self, form: Mapping[str, str]) -> ApiResponse:
        """The response of the token endpoint to an assertion."""
        if form.get("grant_type") != JWT_BEARER_GRANT:
            return token_error("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type')}")
        try:
            header, claims, signed, signature = _parse_assertion(form.get("assertion", ""))
        except ValueError:
            return token_error("invalid_grant", "Bad Request")
        email = str(claims.get("iss"))
        if email not in self._keys:
            return token_error("invalid_grant", "Invalid grant: account not found")
        if not _signature_is_valid(self._keys[email].get(str(header.get("kid"))), signed, signature):
            return token_error("invalid_grant", "Invalid JWT Signature.")
        if error := self._claims_error(claims):
            return token_error(*error)
        token = "ya29.c." + secrets.token_urlsafe(48)
        self._tokens[token] = email
        return ok({"access_token": token, "expires_in": TOKEN_LIFETIME_SECONDS, "token_type": "Bearer"})

    def _claims_error(self, claims: Mapping[str, Any]) -> tuple[str, str] | None:
        now = time.time()
        issued, expires = float(claims.get("iat", 0)), float(claims.get("exp", 0))
        if claims.get("aud") not in {self._token_uri, PUBLIC_ENDPOINT}:
            return "invalid_grant", "Invalid JWT: Failed audience check."
        if not (
            now - 3600 - CLOCK_SKEW_SECONDS < issued < now + CLOCK_SKEW_SECONDS
            and now < expires <= issued + 3600
        ):
            return "invalid_grant", (
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
                "Check your iat and exp values in the JWT claim."
            )
        if not set(str(claims.get("scope", "")).split()) & SCOPES:
            return "invalid_scope", "Invalid OAuth scope or ID token audience provided."
        return None


def write_key_file(path: Path, account: Mapping[str, Any]) -> Path:
    """Write the JSON of an account to a file that only its owner may read; returns its absolute path."""
    path.unlink(missing_ok=True)
    path.touch(0o600)
    path.write_text(json.dumps(account, indent=2), encoding="utf-8")
    return path.resolve()


def _parse_assertion(assertion: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    header, claims, signature = assertion.split(".")
    return (
        json.loads(_decode_base64url(header)),
        json.loads(_decode_base64url(claims)),
        f"{header}.{claims}".encode(),
        _decode_base64url(signature),
    )


def _decode_base64url(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _signature_is_valid(key: rsa.RSAPublicKey | None, signed: bytes, signature: bytes) -> bool:
    if key is None:
        return False
    try:
        key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True
