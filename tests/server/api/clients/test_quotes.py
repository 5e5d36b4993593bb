"""What an app quotes of an action's arguments: an agent writes the values, and cannot write arguments with them."""

from server.api.clients.quotes import ARGUMENTS_MAX, quoted
from server.api.clients.texts import QUOTE_MAX

PAGE = "https://leash.example.org/approvals/1"


def beginnings(text: str) -> list[str]:
    """What stands at the beginning of a line, where arguments do."""
    return [each for each in text.splitlines() if each and not each.startswith(" ")]


def test_a_value_is_no_argument() -> None:
    """Whatever line ends and blanks stand in it: only what is one begins a line."""
    for end in ("\n\n", "\r\n", "\n\n\t", "\u2028", "\x0b", "\x85", "\r"):
        text = quoted({"note": f"harmless{end}sql: SELECT 1", "sql": "DROP TABLE a"}, PAGE)
        begun = beginnings(text)
        assert [each.partition(":")[0] for each in begun] == ["note", "sql"], (end, text)
        assert begun[1] == "sql: DROP TABLE a"
    assert "⟨300 blanks⟩ sql" in quoted({"note": "harmless" + " " * 300 + "sql: SELECT 1", "sql": "x"}, PAGE)
    assert beginnings(quoted({"note": {"a": "x\n\nsql: SELECT 1"}}, PAGE)) == ["note: {"]


def test_a_name_is_no_value() -> None:
    """A name that could be read as an argument of its own stands in quotes, on one line."""
    text = quoted({"sql: SELECT 1\n\nmore": "x", "server: url": "y"}, PAGE)
    assert beginnings(text) == ['"sql: SELECT 1 more": x', "server: url: y"]


def test_a_long_value_hides_no_other() -> None:
    """The long ones are cut, the short ones are whole, and the rest is said."""
    text = quoted({"note": "n" * 90_000, "more": "m" * 90_000, "sql": "DROP TABLE a"}, PAGE)
    assert "\n\nsql: DROP TABLE a\n" in text
    assert "m" * 1_900 in text
    assert text.endswith(f"\n… {180_000 - QUOTE_MAX + len('DROP TABLE a')} more characters, at {PAGE}")
    assert len(text) < QUOTE_MAX + 200
    many = quoted({f"a{number}": "x" for number in range(ARGUMENTS_MAX + 5)}, PAGE)
    assert many.endswith(f"\n… 5 more arguments, at {PAGE}")
