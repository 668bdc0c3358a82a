"""The header `Content-Digest` (RFC 9530) of a request or of its file: wrong ones end the request."""

from fastapi import Request

from consumer.http.content_digest import DigestCheck, DigestMismatch, InvalidDigest, parse
from consumer.http.problem import FieldProblem, ProblemError
from schemas.codes import ProblemCode

HEADER = "content-digest"
BODY = "the body as it was sent"


def digest_check(header: str | None, what: str) -> DigestCheck | None:
    """The check that a header asks for, None without one; raises ProblemError (400)."""
    try:
        return None if header is None else DigestCheck(parse(header))
    except InvalidDigest as error:
        wrong = FieldProblem(field=f"Content-Digest of {what}", message=str(error))
        raise ProblemError(400, ProblemCode.INVALID_DIGEST, str(error), errors=[wrong]) from None


def verify(check: DigestCheck | None, what: str) -> None:
    """Raise ProblemError (400) where what came is not what the header says."""
    try:
        if check is not None:
            check.verify()
    except DigestMismatch:
        raise ProblemError(
            400,
            ProblemCode.DIGEST_MISMATCH,
            f"The Content-Digest is not that of {what}: it was damaged or cut on its way. Send it again.",
        ) from None


def header_of(request: Request) -> str | None:
    """The header of a request; several lines of it are one list (RFC 9110, 5.3)."""
    return ", ".join(request.headers.getlist(HEADER)) or None


async def verify_body(request: Request) -> None:
    """FastAPI dependency for small bodies; the framework has read them already."""
    check = digest_check(header_of(request), BODY)
    if check is not None:
        check.update(await request.body())
        verify(check, BODY)
