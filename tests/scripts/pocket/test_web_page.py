"""The page in a headless Chromium: a file, a fake microphone, errors, and no connection."""

import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parents[3]
WEB = ROOT / "scripts" / "pocket" / "web"
SAMPLES = ROOT / "data" / "samples"

pytestmark = [pytest.mark.slow, pytest.mark.browser]


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def site(
    litert_js: str, portable_bundles: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [litert_js, str(WEB / "site.js"), "--bundle", str(portable_bundles["int8"])]
    subprocess.run([*command, "-o", str(folder)], check=True)
    return folder


@pytest.fixture
def server(site: Path) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=site))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        pytest.skip("chromium is not installed")
    sound = SAMPLES / "reading.wav"
    arguments = [
        "--no-sandbox",  # which root cannot use
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={sound}%noloop",
    ]
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any, server: ThreadingHTTPServer) -> Iterator[Any]:
    context = chromium.new_context()
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"http://127.0.0.1:{server.server_port}/")
    yield page
    context.close()


def choose(page: Any, path: Path) -> None:
    page.wait_for_selector("#file:enabled", state="attached")
    page.set_input_files("#file", str(path))


def text_of(page: Any) -> str:
    page.wait_for_selector("article .word")
    text: str = page.inner_text("article .text")
    return " ".join(text.split())


def test_a_file_is_transcribed_with_times_and_again_without_a_connection(
    page: Any, server: ThreadingHTTPServer
) -> None:
    choose(page, SAMPLES / "date.wav")
    assert text_of(page) == "july fourth seventeen seventy six"
    assert page.get_attribute("article .word", "title").endswith(" s")
    server.shutdown()
    server.socket.close()
    page.context.set_offline(True)
    page.reload()
    choose(page, SAMPLES / "zip.wav")
    assert text_of(page) == "one eight zero zero five"


def test_speech_is_shown_while_it_is_spoken(page: Any) -> None:
    page.context.grant_permissions(["microphone"])
    page.click("#record:enabled")
    page.wait_for_selector("article .partial")
    page.wait_for_selector("article .word")  # the final words, after a pause
    page.click("#record:enabled")
    page.wait_for_selector("article audio[src]", state="attached")
    assert text_of(page) == "the old man opened the door and looked out at the sea"


def test_words_may_be_preferred_or_be_the_only_ones(page: Any) -> None:
    def shown(number: int) -> str:
        page.wait_for_function(
            "n => document.querySelectorAll('article .word').length && "
            "document.querySelectorAll('article').length == n",
            arg=number,
        )
        return " ".join(page.inner_text("article .text >> nth=0").split())

    page.wait_for_selector("#file:enabled", state="attached")
    page.click("summary")
    page.fill("#list", "one eight\nfour:2\n[unk]")
    assert page.is_checked("[value=hotWords]")
    page.check("[value=phrases]")
    choose(page, SAMPLES / "zip.wav")
    assert shown(1) == "one eight [unk]"
    page.fill("#list", "xyzzyx")
    choose(page, SAMPLES / "zip.wav")
    page.wait_for_selector("#error:not([hidden])")
    assert page.inner_text("#error").startswith('phrases: "xyzzyx" is not in the lexicon')
    page.check("[value=any]")
    choose(page, SAMPLES / "zip.wav")
    assert shown(2) == "one eight zero zero five"


def test_what_fails_is_said_in_one_line(page: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp3"
    broken.write_bytes(b"ID3 no sound" * 100)
    long, short = tmp_path / "long.wav", tmp_path / "short.wav"
    soundfile.write(long, np.zeros(8000 * 1801, np.int16), 8000)
    soundfile.write(short, np.zeros(100, np.int16), 8000)
    for path, message in (
        (broken, "broken.mp3: this browser cannot decode the recording (audio/mpeg)"),
        (long, "long.wav: the recording lasts 1801 s, more than 1800 s: cut it into parts"),
        (short, "short.wav: the recording lasts 0.013 s, too short for speech"),
    ):
        choose(page, path)
        page.wait_for_function(
            "name => document.querySelector('#error').textContent.startsWith(name)", arg=path.name
        )
        assert page.inner_text("#error").startswith(message)
    page.click("#record:enabled")  # nobody has allowed the microphone
    page.wait_for_function("document.querySelector('#error').textContent.startsWith('the micro')")
    assert page.inner_text("#error").startswith("the microphone is not allowed")
    choose(page, SAMPLES / "zip.wav")
    assert text_of(page) == "one eight zero zero five"
    assert not page.is_visible("#error")


def test_after_a_recording_that_fails_others_can_be_made(page: Any) -> None:
    page.context.grant_permissions(["microphone"])
    page.click("#record:enabled")
    page.wait_for_selector("article")
    failing = "AudioContext.prototype.close = () => Promise.reject(new Error('no close'))"
    page.evaluate(f"() => {{ {failing} }}")
    page.click("#record:enabled")
    page.wait_for_selector("#error:not([hidden])")
    assert page.inner_text("#error") == "no close"
    choose(page, SAMPLES / "zip.wav")
    page.wait_for_function("document.querySelectorAll('article').length == 2")
    assert text_of(page) == "one eight zero zero five"


def test_without_a_service_worker_nothing_is_promised_offline(
    chromium: Any, server: ThreadingHTTPServer
) -> None:
    address = f"http://127.0.0.1:{server.server_port}/"
    page = chromium.new_context(service_workers="block").new_page()
    page.goto(address)
    page.wait_for_selector("#file:enabled", state="attached")
    assert page.inner_text("#status") == "Ready."
    page.route("**/lm.ngram", lambda route: route.fulfill(status=503))
    page.goto(address)
    page.wait_for_selector("#error:not([hidden])")
    assert page.inner_text("#error") == "lm.ngram: cannot be loaded: 503"
    page.context.close()


def test_a_folder_that_is_no_bundle_is_said_on_the_page(
    chromium: Any, site: Path, server: ThreadingHTTPServer
) -> None:
    index = site / "bundle" / "bundle.json"
    content = index.read_bytes()
    for damaged, message in (
        (None, "bundle.json: there is none; not a bundle"),
        (
            content.replace(b'"format_version": 2', b'"format_version": 9'),
            "bundle.json: has format version 9",
        ),
    ):
        index.unlink()
        if damaged:
            index.write_bytes(damaged)
        page = chromium.new_context().new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.wait_for_selector("#error:not([hidden])")
        assert page.inner_text("#error").startswith(message)
        page.context.close()
        index.write_bytes(content)
