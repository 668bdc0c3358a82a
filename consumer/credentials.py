"""From the names in a request to what the settings know by them: nothing else opens a source."""

import json
from collections.abc import Mapping
from typing import Any

from consumer.errors import UnresolvableRequestError
from consumer.settings import Settings
from consumer.sources.base import SourceCredentials
from schemas.codes import ErrorCode
from schemas.text import shorten_name

SERVICE_ACCOUNT_KEYS = ("client_email", "private_key", "token_uri")
"""What a service account's file has to hold."""


def resolve(settings: Settings, source: Mapping[str, Any]) -> SourceCredentials:
    """What a child needs to read the source of a request; raises UnresolvableRequestError."""
    match source["type"]:
        case "excel" if "upload" in source["file"]:  # a file of the inbox takes no login
            return SourceCredentials({"kafka": settings.kafka().to_dict()})
        case "database":
            return SourceCredentials({"dsn": connection_dsn(settings, source["connection"])})
        case "google_sheets":
            known = service_account(settings, source["credentials"])
            secrets = {"account": known, "api_url": settings.migration_google_api_url}
            return SourceCredentials(secrets, rate_limit_bucket=f"google:{known['client_email']}")
        case _:
            return SourceCredentials()


def connection_dsn(settings: Settings, name: str) -> str:
    """The address of a connection; raises UnresolvableRequestError."""
    known = settings.migration_connections
    if name not in known:
        raise UnresolvableRequestError(
            ErrorCode.UNKNOWN_CONNECTION,
            f"There is no connection «{shorten_name(name)}»; this service knows {_known_names(known)}. "
            "Name one of them, or have it added to MIGRATION_CONNECTIONS.",
        )
    return known[name].get_secret_value()


def service_account(settings: Settings, name: str) -> dict[str, Any]:
    """The service account of credentials, read now, so that a new key needs no restart.

    Raises UnresolvableRequestError.
    """
    known = settings.migration_google_credentials
    if name not in known:
        raise UnresolvableRequestError(
            ErrorCode.UNKNOWN_CREDENTIALS,
            f"There are no credentials «{shorten_name(name)}»; this service knows {_known_names(known)}. "
            "Name one of them, or have it added to MIGRATION_GOOGLE_CREDENTIALS.",
        )
    try:
        found = json.loads(known[name].read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _invalid_credentials(name, f"cannot be read ({type(error).__name__})") from None
    missing = [key for key in SERVICE_ACCOUNT_KEYS if not isinstance(found, dict) or not found.get(key)]
    if missing:
        raise _invalid_credentials(name, f"is not that of a service account: it lacks {', '.join(missing)}")
    return dict(found)


def _invalid_credentials(name: str, problem: str) -> UnresolvableRequestError:
    return UnresolvableRequestError(
        ErrorCode.WRONG_CREDENTIALS,
        f"The file of the credentials «{name}» {problem}. Have a key of a service account put there, as JSON.",
    )


def _known_names(names: Mapping[str, Any]) -> str:
    return ", ".join(f"«{shorten_name(name)}»" for name in sorted(names)) or "none"
