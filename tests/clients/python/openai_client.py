"""The official client of OpenAI for Python, with the paths of Azure and of v1."""

import os

from openai import AuthenticationError, AzureOpenAI, BadRequestError, OpenAI

URL = os.environ.get("SIMULATOR_URL", "http://127.0.0.1:8000")
API_KEY = os.environ.get("SIMULATOR_API_KEY", "secret")
MESSAGES = [{"role": "user", "content": "Hello"}]

azure = AzureOpenAI(azure_endpoint=URL, api_key=API_KEY, api_version="2024-10-21", max_retries=0)
v1 = OpenAI(base_url=f"{URL}/openai/v1", api_key=API_KEY, max_retries=0)


def chat_at_both_paths():
    for client in (azure, v1):
        answer = client.chat.completions.create(model="gpt-4o", messages=MESSAGES, max_tokens=5)
        assert answer.usage.completion_tokens == 5
        assert answer.choices[0].finish_reason == "length"


def streamed_chat_with_usage():
    chunks = list(
        v1.chat.completions.create(
            model="gpt-4o",
            messages=MESSAGES,
            max_tokens=5,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert chunks[-1].usage.completion_tokens == 5


def a_response_and_its_stream():
    first = v1.responses.create(model="gpt-4.1", input="Hello", max_output_tokens=16)
    assert first.output_text
    events = list(
        v1.responses.create(
            model="gpt-4.1", input="Go on", previous_response_id=first.id, max_output_tokens=16, stream=True
        )
    )
    assert events[0].type == "response.created"
    assert events[-1].type in ("response.completed", "response.incomplete")
    assert v1.responses.retrieve(first.id).id == first.id


def embeddings():
    answer = azure.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    assert [len(it.embedding) for it in answer.data] == [1536, 1536]


def errors_by_class():
    try:
        v1.chat.completions.create(model="gpt-4o", messages=MESSAGES, temperature=3)
        raise AssertionError("a temperature of 3 must be refused")
    except BadRequestError as error:
        assert error.param == "temperature"
    try:
        OpenAI(base_url=f"{URL}/openai/v1", api_key="wrong", max_retries=0).models.list()
        raise AssertionError("a wrong key must be refused")
    except AuthenticationError:
        pass


for check in (chat_at_both_paths, streamed_chat_with_usage, a_response_and_its_stream, embeddings, errors_by_class):
    check()
    print(f"ok: {check.__name__.replace('_', ' ')}")
