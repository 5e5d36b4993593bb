"""What Cedar sees: every attribute of the schema, with its type."""

import re

import cedarpy
import msgspec
import pytest

from appliance.actions.records import Action, Command, Facts, Kind, Moment
from appliance.policy.compilation import SCHEMA_TEXT
from appliance.policy.context import ATTRIBUTES, FLAGS, SETS, TEXTS, directories_of, domains_of, requests_of
from appliance.policy.effects import EFFECTS
from appliance.policy.records import Subject
from appliance.protection.commands.effects import Effect


def test_the_schema_and_the_builders_name_the_same_attributes_and_types() -> None:
    """An attribute in one place alone would fail every request or every policy."""
    found = dict(re.findall(r"^  (\w+): (String|Bool|Set<String>),$", SCHEMA_TEXT, re.MULTILINE))
    built = {
        **dict.fromkeys(TEXTS, "String"),
        **dict.fromkeys(SETS, "Set<String>"),
        **dict.fromkeys(FLAGS, "Bool"),
    }
    assert found == built


def test_every_kind_of_action_is_an_action_of_the_schema() -> None:
    """A kind that the schema lacks could not be named in a policy."""
    found = re.search(r"^action ([\w, ]+) appliesTo", SCHEMA_TEXT, re.MULTILINE)
    assert found is not None
    assert found[1].split(", ") == list(Kind)


def test_every_effect_of_protection_is_known_here_in_the_same_words() -> None:
    """Policies name effects; a list that lags behind would warn about a right word."""
    assert tuple(Effect) == EFFECTS


def test_a_whole_request_keeps_to_the_schema() -> None:
    """Cedar accepts what the builders make for every kind of action."""
    command = Command(program="rm", words=("rm", "x"), paths_deleted=("/a/b",), hosts=("a.example.com",))
    for kind in Kind:
        action = Action(agent="claude", event="E", moment=Moment.BEFORE_TOOL, kind=kind, project="/p")
        (request,) = requests_of(action, Facts(commands=(command,)), (), Subject(groups=("dev",)))
        context = {name: build(request) for name, build in ATTRIBUTES.items()}
        result = cedarpy.is_authorized(
            {
                "principal": 'Agent::"claude"',
                "action": f'Action::"{kind}"',
                "resource": 'Project::"/p"',
                "context": msgspec.json.encode(context).decode(),
            },
            "permit (principal, action, resource);",
            [],
            SCHEMA_TEXT,
        )
        assert result.allowed, result.diagnostics.errors


@pytest.mark.parametrize(
    ("path", "directories"),
    [
        ("/a/b", ["/", "/a", "/a/b"]),
        ("/", ["/"]),
        ("//a//b/../c/", ["/", "/a", "/a/c"]),
        ("~/.ssh/id", ["~", "~/.ssh", "~/.ssh/id"]),
        ("~", ["~"]),
        ("src/x", ["src", "src/x"]),
        ("C:\\Users\\ada", ["C:", "C:/Users", "C:/Users/ada", "~"]),
        ("/home/ada/.ssh", ["/", "/home", "/home/ada", "/home/ada/.ssh", "~", "~/.ssh"]),
        ("/root", ["/", "/root", "~"]),
        ("/rooted/home/x", ["/", "/rooted", "/rooted/home", "/rooted/home/x"]),
        ("", []),
    ],
)
def test_directories_are_the_path_and_all_above_it(path: str, directories: list[str]) -> None:
    """Each level is named once, folded where it can be; a home folder also as `~`."""
    assert directories_of(path) == directories


def test_a_path_of_a_thousand_levels_stays_small() -> None:
    """Ancestors grow with the square of the depth, so only the first 64 levels are named."""
    assert len(directories_of("/a" * 30_000)) <= 2 * 65


@pytest.mark.parametrize(
    ("host", "domains"),
    [
        ("api.example.com", ["api.example.com", "example.com", "com"]),
        ("10.0.0.1", ["10.0.0.1"]),
        ("::1", ["::1"]),
        ("localhost", ["localhost"]),
    ],
)
def test_domains_are_the_host_and_all_above_it(host: str, domains: list[str]) -> None:
    """A policy can name a domain and mean every host in it."""
    assert domains_of(host) == domains
