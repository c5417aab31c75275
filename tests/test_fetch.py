"""Mirrors that misbehave: real servers that lie, stall, trickle, redirect and never end.

The times are scaled down, by `Patience`; one slow test waits as long as a user would.
"""

from __future__ import annotations

import gzip
import os
import pickle
import shutil
import socket
import ssl
import subprocess
import sys
import time
import tracemalloc
import zlib
from ipaddress import ip_address
from pathlib import Path

import pytest
import trustme

from conftest import ROOT
from loopback import Server, folder_answer, serving
from nnscratch.data import download, load_dataset
from nnscratch.data.addresses import is_public, shown, written_out
from nnscratch.data.catalogue import MNIST_FILES
from nnscratch.data.mirrors import Patience
from nnscratch.errors import DownloadError

NAMES = [file.name for file in MNIST_FILES]
LABELS = MNIST_FILES[3]  # the smallest file
HURRY = Patience(
    any_seconds=3,
    connect_seconds=0.5,
    answer_seconds=1.5,
    slow_seconds=0.5,
    slow_bytes=500,
    idle_seconds=20,
    pauses_seconds=(0.1, 0.2),
)


@pytest.fixture
def almost_all(packed_mnist, tmp_path) -> Path:
    """A folder that lacks only the smallest file, so that one request is enough."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name in NAMES[:3]:
        (folder / f"{name}.gz").symlink_to(packed_mnist / f"{name}.gz")
    return folder


# ------------------------------------------------------------------------------------- 1–5 mirrors


def redirect_in_a_loop(handler):
    handler.send(b"", 302, Location=handler.path)


def reset_in_the_body(handler):
    handler.send(b"x" * 100, Content_Length=LABELS.gz_bytes)
    linger = (1).to_bytes(4, sys.byteorder) + (0).to_bytes(4, sys.byteorder)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.connection.close()


def trickle(handler):
    handler.send(b"", Content_Length=LABELS.gz_bytes)
    for _ in range(100):
        handler.wfile.write(b"x")
        time.sleep(0.1)


def endless(handler):
    handler.send(b"", Content_Length=None)
    while True:
        handler.wfile.write(bytes(1 << 16))
        handler.server.sent = getattr(handler.server, "sent", 0) + (1 << 16)


def body(change):
    """Serve the right file, changed."""
    return lambda packed: lambda h: h.send(change((packed / h.path.lstrip("/")).read_bytes()))


def shortened(packed):
    def answer(handler):
        data = (packed / handler.path.lstrip("/")).read_bytes()
        handler.send(data[:-7], Content_Length=len(data))

    return answer


BAD_MIRRORS = {
    "403": lambda packed: lambda h: h.send(b"", 403),
    "404": lambda packed: lambda h: h.send(b"", 404),
    "500": lambda packed: lambda h: h.send(b"", 500),
    "503": lambda packed: lambda h: h.send(b"", 503),
    "hangs": lambda packed: lambda h: time.sleep(2),
    "resets in the body": lambda packed: reset_in_the_body,
    "redirects in a loop": lambda packed: redirect_in_a_loop,
    "serves HTML": lambda packed: lambda h: h.send(b"<html>log in first</html>"),
    "sends less than it says": shortened,
    "sends more": body(lambda data: data + b"junk"),
    "wrong bytes of the right length": body(lambda data: bytes(len(data))),
    "stalls": lambda packed: lambda h: (h.send(b"x", Content_Length=9999), time.sleep(2)),
    "trickles": lambda packed: trickle,
    "never ends": lambda packed: endless,
    "gzip bomb": lambda packed: lambda h: h.send(zlib.compress(bytes(10**8), wbits=31)),
    "gzip cut short": body(lambda data: data[:-20] + bytes(20)),
    "nothing": lambda packed: lambda h: h.send(b""),
}


@pytest.mark.mnist
@pytest.mark.parametrize("kind", BAD_MIRRORS)
@pytest.mark.sampled(1)
def test_a_bad_mirror_is_invisible_but_for_one_line(kind, packed_mnist, almost_all):
    notes = []
    with (
        serving(BAD_MIRRORS[kind](packed_mnist)) as bad,
        serving(folder_answer(packed_mnist)) as good,
    ):
        started = time.monotonic()
        files = download(
            almost_all, mirrors=[bad.url, good.url], patience=HURRY, on_note=notes.append
        )
        assert time.monotonic() - started < 15
    assert [file.status for file in files] == ["verified"] * 3 + ["fetched"]
    assert len(notes) == 1
    assert bad.url in notes[0]
    assert load_dataset(almost_all).name == "mnist"
    if kind == "never ends":
        assert bad.sent < 50 * LABELS.gz_bytes + (1 << 22)  # what the sockets had in store


@pytest.mark.parametrize("kind", BAD_MIRRORS)
@pytest.mark.sampled(3)
def test_where_all_mirrors_are_bad_nothing_is_kept(kind, tmp_path, own_data):
    fake = tmp_path / "mirror"
    fake.mkdir()
    for name in NAMES:
        (fake / f"{name}.gz").write_bytes(zlib.compress((own_data / name).read_bytes(), wbits=31))
    folder = tmp_path / "data"
    with serving(BAD_MIRRORS[kind](fake)) as bad, pytest.raises(DownloadError) as caught:
        download(folder, mirrors=[bad.url], patience=HURRY)
    assert bad.url in caught.value.where
    assert "--dataset synthetic" in caught.value.next_step
    assert not folder.exists()


@pytest.mark.mnist
def test_a_mirror_that_refuses_is_passed_over(packed_mnist, almost_all):
    with serving(folder_answer(packed_mnist)) as good:
        download(almost_all, mirrors=["http://127.0.0.1:9/", good.url], patience=HURRY)
    assert load_dataset(almost_all).name == "mnist"


@pytest.mark.mnist
def test_without_a_length_a_good_body_works(packed_mnist, almost_all):
    def answer(handler):
        handler.send((packed_mnist / handler.path.lstrip("/")).read_bytes(), Content_Length=None)

    with serving(answer) as mirror:
        download(almost_all, mirrors=[mirror.url], patience=HURRY)
    assert load_dataset(almost_all).name == "mnist"


@pytest.mark.mnist
def test_a_mirror_that_hangs_up_on_head_is_used_and_not_asked_so(packed_mnist, almost_all):
    with serving(folder_answer(packed_mnist)) as mirror:
        download(almost_all, mirrors=[mirror.url], patience=HURRY)
        assert mirror.requests == [f"/{LABELS.name}.gz"]
    assert load_dataset(almost_all).name == "mnist"


@pytest.mark.mnist
def test_what_fails_twice_is_tried_a_third_time(packed_mnist, almost_all):
    good = folder_answer(packed_mnist)

    def answer(handler):
        if len(handler.server.requests) <= 2:
            handler.send(b"", 503)
        else:
            good(handler)

    notes = []
    with serving(answer) as mirror:
        download(almost_all, mirrors=[mirror.url], on_note=notes.append)
        assert len(mirror.requests) == 3
    assert notes == []


def test_no_answer_at_all_is_noticed_within_the_deadline(tmp_path):
    with socket.create_server(("127.0.0.1", 0), backlog=9) as deaf:
        url = f"https://127.0.0.1:{deaf.getsockname()[1]}/"
        started = time.monotonic()
        with pytest.raises(DownloadError, match="no mirror can be reached"):
            download(tmp_path, mirrors=[url, url], patience=Patience(any_seconds=1))
        assert time.monotonic() - started < 3


# --------------------------------------------------------------------------- 11 https and proxies


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A private certificate authority, and a server certificate for localhost."""
    authority = trustme.CA()
    bundle = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return bundle, context


def securely(server: Server, context: ssl.SSLContext) -> str:
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server.url.replace("http://127.0.0.1", "https://localhost")


@pytest.fixture
def fetch(run):
    """Run `download` for a folder and a mirror, in an environment."""
    return lambda folder, url, **env: run("download", "--data-dir", folder, "--mirror", url, **env)


@pytest.mark.mnist
def test_a_certificate_is_checked_and_a_private_authority_can_be_named(
    packed_mnist, almost_all, authority, fetch
):
    bundle, context = authority
    with serving(folder_answer(packed_mnist)) as server:
        url = securely(server, context)
        refused = fetch(almost_all, url)
        assert refused.returncode == 1
        assert "certificate" in refused.stderr
        assert not (almost_all / LABELS.name).exists()
        assert fetch(almost_all, url, REQUESTS_CA_BUNDLE=bundle).returncode == 0
    assert load_dataset(almost_all).name == "mnist"


@pytest.mark.mnist
def test_https_is_never_left_for_http(packed_mnist, almost_all, authority, fetch):
    bundle, context = authority
    with serving(folder_answer(packed_mnist)) as plain:
        redirect = lambda h: h.send(b"", 302, Location=plain.url.rstrip("/") + h.path)  # noqa: E731
        with serving(redirect) as server:
            refused = fetch(almost_all, securely(server, context), REQUESTS_CA_BUNDLE=bundle)
        assert refused.returncode == 1
        assert "redirects from https to http" in refused.stderr
        assert plain.requests == []


@pytest.mark.mnist
def test_a_proxy_in_the_environment_is_used_unless_excepted(packed_mnist, almost_all, fetch):
    good = folder_answer(packed_mnist)

    def as_proxy(handler):
        handler.path = "/" + handler.path.rpartition("/")[2]
        good(handler)

    with serving(as_proxy) as proxy:
        done = fetch(
            almost_all, "http://mnist.invalid/", HTTP_PROXY=proxy.url, http_proxy=proxy.url
        )
        assert done.returncode == 0, done.stderr
        assert proxy.requests
        no_proxy = {"NO_PROXY": "mnist.invalid", "no_proxy": "mnist.invalid"}
        excepted = fetch(
            almost_all / "x", "http://mnist.invalid/", http_proxy=proxy.url, **no_proxy
        )
        assert excepted.returncode == 1


def test_https_goes_through_the_proxy_that_the_environment_names(tmp_path, fetch):
    with serving(lambda h: h.send(b"", 403)) as proxy:
        named = {"HTTPS_PROXY": proxy.url, "https_proxy": proxy.url}
        refused = fetch(tmp_path, "https://mnist.invalid/", **named)
        assert refused.returncode == 1
        assert "the proxy cannot be reached" in refused.stderr
        assert set(proxy.requests) == {"mnist.invalid:443"}
        excepted = {"NO_PROXY": "mnist.invalid", "no_proxy": "mnist.invalid"}
        asked = len(proxy.requests)
        assert fetch(tmp_path, "https://mnist.invalid/", **named, **excepted).returncode == 1
        assert len(proxy.requests) == asked


# ----------------------------------------------------------------------- mirrors that take for ever


def drip(start: bytes, more: bytes = b"x"):
    """Answer with a start, and then with a byte now and again, without end."""

    def answer(handler):
        handler.wfile.write(start)
        while True:
            time.sleep(0.1)
            handler.wfile.write(more)

    return answer


DRIPS = {
    "a status line": drip(b"HTTP/1.1 20"),
    "a header": drip(b"HTTP/1.1 200 OK\r\nServer: x"),
    "headers": drip(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"),
    "interim answers": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "the headers of a redirect": drip(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nServer: x"),
    "the length of a chunk": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x"),
    "a body": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 4542\r\n\r\n\x1f\x8b"),
}


@pytest.mark.sampled(1)
@pytest.mark.mnist
@pytest.mark.parametrize("kind", DRIPS)
def test_a_mirror_that_sends_byte_by_byte_does_not_hold_up(kind, packed_mnist, almost_all):
    notes = []
    with serving(DRIPS[kind]) as bad, serving(folder_answer(packed_mnist)) as good:
        started = time.monotonic()
        download(almost_all, mirrors=[bad.url, good.url], patience=HURRY, on_note=notes.append)
        assert time.monotonic() - started < 15
    assert len(notes) == 1
    assert "given up after" in notes[0]
    assert load_dataset(almost_all).name == "mnist"


@pytest.mark.mnist
@pytest.mark.slow
def test_connecting_headers_and_redirects_have_half_a_minute_together(packed_mnist, almost_all):
    def slowly_on(handler):
        time.sleep(4)
        handler.send(b"", 302, Location=f"{handler.path}x")

    def headers(handler):
        if len(handler.path) < len(LABELS.name) + 7:
            slowly_on(handler)
        else:
            drip(b"HTTP/1.1 200 OK\r\nServer: x")(handler)

    notes = []
    with serving(headers) as bad, serving(folder_answer(packed_mnist)) as good:
        started = time.monotonic()
        download(almost_all, mirrors=[bad.url, good.url], on_note=notes.append)
        assert 29 < time.monotonic() - started < 40
    assert notes == [f"{bad.url}: no answer: given up after 30 s; another mirror was used"]


@pytest.mark.mnist
def test_a_slow_good_mirror_is_allowed_its_time(packed_mnist, almost_all):
    def answer(handler):
        data = (packed_mnist / handler.path.lstrip("/")).read_bytes()
        handler.send(b"", Content_Length=len(data))
        for start in range(0, len(data), 200):  # 2 kB/s, where 1 kB/s is asked for
            time.sleep(0.1)
            handler.wfile.write(data[start : start + 200])

    notes = []
    with serving(answer) as slow, serving(lambda h: h.send(b"", 404)) as other:
        started = time.monotonic()
        download(almost_all, mirrors=[slow.url, other.url], patience=HURRY, on_note=notes.append)
        assert time.monotonic() - started > 4 * HURRY.slow_seconds
        assert other.requests == []
    assert notes == []
    assert load_dataset(almost_all).name == "mnist"


@pytest.mark.sampled(1)
@pytest.mark.parametrize("kind", ["a header", "a body"])
def test_without_progress_there_is_an_end_however_many_mirrors(kind, tmp_path):
    patience = Patience(answer_seconds=0.6, slow_seconds=0.6, idle_seconds=2)
    answer = DRIPS["a header"] if kind == "a header" else endless_start
    with serving(answer) as bad:
        started = time.monotonic()
        with pytest.raises(DownloadError) as caught:
            download(tmp_path, mirrors=[bad.url] * 50, patience=patience)
        assert time.monotonic() - started < 15
    said = caught.value.where.splitlines()
    assert len(said) == 50
    # By our deadline or by the socket's, which is as long: whichever is noticed first.
    assert "given up after" in said[0] or "it stopped sending" in said[0]
    assert said[-1].endswith("not asked: 2 s went by for nothing")


def endless_start(handler):
    """Start well, as the first file would, and then fall silent."""
    handler.send(b"\x1f\x8b", Content_Length=MNIST_FILES[0].gz_bytes)
    time.sleep(60)


@pytest.mark.mnist
@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
@pytest.mark.slow
def test_where_no_thread_can_be_started_downloading_does_without(packed_mnist, almost_all):
    # A stack that no thread can have: pthread_create fails as it does at the limit of processes,
    # but for root too.
    script = (
        "import resource, os, sys; hard = resource.getrlimit(resource.RLIMIT_STACK)[1]; "
        "resource.setrlimit(resource.RLIMIT_STACK, (1 << 46, hard)); "
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    with serving(lambda h: h.send(b"", 404)) as bad, serving(folder_answer(packed_mnist)) as good:
        mirrors = ["--mirror", bad.url, "--mirror", good.url]
        done = subprocess.run(
            [sys.executable, "-c", script, "-m", "nnscratch", "download", *mirrors, "--data-dir",
             str(almost_all)],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, capture_output=True, text=True,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "another mirror was used" in done.stderr
    assert load_dataset(almost_all).name == "mnist"


# ---------------------------------------------------------------------------------------- redirects


def endless_body(status):
    def answer(good):
        def send(handler):
            handler.send(b"", status, Content_Length=None, Location=good.url + handler.path[1:])
            endless_bytes(handler)

        return send

    return answer


def endless_bytes(handler):
    while True:
        handler.wfile.write(bytes(1 << 16))
        handler.server.sent = getattr(handler.server, "sent", 0) + (1 << 16)


def packed_bomb(good):
    bomb = gzip.compress(bytes(300_000_000), 9)
    return lambda handler: handler.send(
        bomb, 302, Location=good.url + handler.path[1:], Content_Encoding="gzip"
    )


def dripping_redirect(good):
    return lambda handler: drip(
        f"HTTP/1.1 302 Found\r\nLocation: {good.url}{handler.path[1:]}\r\n\r\n".encode()
    )(handler)


UNREAD = {
    "a redirect without end": endless_body(302),
    "a redirect that unpacks to 300 MB": packed_bomb,
    "a redirect byte by byte": dripping_redirect,
    "a 404 without end": endless_body(404),
    "a 503 without end": endless_body(503),
}


@pytest.mark.mnist
@pytest.mark.parametrize("kind", UNREAD)
@pytest.mark.sampled(1)
def test_the_body_of_anything_but_a_good_answer_is_not_read(kind, packed_mnist, almost_all):
    notes = []
    with serving(folder_answer(packed_mnist)) as good, serving(UNREAD[kind](good)) as bad:
        tracemalloc.start()
        started = time.monotonic()
        download(almost_all, mirrors=[bad.url, good.url], patience=HURRY, on_note=notes.append)
        assert time.monotonic() - started < 15
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert getattr(bad, "sent", 0) < 1 << 25  # what the sockets had in store, three times
    assert len(notes) == (0 if "redirect" in kind else 1)
    assert peak < 20_000_000
    assert load_dataset(almost_all).name == "mnist"


NOWHERE = {
    "half a bracket": b"http://[::1",
    "not UTF-8": b"http://\xff\xfe.example/",
    "not an address": b"http://",
    "a port too high": b"http://127.0.0.1:99999/",
    "a label too long": b"http://" + b"a" * 300 + b"/",
    "an empty label": b"http://a..b/",
    "another scheme": b"ftp://127.0.0.1/",
    "a file": b"file:///etc/passwd",
    "spaces": b"http://a b/",
    "nothing": b"",
}


@pytest.mark.mnist
@pytest.mark.parametrize("kind", NOWHERE)
@pytest.mark.sampled(1)
def test_a_redirect_to_nowhere_is_passed_over(kind, packed_mnist, almost_all):
    def answer(handler):
        handler.wfile.write(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ")
        handler.wfile.write(NOWHERE[kind] + b"\r\n\r\n")

    notes = []
    with serving(answer) as bad, serving(folder_answer(packed_mnist)) as good:
        download(almost_all, mirrors=[bad.url, good.url], patience=HURRY, on_note=notes.append)
    assert len(notes) == 1
    assert bad.url in notes[0]
    assert load_dataset(almost_all).name == "mnist"


# Run where there is no network but loopback, which is given two addresses of the internet.
PUBLIC_MIRROR = """
import fcntl, socket, struct, sys
sys.path.insert(0, sys.argv[1])
from loopback import serving
from nnscratch.data import download
from nnscratch.data.mirrors import Patience
from nnscratch.errors import DownloadError

SIOCSIFADDR, SIOCSIFFLAGS, UP = 0x8916, 0x8914, 0x41
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", UP))
    for name, host in ((b"lo:1", "1.2.3.4"), (b"lo:2", "1.2.3.5"), (b"lo:3", "10.1.2.3")):
        address = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(host))
        fcntl.ioctl(control, SIOCSIFADDR, struct.pack("16s16s", name, address))

asked_host, target_host, *_ = sys.argv[2:]
with serving(lambda handler: handler.send(b"", 404), "0.0.0.0") as target:
    location = f"http://{target_host}:{target.server_port}/"
    redirect = lambda handler: handler.send(b"", 302, Location=location)
    with serving(redirect, asked_host) as mirror:
        try:
            download(sys.argv[4], mirrors=[mirror.url], patience=Patience(answer_seconds=3))
        except DownloadError as error:
            print(error.where)
        print(len(mirror.requests), len(target.requests))
"""


def namespaces_work() -> bool:
    return (
        shutil.which("unshare") is not None
        and subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode == 0
    )


@pytest.mark.sampled(1)
@pytest.mark.skipif(not namespaces_work(), reason="namespaces are not to be had here")
@pytest.mark.parametrize(
    ("mirror", "target", "followed"),
    [
        ("1.2.3.4", "127.0.0.1", False),
        ("1.2.3.4", "10.1.2.3", False),
        ("1.2.3.4", "localhost", False),
        ("1.2.3.4", "2130706433", False),
        ("1.2.3.4", "0.0.0.0", False),
        ("1.2.3.4", "[::ffff:127.0.0.1]", False),
        ("1.2.3.4", "1.2.3.5", True),
        ("10.1.2.3", "127.0.0.1", True),
        ("127.0.0.1", "10.1.2.3", True),
    ],
)
def test_a_public_mirror_does_not_lead_into_a_private_network(mirror, target, followed, tmp_path):
    script = [sys.executable, "-c", PUBLIC_MIRROR, ROOT / "tests", mirror, target, tmp_path / "x"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["unshare", "--net", *map(str, script)], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    said, counts = done.stdout.strip().splitlines()
    assert ("it redirects into a private network" not in said) == followed
    assert counts == ("1 1" if followed else "1 0")


@pytest.mark.parametrize(
    "address",
    "127.0.0.1 127.9.9.9 ::1 0.0.0.0 :: 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 "
    "169.254.169.254 100.64.0.1 224.0.0.1 255.255.255.255 fe80::1 fc00::1 fd12::1 ff02::1 "
    "::ffff:127.0.0.1 ::ffff:169.254.169.254 64:ff9b::10.0.0.1 2002:7f00:1::".split(),
)
def test_an_address_that_is_not_public(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    "1.2.3.4 8.8.8.8 172.32.0.1 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::8.8.8.8".split(),
)
def test_an_address_that_is_public(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("a.localhost.", "127.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("notlocalhost", None),
        ("example.org", None),
        ("", None),
    ],
)
def test_a_host_may_be_an_address_in_disguise(host, address):
    assert written_out(host) == (address and ip_address(address))


# ------------------------------------------------------------------------ secrets and what is shown

SECRETS = ("annabel", "s3cret", "t0ken")
SECRETIVE = {
    "a password": "http://annabel:s3cret@{host}/",
    "a token": "http://{host}/mnist?token=t0ken",
    "both": "http://annabel:s3cret@{host}/?a=t0ken&b=t0ken#t0ken",
    "a password with a slash": "http://annabel:s3cret/@{host}/",
    "a password with a question mark": "http://annabel:s3?s3cret@{host}/",
    "no scheme": "annabel:s3cret@{host}/",
    "another scheme": "ftp://annabel:s3cret@{host}/?t0ken",
}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("answers", [True, False], ids=["404", "refused"])
def test_secrets_in_the_address_of_a_mirror_are_not_told(answers, run):
    with serving(lambda handler: handler.send(b"", 404)) as mirror:
        host = mirror.url.split("/")[2] if answers else "127.0.0.1:9"
        urls = [url.format(host=host) for url in SECRETIVE.values()]
        options = [option for url in urls for option in ("--mirror", url)]
        done = run("download", *options, NNSCRATCH_DEBUG=1)
        with pytest.raises(DownloadError) as caught:
            download("not-there", mirrors=urls, patience=HURRY)
    assert done.returncode == 1
    assert done.stderr.count("***") >= len(urls)
    notes = getattr(caught.value, "__notes__", [])
    assert notes
    for text in (done.stdout, done.stderr, str(caught.value), *notes):
        assert not [secret for secret in SECRETS if secret in text]
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.__notes__) == (str(caught.value), notes)


@pytest.mark.mnist
def test_secrets_are_sent_to_their_mirror_alone_and_not_told_on_success(packed_mnist, almost_all):
    seen = []

    def other(handler):
        seen.append(handler.headers["Authorization"])
        handler.send((packed_mnist / f"{LABELS.name}.gz").read_bytes())

    def answer(handler):
        seen.append((handler.path, handler.headers["Authorization"] is not None))
        if "again" in handler.path:
            handler.send(b"", 302, Location=elsewhere.url)
        else:
            handler.send(b"", 302, Location=f"http://{handler.headers['Host']}/again")

    notes = []
    with serving(other) as elsewhere, serving(answer) as mirror, serving(DRIPS["a body"]) as bad:
        host, slow = (server.url.split("/")[2] for server in (mirror, bad))
        secretive = "http://annabel:s3cret@{host}/mnist?token=t0ken"
        mirrors = [secretive.format(host=slow), secretive.format(host=host)]
        download(almost_all, mirrors=mirrors, patience=HURRY, on_note=notes.append)
    assert seen == [(f"/mnist/{LABELS.name}.gz?token=t0ken", True), ("/again", True), None]
    assert len(notes) == 1
    assert f"http://***@{slow}/mnist?***: " in notes[0]


def test_what_a_mirror_says_is_cut_to_a_line(tmp_path):
    def answer(handler):
        handler.wfile.write(b"HTTP/1.1 404 " + b"no \x0c\x85" * 9000 + b"\r\n\r\n")

    with serving(answer) as mirror, pytest.raises(DownloadError) as caught:
        download(tmp_path, mirrors=[f"{mirror.url}{'x' * 5000}/"], patience=HURRY)
    assert len(caught.value.where) < 300
    assert len(caught.value.where.splitlines()) == 1
    assert "HTTP 404 no no" in caught.value.where
    assert len(shown("http://" + "x" * 10**6)) == 200


# ---------------------------------------------------------------------------------- the environment


@pytest.mark.sampled(1)
@pytest.mark.parametrize("variable", ["all_proxy", "http_proxy"])
def test_a_socks_proxy_without_pysocks_is_called_what_it_is(variable, fetch, tmp_path):
    hidden = tmp_path / "hidden"  # PySocks, which the tests' own browser driver brings
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import sys; sys.modules['socks'] = None")
    path = os.pathsep.join([str(hidden), *filter(None, [os.environ.get("PYTHONPATH")])])
    proxy = "socks5h://annabel:s3cret@127.0.0.1:9"
    done = fetch(tmp_path, "http://mnist.invalid/", **{variable: proxy}, PYTHONPATH=path)
    assert done.returncode == 1
    words = " ".join(done.stderr.split())
    assert f"a SOCKS proxy is set in the environment ({variable}), and PySocks is not" in words
    assert "s3cret" not in words


@pytest.mark.sampled(1)
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("kind", ["missing", "no certificates"])
def test_certificates_that_cannot_be_read_are_named(variable, kind, fetch, tmp_path):
    bundle = tmp_path / "ca.pem"
    if kind != "missing":
        bundle.write_text("hello", encoding="utf-8")
    env = {"REQUESTS_CA_BUNDLE": "", variable: bundle}  # the first of the two wins
    done = fetch(tmp_path / "data", "https://localhost:9/", **env)
    assert done.returncode == 1
    words = " ".join(done.stderr.split())
    what = "is missing" if kind == "missing" else "cannot be read"
    assert f"the certificates that {variable} names: {bundle} {what}" in words
