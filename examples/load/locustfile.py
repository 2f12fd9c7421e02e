"""Load test of streamed chat completions with Locust: first token, gaps between tokens, 429s separate from failures.

Locust's table has rows for the first token and the gaps (types TTFT and GAP), and "chat 429" for 429s, which are not failures.
After a 429 a user waits as the response says.
"""

import json
import os
import random
import time
from pathlib import Path

from locust import HttpUser, constant_pacing, task

DEPLOYMENT = os.environ.get("LOAD_DEPLOYMENT", "gpt-4o")
API_KEY = os.environ.get("SIMULATOR_API_KEY", "")
# Minimum seconds between two requests of a user.
PACE_SECONDS = float(os.environ.get("LOAD_PACE_SECONDS", "1"))
SHAPES = json.loads((Path(__file__).parent / "workloads.json").read_text())
SHAPE = SHAPES[os.environ.get("LOAD_WORKLOAD", "conversation")]
PATH = f"/openai/deployments/{DEPLOYMENT}/chat/completions?api-version=2024-10-21"
WORDS = "time year people way day man thing woman life child world school state family student".split()
# Timeouts of the connection, and between two parts of a response.
TIMEOUT_SECONDS = (10, 60)
MAX_WAIT_SECONDS = 60


def draw(knots):
    """Draws from a distribution by log-linear interpolation between its points."""
    share = random.random()
    above = max(1, next(index for index, knot in enumerate(knots) if knot["share"] >= share))
    low, high = knots[above - 1], knots[above]
    way = (share - low["share"]) / (high["share"] - low["share"])
    return max(1, round(low["tokens"] * (high["tokens"] / low["tokens"]) ** way))


def prompt_of(tokens):
    """About one token a word. A random first word prevents prompt caching."""
    return " ".join([str(random.randrange(1000)), *random.choices(WORDS, k=tokens)])


class StreamFailed(Exception):
    """The stream contains an error or ends before its last event."""


def measure_stream(response, started, now=time.perf_counter):
    """Reads a stream. Returns the milliseconds to the first token, a list of milliseconds between text events, and the usage."""
    first_token_ms, gaps_ms, usage, last, rest = None, [], None, None, b""
    # chunk_size=None returns parts as they arrive; iter_lines would wait for 512 bytes.
    for part in response.iter_content(chunk_size=None):
        lines = (rest + part).split(b"\n")
        rest = lines.pop()
        for line in lines:
            if not line.startswith(b"data: "):
                continue
            if line.strip() == b"data: [DONE]":
                return first_token_ms, gaps_ms, usage
            event = json.loads(line[len(b"data: ") :])
            if "error" in event:
                raise StreamFailed(event["error"].get("message", "error in stream"))
            usage = event.get("usage") or usage
            if not any(choice.get("delta", {}).get("content") for choice in event.get("choices", [])):
                continue
            at = now()
            if last is None:
                first_token_ms = (at - started) * 1000
            else:
                gaps_ms.append((at - last) * 1000)
            last = at
    raise StreamFailed("the stream ended without its last event")


def wait_after(response):
    """Returns the wait of a 429 in seconds."""
    headers = response.headers
    if "retry-after-ms" in headers:
        return min(MAX_WAIT_SECONDS, float(headers["retry-after-ms"]) / 1000)
    return min(MAX_WAIT_SECONDS, float(headers.get("retry-after", 1)))


class ChatUser(HttpUser):
    """Sends a request, reads the stream to its end, and repeats."""

    host = os.environ.get("LOAD_URL", "http://127.0.0.1:8000")
    wait_time = constant_pacing(PACE_SECONDS)

    @task
    def chat(self):
        body = {
            "messages": [{"role": "user", "content": prompt_of(draw(SHAPE["promptTokens"]))}],
            "max_tokens": draw(SHAPE["outputTokens"]),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        started = time.perf_counter()
        with self.client.post(
            PATH,
            json=body,
            headers={"api-key": API_KEY},
            name="chat",
            stream=True,
            timeout=TIMEOUT_SECONDS,
            catch_response=True,
        ) as response:
            if response.status_code == 429:
                response.request_meta["name"] = "chat 429"
                response.success()
                wait = wait_after(response)
            elif response.status_code != 200:
                response.failure(f"{response.status_code} {response.text[:200]}")
                return
            else:
                self.read(response, started)
                return
        # Outside the block, so that the wait does not count as response time.
        time.sleep(wait)

    def read(self, response, started):
        try:
            first_token_ms, gaps_ms, _ = measure_stream(response, started)
        # A cut connection raises an error of requests, invalid JSON one of json.
        except Exception as error:  # pylint: disable=broad-except
            response.failure(f"interrupted stream: {error}")
            return
        # Locust measures only until the headers of a stream.
        response.request_meta["response_time"] = (time.perf_counter() - started) * 1000
        response.success()
        if first_token_ms is not None:
            self.report("TTFT", first_token_ms)
        for gap_ms in gaps_ms:
            self.report("GAP", gap_ms)

    def report(self, kind, milliseconds):
        self.environment.events.request.fire(
            request_type=kind,
            name="chat",
            response_time=milliseconds,
            response_length=0,
            exception=None,
            context={},
        )
