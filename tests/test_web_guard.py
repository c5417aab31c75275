"""Nobody else gets in: hostile requests against the real server, each refused, and it goes on."""

import json
import struct
import time
import zlib

import pytest

from conftest import listing
from page_server import JSON, THREE, drawing_page

pytest.importorskip("starlette")

GETS = ["/", "/index.html", "/favicon.ico", "/api/model"]
POSTS = [f"/api/{name}" for name in ("look", "picture", "train", "stop", "step", "save")]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
BYTES = {"Content-Type": "application/octet-stream"}
HUNG_UP = 0


@pytest.fixture(scope="module")
def page(tmp_path_factory, own_data):
    folder = tmp_path_factory.mktemp("page")
    (folder / "notes.npz").write_bytes(b"not ours")
    with drawing_page(folder, own_data) as page:
        yield page
        status, answer = page.post("/api/look", {"strokes": THREE})
        assert (status, answer["answer"]) == (200, "3")
        assert page.process.poll() is None
        assert listing(folder) == [type(folder)("notes.npz")]  # nothing was written
        page.end()
        assert "Traceback" not in "".join(page.told)
        assert "failed" not in "".join(page.told)


@pytest.fixture(autouse=True)
def goes_on(page):
    """After every test the server still answers."""
    yield
    assert page.ask("GET", "/api/model")[0] == 200


def check_refused(answer, status):
    """An answer of a refusal: its code, two words for the user, our headers, and nothing else."""
    found, headers, body = answer
    assert found == status, body
    told = json.loads(body)
    assert set(told) == {"error", "next"}
    assert b"Traceback" not in body
    check_headers(headers)


def check_headers(headers):
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert not [name for name in headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("path", GETS)
def test_every_page_carries_the_headers(page, path):
    status, headers, body = page.ask("GET", path, headers={"Sec-Fetch-Site": "none"})
    assert status == 200
    assert body
    check_headers(headers)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", [*GETS, *POSTS, "/api/nothing"])
@pytest.mark.sampled(3)
def test_another_host_or_another_page_is_refused_on_every_route_and_method(page, path, method):
    for sent, status in (
        ({"Host": f"evil.example:{page.port}"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ):
        found, headers, _ = page.ask(method, path, b"{}", {**JSON, **sent})
        assert found == status
        check_headers(headers)


@pytest.mark.parametrize(
    "host",
    [
        "localhost:{port}", "127.0.0.1", "127.0.0.1:{other}", "[::1]:{port}", "0.0.0.0:{port}",
        "127.0.0.1:{port}.evil.example", "evil.example", "127.1:{port}", "2130706433:{port}",
        "127.0.0.1:{port},evil.example", "user@127.0.0.1:{port}", "127.0.0.1.:{port}", "",
    ],
)  # fmt: skip
@pytest.mark.sampled(3)
def test_no_other_name_of_the_host_will_do(page, host):
    host = host.format(port=page.port, other=page.port + 1)
    check_refused(page.ask("GET", "/api/model", headers={"Host": host}), 421)


@pytest.mark.parametrize(
    ("head", "statuses"),
    [
        ("GET /api/model HTTP/1.1\r\n", {400, 421}),
        ("GET /api/model HTTP/1.0\r\n", {421}),
        ("GET /api/model HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n", {400, 421}),
        ("GET http://evil.example/api/model HTTP/1.1\r\nHost: {host}\r\n", {404}),
        ("GET /api/model HTTP/1.1\r\nHost: {host}\r\n Host: evil\r\n", {400, 421}),
        ("HELLO\r\n", {400}),
    ],
)
def test_a_host_that_is_missing_or_there_twice_is_refused(page, head, statuses):
    answer = page.send(f"{head.format(host=page.host)}Connection: close\r\n\r\n".encode())
    assert int(answer.split()[1]) in statuses
    assert b"settings" not in answer


@pytest.mark.parametrize(
    ("request_line", "statuses"),
    [
        ("OPTIONS * HTTP/1.1", {404, 405}),
        ("CONNECT evil.example:443 HTTP/1.1", {404, 405}),
        ("PRI * HTTP/2.0", {400, 404, 405}),
        ("GET /api/model HTTP/1.1\r\nX: " + "a" * 200_000, {400, HUNG_UP}),
        ("GET /" + "a" * 200_000 + " HTTP/1.1", {400, HUNG_UP}),
        ("POST /api/stop HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3", {400, 415}),
        ("POST /api/stop HTTP/1.1\r\nTransfer-Encoding: xchunked", {400, 415, 501}),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_odd_requests_are_refused_in_order(page, request_line, statuses):
    answer = page.send(f"{request_line}\r\nHost: {page.host}\r\nConnection: close\r\n\r\n".encode())
    assert (int(answer.split()[1]) if answer else HUNG_UP) in statuses


def test_a_socket_of_the_web_is_not_opened(page):
    upgrade = f"GET /api/model HTTP/1.1\r\nHost: {page.host}\r\nConnection: Upgrade, close\r\n"
    upgrade += "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    for origin, status in (("", 200), ("Origin: http://evil.example\r\n", 403)):
        head = f"{upgrade}AAAAAAAAAAAAAAAAAAAAAA==\r\n{origin}Connection: close\r\n\r\n"
        assert page.send(head.encode()).startswith(f"HTTP/1.1 {status}".encode())


@pytest.mark.parametrize("origin", [
    "null", "http://localhost:{port}", "https://127.0.0.1:{port}", "http://127.0.0.1",
    "http://127.0.0.1:{port}/", "",
])  # fmt: skip
def test_no_other_origin_will_do(page, origin):
    sent = {**JSON, "Origin": origin.format(port=page.port)}
    check_refused(page.ask("POST", "/api/look", "{}", sent), 403)


def test_our_own_page_may_ask(page):
    sent = {**JSON, "Origin": f"http://{page.host}", "Sec-Fetch-Site": "same-origin"}
    status, answer = page.post("/api/look", {"strokes": THREE}, sent)
    assert (status, answer["answer"]) == (200, "3")


@pytest.mark.parametrize("site", ["none", "same-site", "cross-site", "anything"])
def test_only_our_own_page_may_post(page, site):
    check_refused(page.ask("POST", "/api/look", "{}", {**JSON, "Sec-Fetch-Site": site}), 403)


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", None,
                                  "multipart/form-data; boundary=x", "image/png"])  # fmt: skip
@pytest.mark.sampled(3)
def test_what_a_form_could_send_is_refused(page, path, kind):
    sent = {} if kind is None else {"Content-Type": kind}
    check_refused(page.ask("POST", path, "{}", sent), 415)


@pytest.mark.parametrize("path", [path for path in POSTS if path != "/api/look"])
def test_bytes_are_taken_as_a_picture_to_look_at_and_nowhere_else(page, path):
    check_refused(page.ask("POST", path, b"x", BYTES), 415)


def test_another_method_is_refused_and_told_which(page):
    for path, method, allowed in (("/api/look", "GET", "POST"), ("/api/model", "POST", "GET")):
        answer = page.ask(method, path, "{}", JSON)
        check_refused(answer, 405)
        assert allowed in answer[1]["Allow"]


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/look/", "/api/model/x", "/../server.py",
                                  "/server.py", "/%2e%2e/server.py", "/..%2fserver.py", "//",
                                  "/page/index.html", "/index.html%00", "/notes.npz"])  # fmt: skip
@pytest.mark.sampled(3)
def test_an_address_outside_the_table_is_not_there(page, path):
    check_refused(page.ask("GET", path), 404)


@pytest.mark.parametrize(("path", "kind", "bytes_sent"), [
    *((path, JSON, 262_145) for path in POSTS), ("/api/look", BYTES, 20_000_001),
])  # fmt: skip
def test_a_body_that_is_too_large_is_refused_and_the_sender_can_read_that(
    page, path, kind, bytes_sent
):
    check_refused(page.ask("POST", path, b" " * bytes_sent, kind), 413)


def test_a_body_without_a_length_is_cut_off_at_the_same_size(page):
    pieces = (b" " * 50_000 for _ in range(20))
    check_refused(page.ask("POST", "/api/look", pieces, JSON), 413)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("length", ["99999999999", "9" * 5000, "-1", "1e9", "0x10", "٣"])
def test_a_length_that_lies_is_refused_at_once(page, length):
    head = f"POST /api/look HTTP/1.1\r\nHost: {page.host}\r\nContent-Type: application/json\r\n"
    started = time.monotonic()
    answer = page.send(f"{head}Content-Length: {length}\r\n\r\n".encode())
    assert int(answer.split()[1]) in (400, 413, 431)
    assert time.monotonic() - started < 8


@pytest.mark.slow
def test_a_body_that_never_arrives_does_not_hold_up_others(page):
    import socket

    head = f"POST /api/look HTTP/1.1\r\nHost: {page.host}\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", page.port), timeout=30) as slow:
        slow.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        assert page.post("/api/look", {"strokes": THREE})[0] == 200
        assert slow.recv(1000).startswith(b"HTTP/1.1 408")


def test_two_lengths_smuggle_nothing(page):
    inner = f"GET /api/model HTTP/1.1\r\nHost: {page.host}\r\n\r\n"
    head = f"POST /api/stop HTTP/1.1\r\nHost: {page.host}\r\nContent-Type: application/json\r\n"
    answer = page.send(
        f"{head}Content-Length: 2\r\nContent-Length: {2 + len(inner)}\r\n\r\n{{}}{inner}".encode()
    )
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("body", [
    b"", b"x", b"[]", b"1", b"null", b'"x"', b"{", b'{"strokes": [[[NaN, 0.5]]]}',
    b'{"strokes": [[[Infinity, 0.5]]]}', b'{"strokes": [[[-Infinity, 0.5]]]}', b"\xff\xfe{\x00}",
    b"[" * 200_000, b'{"a":' * 40_000, b'{"seed": ' + b"9" * 100_000 + b"}", b'{"a": 1} {}',
    b"\xef\xbb\xbf{}",
], ids=lambda body: body[:20])  # fmt: skip
@pytest.mark.parametrize("path", POSTS)
@pytest.mark.sampled(3)
def test_what_is_no_json_is_refused(page, path, body):
    check_refused(page.ask("POST", path, body, JSON), 400)


@pytest.mark.parametrize("strokes", [
    None, 1, "x", {}, [1], ["x"], [[1]], [[[0.5]]], [[[0.5, 0.5, 0.5]]], [[[0.5, "0.5"]]],
    [[[0.5, None]]], [[[1.01, 0.5]]], [[[-0.01, 0.5]]], [[[1e400, 0.5]]],
    [[[10**300, 0.5]]], [[[[0.5], 0.5]]], [[]], [{"0": 1}], [[{}]],
], ids=repr)  # fmt: skip
@pytest.mark.parametrize("path", ["/api/look", "/api/picture"])
@pytest.mark.sampled(3)
def test_what_are_no_strokes_is_refused(page, path, strokes):
    text = json.dumps({"strokes": strokes}).replace("Infinity", "1e400")
    check_refused(page.ask("POST", path, text, JSON), 422)


@pytest.mark.parametrize("strokes", [[[[0.5, 0.5]]] * 501, [[[0, 0]] * 20_001]],
                         ids=["strokes", "points"])  # fmt: skip
@pytest.mark.parametrize("path", ["/api/look", "/api/picture", "/api/train", "/api/step"])
def test_too_many_strokes_or_points_are_refused(page, path, strokes):
    more = {"/api/step": {"digit": 3}}.get(path, {})
    asked = json.dumps({"strokes": strokes, **more}, separators=(",", ":"))
    check_refused(page.ask("POST", path, asked, JSON), 413)


def test_a_billion_points_are_cut_off(page):
    """They are sent for as long as the server takes them."""
    import socket

    head = f"POST /api/look HTTP/1.1\r\nHost: {page.host}\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", page.port), timeout=30) as sender:
        sender.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        piece = b"[0.5,0.5]," * 100_000
        sent = 0
        try:
            while sent < 10 * 1_000_000_000:
                sender.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
                sent += len(piece)
        except OSError:
            pass  # it has hung up
        assert sent < 200_000_000


@pytest.mark.parametrize("fields", [
    {"pen": 0}, {"pen": -1}, {"pen": 9}, {"pen": "0.1"}, {"pen": None}, {"pen": True},
    {"against": 10}, {"against": -1}, {"against": "3"}, {"against": 3.0}, {"network": 1},
    {"network": None}, {"network": ["model"]}, {"explain": 1}, {"explain": None},
], ids=repr)  # fmt: skip
@pytest.mark.sampled(3)
def test_a_field_out_of_its_range_is_refused(page, fields):
    check_refused(
        page.ask("POST", "/api/look", json.dumps({"strokes": THREE, **fields}), JSON), 422
    )


@pytest.mark.parametrize("name", ["", "../model", "/etc/passwd", "notes.npz", "run-1-1", "step-9",
                                  "pretrained", "x" * 10_000, "\x00", "__class__"])  # fmt: skip
@pytest.mark.sampled(3)
def test_no_model_file_is_taken_from_the_page(page, name):
    asked = json.dumps({"strokes": THREE, "network": name})
    check_refused(page.ask("POST", "/api/look", asked, JSON), 404)


def png(width, height, data):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("picture", [
    b"", b"x", b"\x00" * 1_000_000, b"%PDF-1.4", b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    png(60_000, 60_000, zlib.compress(bytes(1_000_000))),
    png(2**31 - 1, 2**31 - 1, b""),
    png(9_000, 9_000, zlib.compress(bytes(100))),
], ids=["empty", "text", "zeros", "PDF", "SVG", "bomb", "endless", "cut short"])  # fmt: skip
def test_a_bomb_or_what_is_no_picture_is_refused(page, picture):
    check_refused(page.ask("POST", "/api/look", picture, BYTES), 422)


@pytest.mark.parametrize("query", ["against=10", "against=x", "against=", "against=%D9%A3"])
def test_a_query_is_checked_as_strictly(page, query):
    drawn = page.ask("POST", "/api/picture", json.dumps({"strokes": THREE}), JSON)[2]
    check_refused(page.ask("POST", f"/api/look?{query}", drawn, BYTES), 422)


@pytest.mark.parametrize("units", ["", "-1", "256", "x", "1,", "1,,2", "1" * 5000, "%D9%A3",
                                   ",".join(["1"] * 21)])  # fmt: skip
@pytest.mark.sampled(3)
def test_units_that_are_not_there_are_refused(page, units):
    check_refused(page.ask("GET", f"/api/model?units={units}"), 422)


@pytest.mark.parametrize("fields", [
    {"epochs": 201}, {"epochs": 0}, {"epochs": 1.5}, {"epochs": "3"}, {"epochs": True},
    {"hidden": 257}, {"hidden": 0}, {"hidden": 10**100}, {"batch-size": 0}, {"batch-size": None},
    {"lr": 0}, {"lr": -1}, {"lr": 1e400}, {"lr": "0.1"}, {"lr": []}, {"seed": -1}, {"seed": 2**32},
    {"teacher": "/etc/passwd"}, {"data-dir": "/"}, {"config": "x.toml"}, {"output": "x.npz"},
    {"augment": True}, {"strokes": [[[2, 2]]]},
], ids=repr)  # fmt: skip
@pytest.mark.sampled(3)
def test_a_run_out_of_bounds_is_refused(page, fields):
    asked = json.dumps(fields).replace("Infinity", "1e400")
    check_refused(page.ask("POST", "/api/train", asked, JSON), 422)


@pytest.mark.parametrize("fields", [{}, {"digit": 10}, {"digit": "4"}, {"digit": None},
                                    {"digit": 4, "lr": 0}, {"digit": 4, "lr": 1e400},
                                    {"digit": 4, "strokes": []}], ids=repr)  # fmt: skip
def test_a_step_out_of_bounds_is_refused(page, fields):
    asked = json.dumps({"strokes": THREE, **fields}).replace("Infinity", "1e400")
    check_refused(page.ask("POST", "/api/step", asked, JSON), 422)


@pytest.mark.parametrize("name", [
    "../x", "/abs", "a\\b", "C:x", "a\0b", ".hidden", "..", ".", "", "x" * 300, "CON", "con.npz",
    "nul.txt", "COM1", "a/b.npz", "x\n.npz", "x\x1b[2J", "~/x|", "x.", "x ", " x", "-o", "x?", "x*",
    "\ud800", "x\u202ezpn.exe", None, 1, ["x"], {},
], ids=repr)  # fmt: skip
@pytest.mark.sampled(3)
def test_a_name_that_is_no_name_alone_is_refused(page, name):
    check_refused(page.ask("POST", "/api/save", json.dumps({"name": name}), JSON), 422)
