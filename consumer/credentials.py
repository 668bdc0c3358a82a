"""Resolves the names of connections and credentials in a request to secrets of the settings."""

import json
from collections.abc import Mapping
from typing import Any

from consumer.errors import UnresolvableRequestError
from consumer.settings import Settings
from consumer.sources.base import SourceCredentials
from schemas.codes import ErrorCode
from schemas.text import shorten_name

SERVICE_ACCOUNT_KEYS = ("client_email", "private_key", "token_uri")
"""Keys that the file of a service account must have."""


def resolve(settings: Settings, source: Mapping[str, Any]) -> SourceCredentials:
    """The secrets that an extractor needs for the source of a request; raises UnresolvableRequestError."""
    match source["type"]:
        case "excel" if "upload" in source["file"]:  # a file of the inbox needs no secret
            return SourceCredentials({"kafka": settings.kafka().to_dict()})
        case "database":
            return SourceCredentials({"dsn": connection_dsn(settings, source["connection"])})
        case "google_sheets":
            account = service_account(settings, source["credentials"])
            secrets = {"account": account, "api_url": settings.migration_google_api_url}
            return SourceCredentials(secrets, rate_limit_bucket=f"google:{account['client_email']}")
        case _:
            return SourceCredentials()


def connection_dsn(settings: Settings, name: str) -> str:
    """The DSN of a named connection; raises UnresolvableRequestError."""
    known = settings.migration_connections
    if name not in known:
        raise UnresolvableRequestError(
            ErrorCode.UNKNOWN_CONNECTION,
            f"There is no connection «{shorten_name(name)}»; this service knows {_known_names(known)}. "
            "Name one of them, or have it added to MIGRATION_CONNECTIONS.",
        )
    return known[name].get_secret_value()


def service_account(settings: Settings, name: str) -> dict[str, Any]:
    """The service account of named credentials; raises UnresolvableRequestError.

    The file is read on each call, so that a new key needs no restart.
    """
    known = settings.migration_google_credentials
    if name not in known:
        raise UnresolvableRequestError(
            ErrorCode.UNKNOWN_CREDENTIALS,
            f"There are no credentials «{shorten_name(name)}»; this service knows {_known_names(known)}. "
            "Name one of them, or have it added to MIGRATION_GOOGLE_CREDENTIALS.",
        )
    try:
        account = json.loads(known[name].read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _invalid_credentials(name, f"cannot be read ({type(error).__name__})") from None
    missing = [key for key in SERVICE_ACCOUNT_KEYS if not isinstance(account, dict) or not account.get(key)]
    if missing:
        raise _invalid_credentials(name, f"is not that of a service account: it lacks {', '.join(missing)}")
    return dict(account)


def _invalid_credentials(name: str, problem: str) -> UnresolvableRequestError:
    return UnresolvableRequestError(
        ErrorCode.WRONG_CREDENTIALS,
        f"The file of the credentials «{name}» {problem}. "
        "Have a key of a service account put there, as JSON.",
    )


def _known_names(names: Mapping[str, Any]) -> str:
    return ", ".join(f"«{shorten_name(name)}»" for name in sorted(names)) or "none"
