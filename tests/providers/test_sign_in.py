"""Who calls is shown as each provider wants it: keys, tokens that expire, signatures."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.providers import fake_converse
from tests.running import running
from tests.upstream import Answer, completion, upstream
from windsock.clock import ManualClock, SystemClock
from windsock.errors import ConfigError
from windsock.providers.addressing import Account, endpoint_of
from windsock.providers.auth import facts as auth_facts
from windsock.providers.auth.lease import Lease, NoCredential, Renewed
from windsock.providers.presets import Preset, presets

CLOCK = SystemClock()


def endpoint(preset: str, environ: dict[str, str] | None = None, **stated):
    account = Account(name=preset, **stated)
    return endpoint_of(account, presets()[preset], environ or {}, CLOCK)


@pytest.mark.parametrize("address", ["http://ollama:11434", "http://ollama:11434/"])
def test_of_an_own_server_the_host_is_enough(address) -> None:
    made = endpoint("ollama", base_url=address)
    assert made.base_url == "http://ollama:11434/v1"
    assert endpoint("ollama", base_url="http://ollama/llm").base_url == "http://ollama/llm"


def test_azure_is_reached_by_resource_or_endpoint_and_takes_its_own_header() -> None:
    made = endpoint("azure", {"AZURE_OPENAI_API_KEY": "k"}, places={"resource": "acme"})
    assert made.base_url == "https://acme.openai.azure.com/openai/v1"
    assert made.headers == {"api-key": "k"}
    environ = {
        "AZURE_OPENAI_API_KEY": "k",
        "AZURE_OPENAI_ENDPOINT": "https://acme.openai.azure.com/",
    }
    assert endpoint("azure", environ).base_url == "https://acme.openai.azure.com/openai/v1"


def test_a_dated_azure_api_has_the_deployment_in_its_path() -> None:
    made = endpoint(
        "azure", api_key="k", base_url="https://a.openai.azure.com", api_version="2024-10-21"
    )
    assert made.base_url + made.call_path("/chat/completions", "my gpt/4") == (
        "https://a.openai.azure.com/openai/deployments/my%20gpt%2F4/chat/completions"
        "?api-version=2024-10-21"
    )


@pytest.mark.parametrize(
    ("preset", "environ", "places", "url"),
    [
        ("bedrock", {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "us-east-1"}, {},
         "https://bedrock-runtime.us-east-1.amazonaws.com"),
        ("cloudflare", {"CLOUDFLARE_ACCOUNT_ID": "0a"}, {},
         "https://api.cloudflare.com/client/v4/accounts/0a/ai/v1"),
        ("qwen", {}, {}, "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
        ("qwen", {}, {"region": "cn"}, "https://dashscope.aliyuncs.com/compatible-mode/v1"),
        ("moonshot", {}, {"region": "cn"}, "https://api.moonshot.cn/v1"),
        ("google-vertex", {"GOOGLE_CLOUD_PROJECT": "p"}, {},
         "https://aiplatform.googleapis.com/v1/projects/p/locations/global/endpoints/openapi"),
        ("google-vertex", {"GOOGLE_CLOUD_PROJECT": "p"}, {"region": "europe-west4"},
         "https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4"
         "/endpoints/openapi"),
    ],
)  # fmt: skip
def test_an_address_is_completed_by_what_its_owner_has(preset, environ, places, url) -> None:
    assert endpoint(preset, environ, api_key="k", places=places).base_url == url


@pytest.mark.parametrize(
    ("preset", "stated", "words"),
    [
        (
            "bedrock",
            {"api_key": "k"},
            r"region is not known; set AWS_REGION, or add \[providers.bedr",
        ),
        ("azure", {"api_key": "k"}, r"resource is not known; set AZURE_OPENAI_RESOURCE, or add"),
        ("azure", {"api_key": "k", "places": {"resource": "evil.com/x?"}}, "may hold letters"),
        ("openai", {}, "set OPENAI_API_KEY"),
        ("openai", {"base_url": "ftp://x"}, "must start with https://"),
    ],
)
def test_what_is_missing_is_named_with_its_mend(preset, stated, words) -> None:
    with pytest.raises(ConfigError, match=words):
        endpoint(preset, **stated)


@pytest.mark.parametrize(
    ("preset", "extra", "stated"),
    [
        ("bedrock", "aws", {"places": {"region": "us-east-1"}}),
        ("azure", "azure", {"places": {"resource": "acme"}}),
        ("google-vertex", "gcp", {"places": {"project": "p"}}),
    ],
)
def test_a_library_that_is_not_there_is_named_by_its_extra(
    preset, extra, stated, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(auth_facts, "import_module", missing)
    with pytest.raises(ConfigError, match=rf"pip install 'windsock\[{extra}\]'"):
        endpoint(preset, **stated)


def test_no_token_is_shown_to_a_server_without_tls_unless_it_is_asked_for() -> None:
    assert endpoint("google-vertex", base_url="http://10.0.0.1/v1").signer is None
    asked = endpoint("google-vertex", base_url="http://10.0.0.1/v1", auth="google")
    assert asked.signer is not None


async def test_a_key_may_stand_in_the_address_and_is_told_to_nobody(tmp_path) -> None:
    def refuses(_) -> Answer:
        return Answer({"error": {"message": "bad key sk-query-123456"}}, status=400)

    async with upstream(refuses) as server:
        config = (
            f'[providers.acme]\nbase_url = "{server.url}"\napi_key = "sk-query-123456"\n'
            'auth = "query:key"\nprice = { input = 1, output = 2 }\n'
            '[routes.auto]\ncandidates = ["acme/m"]\n'
        )
        async with running(config, tmp_path) as it:
            asked = {"model": "auto", "messages": [{"role": "user", "content": "x"}]}
            answer = await it.http.post("/v1/chat/completions", json=asked)
    assert server.targets == ["/v1/chat/completions?key=sk-query-123456"]
    assert "sk-query" not in answer.text


async def test_a_signature_is_the_one_that_aws_reckons_from_what_came(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-token-0123456789")
    async with upstream(lambda _: Answer(completion())) as server:
        config = (
            f'[providers.bedrock]\nbase_url = "{server.url}"\nregion = "us-east-1"\n'
            'preset = "bedrock-openai"\nauth = "sigv4"\nprice = { input = 1, output = 2 }\n'
            '[routes.auto]\ncandidates = ["bedrock/openai.gpt-oss-120b-1:0"]\n'
        )
        async with running(config, tmp_path) as it:
            asked = {"model": "auto", "messages": [{"role": "user", "content": "Zürich"}]}
            answers = [await it.http.post("/v1/chat/completions", json=asked) for _ in range(3)]
    assert [each.status_code for each in answers] == [200] * 3
    for headers, raw in zip(server.headers, server.raw, strict=True):
        assert headers["authorization"] == reckoned(server.url + "/chat/completions", headers, raw)
        assert headers["x-amz-security-token"] == "session-token-0123456789"


async def test_a_name_with_colons_is_signed_as_it_is_sent(tmp_path, monkeypatch) -> None:
    """AWS encodes the path of all but S3 twice before it signs it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    seen = []

    async def note(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen.append((request.raw_path, headers, await request.read()))
        return fake_converse.plain({})

    runner = web.AppRunner(app := web.Application())
    app.router.add_post("/{path:.*}", note)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    config = signed_in("bedrock", url, "sigv4").replace("/m", "/us.anthropic.claude-x-v1:0")
    config = config.replace("auth =", 'region = "us-east-1"\nauth =')
    async with running(config, tmp_path) as it:
        answer = await it.http.post("/v1/chat/completions", json=ASK)
    await runner.cleanup()
    assert answer.json()["choices"][0]["message"]["content"] == "Grüezi mitenand"
    ((path, headers, raw),) = seen
    assert path == "/model/us.anthropic.claude-x-v1%3A0/converse"
    assert headers["authorization"] == reckoned(url + path, headers, raw)


def reckoned(url: str, headers: dict[str, str], raw: bytes) -> str:
    """The authorization of a request as received, at the moment that it states."""
    keys = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    signed = headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    request = AWSRequest(
        "POST", url, data=raw, headers={n: headers[n] for n in signed if n != "host"}
    )
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(keys, "bedrock", "us-east-1")
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    scope = signer.scope(request)
    return (
        f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={';'.join(signed)}, "
        f"Signature={signature}"
    )


@asynccontextmanager
async def issuing(path: str, *lives_s: int) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that issues tokens `token-0`, `token-1`, ..., which live so long."""
    asked: list[str] = []

    async def issue(request: web.Request) -> web.Response:
        asked.append(request.headers.get("x-identity-header", ""))
        lives = lives_s[min(len(asked), len(lives_s)) - 1]
        token = f"token-{len(asked) - 1}"
        return web.json_response(
            {"access_token": token, "expires_in": lives, "token_type": "Bearer",
             "expires_on": str(int(CLOCK.now()) + lives), "resource": "x"}
        )  # fmt: skip

    app = web.Application()
    app.router.add_route("*", path, issue)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}{path}", asked
    finally:
        await runner.cleanup()


ASK = {"model": "auto", "messages": [{"role": "user", "content": "x"}]}


def signed_in(name: str, url: str, auth: str) -> str:
    return (
        f'[providers.{name}]\nbase_url = "{url}"\nauth = "{auth}"\n'
        f'price = {{ input = 1, output = 2 }}\n[routes.auto]\ncandidates = ["{name}/m"]\n'
    )


async def test_an_entra_token_is_fetched_beside_the_requests(tmp_path, monkeypatch) -> None:
    async with issuing("/msi/token", 86_400) as (url, asked):
        monkeypatch.setenv("IDENTITY_ENDPOINT", url)
        monkeypatch.setenv("IDENTITY_HEADER", "secret-of-the-host")
        monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
        async with upstream(lambda _: Answer(completion())) as server:
            async with running(signed_in("azure", server.url, "entra"), tmp_path) as it:
                answers = [await it.http.post("/v1/chat/completions", json=ASK) for _ in range(3)]
    assert [each.status_code for each in answers] == [200] * 3
    assert asked == ["secret-of-the-host"], "one token serves all requests"
    assert {each["authorization"] for each in server.headers} == {"Bearer token-0"}


async def test_a_google_token_is_renewed_before_it_ends(tmp_path, monkeypatch) -> None:
    async with issuing("/token", 2, 3600) as (url, asked):
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(service_account(tmp_path, url)))
        async with upstream(lambda _: Answer(completion())) as server:
            async with running(signed_in("google-vertex", server.url, "google"), tmp_path) as it:
                await it.http.post("/v1/chat/completions", json=ASK)
                while len(asked) < 2:
                    await asyncio.sleep(0.05)
                await asyncio.sleep(0.1)
                await it.http.post("/v1/chat/completions", json=ASK)
    shown = [each["authorization"] for each in server.headers]
    assert shown == ["Bearer token-0", "Bearer token-1"], "renewed with no request waiting for it"


def service_account(folder, token_url: str):
    """A key file as Google issues them, with a key made here."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "service-account.json"
    path.write_text(
        json.dumps(
            {"type": "service_account", "project_id": "p", "private_key_id": "1",
             "private_key": key.decode(), "client_email": "a@p.iam.gserviceaccount.com",
             "token_uri": token_url}
        )
    )  # fmt: skip
    return path


async def test_who_cannot_sign_in_is_passed_by_and_others_answer(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "no-such-file.json"))
    async with upstream(lambda _: Answer(completion())) as server:
        config = signed_in("google-vertex", server.url, "google").replace(
            'candidates = ["google-vertex/m"]', 'candidates = ["google-vertex/m", "acme/m"]'
        ) + (f'[providers.acme]\nbase_url = "{server.url}"\nprice = {{ input = 9, output = 9 }}\n')
        async with running(config, tmp_path) as it:
            asked = {**ASK, "model": "google-vertex/m", "models": ["acme/m"]}
            answer = await it.http.post("/v1/chat/completions", json=asked)
    assert answer.json()["provider"] == "acme"
    assert len(server.headers) == 1, "nothing was sent without a token"


async def test_a_lease_serves_while_its_renewal_fails_and_not_beyond_its_end() -> None:
    clock, asked = ManualClock(), []

    def fetch() -> Lease[str]:
        asked.append(clock.elapsed())
        if len(asked) > 1:
            raise OSError("no route to host")
        return Lease("first", 1000.0)

    token = Renewed("the token", fetch, clock)
    assert await token.current() == "first"
    clock.advance_to(800.0)
    assert token.is_due
    with pytest.raises(NoCredential, match="the token cannot be had: OSError: no route"):
        await token.renew()
    assert await token.current() == "first"
    assert not token.is_due, "a failure is not followed by another at once"
    clock.advance_to(1000.0)
    with pytest.raises(NoCredential):
        await token.current()
    with pytest.raises(NoCredential):
        await token.current()
    assert asked == [0.0, 800.0, 1000.0], "requests do not queue up for what fails"


def test_a_preset_without_an_address_asks_for_one() -> None:
    with pytest.raises(ConfigError, match=r"providers.acme has no base_url; add one"):
        endpoint_of(Account(name="acme"), Preset(id="acme"), {}, CLOCK)
