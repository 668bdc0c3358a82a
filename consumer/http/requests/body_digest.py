"""The header `Content-Digest` (RFC 9530) of a request or of its file: wrong ones end the request."""

from fastapi import Request

from consumer.http.problem import FieldProblem, ProblemError
from consumer.http.requests.content_digest import (
    DigestCheck,
    DigestMismatchError,
    InvalidDigestError,
    parse_content_digest,
)
from schemas.codes import ProblemCode

CONTENT_DIGEST_HEADER = "content-digest"
BODY_LABEL = "the body as it was sent"


def digest_check(header: str | None, label: str) -> DigestCheck | None:
    """The check that a header asks for, None without one; raises ProblemError (400)."""
    try:
        return None if header is None else DigestCheck(parse_content_digest(header))
    except InvalidDigestError as error:
        wrong = FieldProblem(field=f"Content-Digest of {label}", message=str(error))
        raise ProblemError(400, ProblemCode.INVALID_DIGEST, str(error), errors=[wrong]) from None


def verify_digest(check: DigestCheck | None, label: str) -> None:
    """Raise ProblemError (400) where what came is not what the header says."""
    try:
        if check is not None:
            check.verify()
    except DigestMismatchError:
        raise ProblemError(
            400,
            ProblemCode.DIGEST_MISMATCH,
            f"The Content-Digest is not that of {label}: it was damaged or cut on its way. Send it again.",
        ) from None


def content_digest_header(request: Request) -> str | None:
    """The header of a request; several lines of it are one list (RFC 9110, 5.3)."""
    return ", ".join(request.headers.getlist(CONTENT_DIGEST_HEADER)) or None


async def verify_body_digest(request: Request) -> None:
    """FastAPI dependency for small bodies; the framework has read them already."""
    check = digest_check(content_digest_header(request), BODY_LABEL)
    if check is not None:
        check.update(await request.body())
        verify_digest(check, BODY_LABEL)
