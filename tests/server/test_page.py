"""The page in a headless Chromium, with a microphone that plays a sample."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import jiwer
import pytest

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
READING = "The old man opened the door and looked out at the sea."
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

needs_browser = pytest.mark.skipif(not CHROMIUM, reason="needs Chromium")


@pytest.fixture(scope="module")
def english(launch_server: Callable[..., Any]) -> Any:
    return launch_server(bundle=Path("english"))


@contextmanager
def browser_page(url: str, *, microphone: Path | None = SAMPLES / "reading.wav") -> Iterator[Any]:
    """The page in a browser; it must throw no error."""
    sync_api = pytest.importorskip("playwright.sync_api")
    arguments = ["--no-sandbox", "--use-fake-device-for-media-stream"]
    if microphone:
        arguments += [
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-audio-capture={microphone}%noloop",
        ]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if _is_own(line) else None)
        page.goto(url)
        yield page
        browser.close()
        assert errors == []


def _is_own(line: Any) -> bool:
    """Not what the browser itself reports of requests that are refused."""
    return line.type == "error" and not line.text.startswith(("Failed to load", "WebSocket"))


def expect(locator: Any) -> Any:
    from playwright.sync_api import expect

    return expect(locator)


def test_the_page_is_whole_and_guarded(server: Any) -> None:
    answer = httpx.get(server.url)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    for word in ("http://", "https://", "style=", "onclick", "<script>"):
        assert word not in answer.text
    for path in (
        "theme.css",
        "page.css",
        "page.js",
        "client.js",
        "take.js",
        "lane.js",
        "recorder.js",
    ):
        file = httpx.get(f"{server.url}/page/{path}")
        assert file.status_code == 200
    assert httpx.get(f"{server.url}/page/../app.py").status_code == 404
    assert httpx.get(f"{server.url}/page/%2e%2e/app.py").status_code == 404


@needs_browser
@pytest.mark.browser
@pytest.mark.slow
def test_files_become_transcripts_that_can_be_played_and_kept(english: Any, tmp_path: Path) -> None:
    with browser_page(english.url) as page:
        expect(page.locator("#model")).to_have_text("model english")
        page.set_input_files("#files", [SAMPLES / "reading.wav", SAMPLES / "date.wav"])
        date, reading = page.locator(".take").nth(0), page.locator(".take").nth(1)
        expect(date.locator(".state")).to_have_text("0:02, done", timeout=30_000)
        assert reading.locator(".text").inner_text() == READING
        assert date.locator(".text").inner_text() == "July 4, 1776."
        assert page.locator("#spoken").inner_text() == "July 4, 1776."  # for screen readers
        over = reading.locator(".strip span")
        assert " ".join(over.all_inner_texts()[:3]) == "The old man"
        colours = {over.nth(n).evaluate("e => getComputedStyle(e).color") for n in range(5)}
        assert len(colours) > 1  # by confidence

        reading.locator(".text button").nth(3).click()
        expect(reading.locator(".play")).to_have_text("Pause")
        expect(reading.locator(".text button.now")).to_have_text("opened")
        reading.locator(".play").click()
        expect(reading.locator(".play")).to_have_text("Play")

        for name, suffix in (("Text", "txt"), ("SRT", "srt"), ("VTT", "vtt"), ("JSON", "json")):
            with page.expect_download() as download:
                reading.get_by_role("button", name=f"Download {name}").click()
            assert download.value.suggested_filename == f"reading.{suffix}"
            download.value.save_as(tmp_path / f"reading.{suffix}")
    assert (tmp_path / "reading.txt").read_text(encoding="utf-8") == f"{READING}\n"
    assert (tmp_path / "reading.srt").read_text(encoding="utf-8").startswith("1\n00:00:00,")
    assert (tmp_path / "reading.vtt").read_text(encoding="utf-8").startswith("WEBVTT\n")
    words = json.loads((tmp_path / "reading.json").read_text(encoding="utf-8"))["words"]
    assert " ".join(word["text"] for word in words[:3]) == "the old man"


@needs_browser
@pytest.mark.browser
@pytest.mark.slow
def test_the_microphone_s_words_appear_while_it_records(english: Any) -> None:
    with browser_page(english.url) as page:
        page.get_by_role("button", name="Record from the microphone").click()
        take = page.locator(".take").first
        expect(take.locator(".strip span.open").first).to_be_visible(timeout=20_000)
        expect(take.locator(".text button").first).to_have_text("The", timeout=20_000)
        page.locator("#record").click()
        expect(take.locator(".state")).to_contain_text("done", timeout=20_000)
        text = take.locator(".text").inner_text()  # on a busy machine, a block may be missing
        assert jiwer.wer(READING, text) <= 0.2
        assert take.get_by_role("button", name="Download SRT").is_enabled()
        take.locator(".play").click()
        expect(take.locator(".play")).to_have_text("Pause")


@needs_browser
@pytest.mark.browser
@pytest.mark.slow
def test_the_page_is_used_by_the_keyboard(server: Any, tmp_path: Path, hello: bytes) -> None:
    (tmp_path / "hello.wav").write_bytes(hello)
    with browser_page(server.url) as page:
        page.keyboard.press("Tab")
        assert page.locator("#files").evaluate("e => e === document.activeElement")
        assert page.locator(".drop").evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
        page.keyboard.press("Tab")
        assert page.locator("#record").evaluate("e => e === document.activeElement")
        page.set_input_files("#files", tmp_path / "hello.wav")
        expect(page.locator(".state")).to_contain_text("done")
        page.locator(".text button").first.focus()
        page.keyboard.press("ArrowRight")
        assert page.evaluate("() => document.activeElement.textContent") == "world"
        page.keyboard.press("Home")
        page.keyboard.press("Enter")
        expect(page.locator(".play")).to_have_text("Play", timeout=10_000)  # it has ended
        names = page.locator("button, input").evaluate_all(
            "all => all.map(e => e.textContent || e.ariaLabel || e.labels?.[0]?.textContent)"
        )
        assert all(name and name.strip() for name in names)


@needs_browser
@pytest.mark.browser
@pytest.mark.slow
def test_what_goes_wrong_is_said(
    start_server: Callable[..., Any], tmp_path: Path, hello: bytes
) -> None:
    server = start_server("--token", "s3cret")
    (tmp_path / "text.wav").write_text("no sound", encoding="utf-8")
    (tmp_path / "hello.wav").write_bytes(hello)
    with browser_page(server.url, microphone=None) as page:
        page.get_by_role("textbox", name="Token").fill("s3cret")
        page.get_by_role("button", name="Go on").click()
        expect(page.locator("#model")).to_have_text("model bundle")

        page.locator("#record").click()  # nobody grants the permission in a headless browser
        expect(page.locator("#problem")).to_contain_text("The microphone is blocked")

        page.set_input_files("#files", tmp_path / "text.wav")
        problem = page.locator(".take .problem").first
        expect(problem).to_contain_text("text.wav: cannot be decoded")
        page.get_by_role("button", name="Remove").click()
        expect(page.locator(".take")).to_have_count(0)

        server.process.kill()
        server.process.wait()
        page.set_input_files("#files", tmp_path / "hello.wav")
        expect(problem).to_contain_text("The server cannot be reached")
        assert page.get_by_role("button", name="Try again").is_visible()
        page.locator("#record").click()
        expect(page.locator("#problem")).to_contain_text("The server cannot be reached")


@needs_browser
@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="stops the server's processes")
def test_words_stay_when_the_server_goes_while_it_records(start_server: Callable[..., Any]) -> None:
    server = start_server(bundle=Path("english"))
    with browser_page(server.url) as page:
        page.locator("#record").click()
        take = page.locator(".take").first
        expect(take.locator(".text button").nth(1)).to_be_visible(timeout=20_000)
        os.kill(server.process.pid, signal.SIGKILL)
        expect(take.locator(".problem")).to_contain_text("The server cannot be reached")
        assert take.locator(".text").inner_text().startswith("the old")
        assert take.get_by_role("button", name="Download Text").is_enabled()
        assert take.locator(".play").is_enabled()
