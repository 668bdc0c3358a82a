"""Messages between the service and its fork server."""

import struct

import pytest

from consumer.fork_protocol import REQUEST_BYTES, Reply, ReplyType, Request, RequestType


@pytest.mark.parametrize(
    "request_", [Request(RequestType.FORK, 1, 3 << 30, 7200), Request(RequestType.KILL, 2**63)]
)
def test_request_is_decoded_as_it_was_encoded(request_: Request) -> None:
    message = request_.encode()
    assert len(message) == REQUEST_BYTES
    assert Request.decode(message) == request_


@pytest.mark.parametrize(
    "reply",
    [
        Reply(ReplyType.READY),
        Reply(ReplyType.STARTED, 1, 4711),
        Reply(ReplyType.ENDED, 1, -9),
        Reply(ReplyType.REFUSED, 2, reason="two\nlines"),
    ],
)
def test_reply_is_one_line(reply: Reply) -> None:
    line = reply.encode()
    assert line.count(b"\n") == 1
    assert Reply.decode(line) == reply


def test_other_bytes_are_no_message() -> None:
    with pytest.raises(struct.error):
        Request.decode(b"x")
    with pytest.raises(ValueError, match="9 is not a valid RequestType"):
        Request.decode(struct.pack("!BQQQ", 9, 1, 1, 1))
    with pytest.raises(ValueError, match="Expecting value"):
        Reply.decode(b"Traceback (most recent call last):\n")
