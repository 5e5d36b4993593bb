"""What makes two calls the same, and what is kept of one."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.actions.records import (
    AskTerms,
    Command,
    Facts,
    Finding,
    Kind,
    MatchedPolicy,
    Outcome,
    Verdict,
)
from appliance.decisions import rules
from appliance.decisions.records import Requester
from appliance.ledger.errors import CanonicalError
from tests.support.decisions import IDA, action

KEY = b"k" * 32
ARGUMENTS = {"command": "ls", "timeout": 1, "env": {"a": [1, 2.5, None, True], "ü": "x"}}


def hashed(**more: object) -> bytes:
    return rules.action_hash(action(**more))  # type: ignore[arg-type]


def attach(requester: Requester = IDA, terms: AskTerms | None = None, **more: object) -> bytes:
    asked = action(**more)  # type: ignore[arg-type]
    return rules.attach_key(KEY, requester, asked, rules.action_hash(asked), terms)


def test_the_order_of_keys_does_not_change_an_action() -> None:
    """Agents write their JSON as they like."""
    turned = {"env": {"ü": "x", "a": [1, 2.5, None, True]}, "timeout": 1, "command": "ls"}
    assert hashed(arguments=ARGUMENTS) == hashed(arguments=turned)


def test_a_number_is_the_same_however_it_is_written() -> None:
    """RFC 8785: 1, 1.0 and 1e0 are one number; 1 and "1" are two things."""
    assert hashed(arguments={"n": 1}) == hashed(arguments={"n": 1.0})
    assert hashed(arguments={"n": 1e21}) == hashed(arguments={"n": 1000000000000000000000.0})
    assert hashed(arguments={"n": 0}) == hashed(arguments={"n": -0.0})
    different = [{"n": value} for value in (1, "1", True, None, [1], {"1": 1}, 1.0000000000000002)]
    assert len({hashed(arguments=each) for each in different}) == len(different)


@pytest.mark.parametrize(
    "changed",
    [
        {"arguments": {**ARGUMENTS, "command": "ls "}},
        {"arguments": {**ARGUMENTS, "more": None}},
        {"arguments": {"command": "ls"}},
        {"arguments": {**ARGUMENTS, "env": {"a": [2.5, 1, None, True], "ü": "x"}}},
        {"arguments": {**ARGUMENTS, "env": {"a": [1, 2.5, None, True], "u\u0308": "x"}}},
        {"arguments": ARGUMENTS, "tool": "bash"},
        {"arguments": ARGUMENTS, "project": "/src/billing/"},
        {"arguments": ARGUMENTS, "agent": "codex"},
        {"arguments": ARGUMENTS, "event": "PostToolUse"},
        {"arguments": ARGUMENTS, "prompt": "x"},
    ],
)
def test_every_change_of_what_is_done_is_another_action(changed: dict[str, object]) -> None:
    """Each argument, added, removed, or spelled with other characters that look the same."""
    assert hashed(**changed) != hashed(arguments=ARGUMENTS)


@pytest.mark.parametrize(
    "server",
    [
        {"mcp_server": {"name": "billing", "source": "user"}}, {"mcp_context": {"server_name": "billing"}},
        {"url": "https://mcp.example.org"}, {"command": "npx billing-mcp"},
    ],
)  # fmt: skip
def test_the_same_tool_of_another_mcp_server_is_another_action(server: dict[str, object]) -> None:
    """Agents name the server beside the arguments; an approval for one is none for another of the same tool's name."""
    body = {"tool_name": "query", "tool_input": ARGUMENTS, "generation_id": "g-1"}
    call: dict[str, object] = {"kind": Kind.MCP, "tool": "query", "arguments": ARGUMENTS}
    assert hashed(**call, body={**body, **server}) != hashed(**call, body=body)
    assert hashed(**call, body={**body, **server}) == hashed(**call, body={**body, **server, "generation_id": "g-2"})


def test_other_terms_of_the_ask_make_another_call() -> None:
    """Who may answer, how many of them, and whether the requester may."""
    terms = [
        None, AskTerms(), AskTerms(roles=("owner",)), AskTerms(quorum=2), AskTerms(allows_self=False),
    ]  # fmt: skip
    assert len({attach(terms=each) for each in terms}) == len(terms)
    assert attach(terms=AskTerms(roles=("a", "b"))) == attach(terms=AskTerms(roles=("b", "a"), expires_seconds=9))


def test_identifiers_of_the_turn_belong_to_the_attach_key_only() -> None:
    """The same action in another turn is the same action, but another call."""
    assert hashed(tool_use="toolu_2") == hashed() == hashed(session="s-2")
    assert len({attach(), attach(tool_use="toolu_2"), attach(session="s-2"), attach(project="/src")}) == 4


def test_a_repeat_of_the_same_call_has_the_same_attach_key() -> None:
    """Same machine, session, project, tool use and action; nothing else finds it."""
    other = Requester(machine_id=UUID(int=9), person_id=IDA.person_id, email=IDA.email)
    without_person = Requester(machine_id=IDA.machine_id)
    assert attach() == attach()
    assert attach(without_person) == attach()
    assert attach(other) != attach()
    assert attach(command="make all") != attach()
    assert rules.attach_key(b"j" * 32, IDA, action(), hashed(), None) != attach()
    assert len(attach()) == 32


def test_a_policy_that_comes_to_want_a_proof_asks_anew() -> None:
    """What was allowed without one lets nothing go afterwards."""
    assert attach(terms=AskTerms()) != attach(terms=AskTerms(step_up=True))


def test_parts_of_the_attach_key_cannot_be_moved_into_each_other() -> None:
    """A session that ends like another one's project begins is another session."""
    assert attach(session="a", project="bc") != attach(session="ab", project="c")
    assert attach(session='a","b', project="c") != attach(session="a", project='b","c')


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, -(2**53), "\ud800", {1: 2}])
def test_what_has_no_canonical_form_is_no_action(value: object) -> None:
    """It cannot be bound to an answer, so it is refused."""
    with pytest.raises(CanonicalError):
        hashed(arguments={"x": value})


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
json = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(text, json, max_size=5))
def test_any_arguments_hash_alike_whatever_their_order(arguments: dict[str, object]) -> None:
    """Also with keys beyond the basic plane."""
    assert hashed(arguments=arguments) == hashed(arguments=dict(reversed(arguments.items())))


def test_the_summary_is_one_line_that_names_what_is_done() -> None:
    """The command alone; for other tools the tool and its file, URL or query; the prompt; else the event."""
    assert rules.summary_of(action("make\n\ttest")) == "make test"
    assert rules.summary_of(action("a\0b")) == "a b"
    assert rules.summary_of(action("x" * 2000)) == "x" * 300
    read = action(kind=Kind.READ_FILE, tool="Read", arguments={"file_path": "/etc/hosts", "limit": 3})
    assert rules.summary_of(read) == "Read /etc/hosts"
    assert rules.summary_of(action(kind=Kind.FETCH, tool="WebFetch", arguments={"url": "https://a.example"})) == (
        "WebFetch https://a.example"
    )
    assert rules.summary_of(action(prompt=" fix \r\n it ")) == "fix it"
    assert rules.summary_of(action(kind=Kind.LIFECYCLE, tool="", arguments={})) == "PreToolUse"
    assert rules.summary_of(action(kind=Kind.TOOL, tool="T", arguments={"path": 7, "query": ["a"]})) == "T"


def test_an_ask_is_kept_whole_and_everything_else_is_cut() -> None:
    """The approver sees all of it; a huge result keeps its beginning, its length and its hash."""
    long = "ä" * (rules.KEPT_CHARACTERS + 1)
    fits = "ä" * rules.KEPT_CHARACTERS
    body = {"tool_input": {"a": [long, fits, 7, None]}, "prompt": long, "n": 1.5}
    assert rules.kept_body(body, is_whole=True) is body
    cut = rules.kept_body(body, is_whole=False)
    first, second, third, fourth = cut["tool_input"]["a"]
    assert (second, third, fourth, cut["n"]) == (fits, 7, None, 1.5)
    assert first == cut["prompt"]
    assert first.startswith(fits + "… [65537 characters, SHA-256 ")
    assert len(first) == rules.KEPT_CHARACTERS + len("… [65537 characters, SHA-256 ]") + 64


def entry(outcome: Outcome, facts: Facts | None = None, findings: tuple[Finding, ...] = ()) -> dict[str, object]:
    verdict = Verdict(
        outcome=outcome, policy_version=3, policies=(MatchedPolicy(id="no-dd", title="No dd", effect="forbid"),),
        reason="Denied.",
    )  # fmt: skip
    made = rules.entry_of(action("x" * 70_000), facts or Facts(), findings, verdict, IDA)
    return {"event": made.event, "facts": made.facts, "payload": made.payload, "actor": made.actor.id}


def test_the_ledger_entry_tells_what_was_decided_and_by_which_policies() -> None:
    """Public facts without payload or person; the masked action and the reason are content."""
    made = entry(Outcome.DENY)
    assert made["event"] == "decision.denied"
    assert made["actor"] == str(IDA.machine_id)
    assert made["facts"] == {
        "agent": "claude", "event": "PreToolUse", "kind": "shell", "outcome": "deny", "policies": ["no-dd"],
        "policy_version": 3, "secrets": 0,
    }  # fmt: skip
    payload = made["payload"]
    assert isinstance(payload, dict)
    assert set(payload) == {"action", "reason"}
    assert "SHA-256" in payload["action"]["tool_input"]["command"]
    assert IDA.email not in str(made)


def test_an_asks_entry_holds_the_whole_action_and_what_is_known_of_it() -> None:
    """Facts and findings are there if there are any, never a secret's value."""
    finding = Finding(rule="aws", pointer="/a", start=0, end=4, length=20, fingerprint="f" * 16)
    facts = Facts(commands=(Command(program="dd"),), effects=("destructive",))
    made = entry(Outcome.ASK, facts, (finding,))
    payload = made["payload"]
    assert isinstance(payload, dict)
    assert payload["action"]["tool_input"]["command"] == "x" * 70_000
    assert list(payload["facts"]["effects"]) == ["destructive"]
    (found,) = payload["findings"]
    assert found == {"rule": "aws", "pointer": "/a", "start": 0, "end": 4, "length": 20, "fingerprint": "f" * 16}
    not_understood = entry(Outcome.ALLOW, Facts(is_understood=False))["payload"]
    assert isinstance(not_understood, dict)
    assert not_understood["facts"]["is_understood"] is False
