"""The command line: exit codes, and one sentence on stderr."""

import re
import subprocess
import sys

import pytest

from tests.command import windsock, windsock_alone

BASE = '[providers.acme]\nbase_url = "http://127.0.0.1:9/v1"\napi_key = "k"\n'
ROUTE = '[routes.auto]\ncandidates = ["acme/m"]\n'


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("[server]\nprot = 1\n", ["windsock.toml:2", "server.prot", "port"]),
        ('[providers.acme]\napi_key = "${NO_SUCH}"\n', ["windsock.toml", "api_key", "NO_SUCH"]),
        ('[cache]\nttl = "5 parsecs"\n', ["windsock.toml:2", "cache.ttl", "5 parsecs"]),
        (BASE + '[routes.auto]\ncandidates = ["acmee/m"]\n', ["acmee/m", "did you mean 'acme'"]),
        ('[routes.auto]\ncandidates = ["openai/gpt-4o"]\n', ["openai", "OPENAI_API_KEY"]),
        (BASE + ROUTE + '[feeds]\nenabled = ["openruoter"]\n', ["openruoter", "openrouter"]),
        (BASE + ROUTE + '[store]\nurl = "sqlte:///x"\n', ["store.url"]),
        ("", ["OPENAI_API_KEY", "windsock demo"]),
    ],
    ids=["key", "secret", "unit", "deployment", "provider", "feed", "store", "empty"],
)
def test_a_bad_configuration_stops_with_two_and_one_sentence(config, words, tmp_path) -> None:
    (tmp_path / "windsock.toml").write_text(config)
    done = windsock("serve", folder=tmp_path)
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("windsock: ")]
    for word in words:
        assert word in line
    assert "Traceback" not in done.stderr


def test_a_process_says_and_returns_what_is_said_and_returned_here(tmp_path) -> None:
    (tmp_path / "windsock.toml").write_text("[server]\nprot = 1\n")
    alone, here = (run("serve", folder=tmp_path) for run in (windsock_alone, windsock))
    assert alone.returncode == here.returncode == 2
    assert alone.stderr == here.stderr != ""
    assert alone.stdout == here.stdout == ""


def test_an_unknown_command_and_option_stop_with_two(tmp_path) -> None:
    assert windsock_alone("serv", folder=tmp_path).returncode == 2
    assert windsock("serve", "--prot", "1", folder=tmp_path).returncode == 2


def test_nothing_answering_is_one_sentence(tmp_path) -> None:
    done = windsock("weights", "--url", "http://127.0.0.1:9", folder=tmp_path)
    assert done.returncode == 1
    assert "no windsock answers" in done.stderr


def test_keys_are_made_listed_and_revoked(tmp_path) -> None:
    (tmp_path / "windsock.toml").write_text(BASE + ROUTE)
    key = windsock("keys", "create", "ci", folder=tmp_path).stdout.strip()
    assert key.startswith("sk-ws-")
    listed = windsock("keys", "list", folder=tmp_path).stdout
    assert key[6:18] in listed
    assert key not in listed
    assert windsock("keys", "revoke", key[6:18], folder=tmp_path).returncode == 0
    assert "revoked" in windsock("keys", "list", folder=tmp_path).stdout
    assert windsock("keys", "revoke", "nope", folder=tmp_path).returncode == 1


def test_feeds_check_reads_the_samples(tmp_path) -> None:
    done = windsock("feeds", "check", folder=tmp_path)
    assert done.returncode == 0
    assert "gemini-2.5-pro" in done.stdout


def test_doctor_names_what_to_mend(tmp_path) -> None:
    config = BASE + ROUTE + '[feeds]\nenabled = ["genai-prices"]\n'
    (tmp_path / "windsock.toml").write_text(config)
    done = windsock("doctor", folder=tmp_path)
    assert done.returncode == 1
    assert "price_names" in done.stdout


def test_doctor_reads_the_feeds_before_it_calls_a_deployment_unpriced(tmp_path) -> None:
    sheet = tmp_path / "prices.csv"
    sheet.write_text("provider,model,input,output\nacme,m,1,2\n")
    feeds = '[feeds]\nenabled = ["price-sheet"]\n[feeds.override.price-sheet]\n'
    config = BASE + ROUTE + feeds + f'url = "file:{sheet}"\n'
    (tmp_path / "windsock.toml").write_text(config)
    done = windsock("doctor", folder=tmp_path)
    assert "acme/m: priced by price-sheet" in done.stdout
    assert "provider acme: ConnectError" in done.stdout
    assert "check base_url" in done.stdout


def test_doctor_says_which_prices_one_list_alone_states_or_lists_disagree_on(tmp_path) -> None:
    """Nothing to mend: it works, and a person may want to look."""
    feeds = []
    for feed, trust, rows in (
        ("one", 0.7, "acme,m,2,8\nacme,alone,1,4\nacme,sure,1,2\n"),
        ("two", 0.7, "acme,m,2,8\nacme,sure,1,2\n"),
        ("odd", 0.4, "acme,m,3,9\nacme,sure,1,2\n"),
    ):
        folder = tmp_path / "feeds" / feed
        folder.mkdir(parents=True)
        (tmp_path / f"{feed}.csv").write_text(f"provider,model,input,output\n{rows}")
        (folder / "feed.toml").write_text(
            f'id = "{feed}"\nkind = "price"\nurl = "file:{tmp_path}/{feed}.csv"\nevery = "1h"\n'
            f'unit = "usd/mtok"\ntrust = {trust}\nformat = "csv"\n'
            'quotes = ".[]"\n'
        )
        feeds.append(feed)
    config = BASE.replace("api_key", "discount = 0.1\napi_key") + (
        '[routes.auto]\ncandidates = ["acme/m", "acme/alone", "acme/sure", "acme/own"]\n'
        '[deployments."acme/own"]\nprice = { input = 0.0000025, output = 0.00001 }\n'
        f"[feeds]\ndirs = ['feeds']\nenabled = {feeds}\n"
    )
    (tmp_path / "windsock.toml").write_text(config)
    text = windsock("doctor", folder=tmp_path).stdout
    # Which of two lists that agree gives its name is a matter of which was read first.
    assert re.search(r"look acme/m: priced by (one|two); odd says \$3/9, not \$2/8", text)
    assert "look acme/alone: priced by one; provisional until " in text
    assert re.search(r"ok   acme/sure: priced by (one|two)\n", text)
    assert re.search(r"look acme/own: priced by config; .*below \$0.001; is its unit right", text)


def test_simulate_prints_json(tmp_path) -> None:
    done = windsock("simulate", "no-such-scenario", folder=tmp_path)
    assert done.returncode == 2
    assert "price-cut" in done.stderr


@pytest.mark.parametrize(
    ("environ", "threads"),
    [
        ({}, "1"),
        ({"OPENBLAS_NUM_THREADS": "3"}, "3"),
        ({"OMP_NUM_THREADS": "3"}, None),
    ],
)
def test_linear_algebra_has_one_thread_before_it_is_loaded_unless_the_operator_says_otherwise(
    environ: dict[str, str], threads: str | None
) -> None:
    program = """
import os, sys
from windsock.cli import main
sys.argv = ["windsock", "--version"]
try:
    main()
except SystemExit:
    print("numpy" in sys.modules, os.environ.get("OPENBLAS_NUM_THREADS"))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=60,
        check=True,
    )  # fmt: skip
    assert done.stdout.split()[1:] == ["False", str(threads)]
