"""The server as `make run` starts it: it listens on this machine only, asks nobody for its address,
and refuses uploads."""

from __future__ import annotations

import re
import socket
import urllib.request
from contextlib import closing, suppress
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from tests.helpers.browser import serve

BOUNDARY = "a-line-between-parts"


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """The address of a server with the settings of the project, and the file with what it says."""
    log = tmp_path_factory.mktemp("server") / "log"
    with serve(log=log) as address:
        yield address, log


def test_the_server_answers_on_this_machine_alone(started):
    port = urlsplit(started[0]).port
    socket.create_connection(("127.0.0.1", port), 2).close()
    with pytest.raises(OSError):  # a server that listens on all interfaces answers here, too
        socket.create_connection(("127.0.0.2", port), 2).close()


def test_the_server_says_one_address_and_asks_nobody_for_another(started):
    said = re.sub(r"\x1b\[[0-9;]*m", "", started[1].read_text(errors="replace"))
    address = started[0].replace("127.0.0.1", "localhost")
    assert re.findall(r"(\w+ )?URL: (\S+)", said) == [("", address)]
    assert "external" not in said.lower()


def a_session(stream) -> str:
    """Begins a session, as a browser does, and returns its id."""
    stream.send(BackMsg(rerun_script={"query_string": ""}).SerializeToString())
    while True:
        message = ForwardMsg.FromString(stream.recv(20))
        if message.WhichOneof("type") == "new_session":
            return message.new_session.initialize.session_id


def multipart(name: str, size: int) -> bytes:
    """The body of a request that uploads one file of so many bytes."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="{name}"\r\n\r\n'
    return head.encode() + bytes(size) + f"\r\n--{BOUNDARY}--\r\n".encode()


def uploaded(address: str, session: str, parts: list[bytes], method: str) -> int:
    """The status with which an upload is answered, sent with the token that a browser has. Several
    parts are sent as chunks, without the length by which a server can refuse before it reads."""
    with urllib.request.urlopen(f"{address}/_stcore/health") as answer:
        token = re.search(r"_streamlit_xsrf=([^;]+)", answer.headers["Set-Cookie"])[1]
    headers = {
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "X-Xsrftoken": token,
        "Cookie": f"_streamlit_xsrf={token}",
    }
    line, body = (
        HTTPConnection(urlsplit(address).netloc, timeout=20),
        parts[0] if len(parts) == 1 else iter(parts),
    )
    with closing(line):
        with suppress(BrokenPipeError):  # the server may answer and hang up before it has read all
            line.request(method, f"/_stcore/upload_file/{session}/a-file", body, headers)
        return line.getresponse().status


@pytest.mark.parametrize("name, size", [("a.bin", 900_000), ("a.bin", 1), ("x" * 4_000, 0)])
@pytest.mark.parametrize("in_pieces", [False, True], ids=["whole", "in pieces"])
def test_an_upload_to_a_real_session_is_refused(started, name, size, in_pieces):
    address, body = started[0], multipart(name, size)
    with connect(address.replace("http", "ws") + "/_stcore/stream", max_size=None) as stream:
        session = a_session(stream)
        parts = [body[:100], body[100:]] if in_pieces else [body]
        assert uploaded(address, session, parts, "PUT") == 413
        assert uploaded(address, session, [body], "POST") == 405
