"""What an approver sees of a text: every character, and nothing that HTML would read."""

import json
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.dashboard.visible import excerpt, is_hidden, json_escaped, visible


class _Reader(HTMLParser):
    """Collects the tags and the text of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.tags = set[str]()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert all(name in {"class", "title"} for name, _ in attrs)
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def _read(markup: str) -> _Reader:
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return reader


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\u202e", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("\u2066", "U+2066 LEFT-TO-RIGHT ISOLATE"),
        ("\u200f", "U+200F RIGHT-TO-LEFT MARK"),
        ("\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\ufeff", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("\u00a0", "U+00A0 NO-BREAK SPACE"),
        ("\u2028", "U+2028 LINE SEPARATOR"),
        ("\u3164", "U+3164 HANGUL FILLER"),
        ("\ufe01", "U+FE01 VARIATION SELECTOR-2"),
        ("\U000e0041", "U+E0041 TAG LATIN CAPITAL LETTER A"),
        ("\r", "U+000D CARRIAGE RETURN"),
        ("\x1b", "U+001B ESCAPE"),
        ("\0", "U+0000 NULL"),
        ("\ue000", "U+E000 PRIVATE USE"),
        ("\ud800", "U+D800 SURROGATE"),
    ],
)
def test_a_character_without_shape_is_marked_with_its_name(character: str, name: str) -> None:
    """Nothing hides: what has no shape stands as its code point, with its name for the pointer."""
    shown = str(visible(f"a{character}b"))
    assert shown == f'a<span class="mark" title="{name}">⟨{name.split(maxsplit=1)[0]}⟩</span>b'


def test_a_letter_of_another_script_inside_a_word_is_marked() -> None:
    """A Cyrillic letter in an otherwise Latin host name is shown with the letter that it imitates."""
    shown = str(visible("ex\u0430mple.org"))
    assert 'title="U+0430 CYRILLIC SMALL LETTER A, looks like a"' in shown
    assert "\u0430⟨U+0430⟩" in shown


def test_a_word_made_of_look_alikes_only_is_marked() -> None:
    """`\u0440\u0430\u0443\u0440\u0430\u04cf` reads like a Latin word although no letter of it is one."""
    assert str(visible("\u0440\u0430\u0443")).count("look-alike") == 3


def test_ordinary_words_of_other_languages_are_left_alone() -> None:
    """Russian, Greek and accented text is no attack."""
    for text in ("Удалить файл", "Καλημέρα κόσμε", "Grüße, façade — naïve", "日本語"):
        assert str(visible(text)) == text


def test_full_width_and_mathematical_letters_are_marked() -> None:
    """Compatibility forms look like ASCII and are something else to a shell."""
    assert "looks like r" in str(visible("\uff52m"))
    assert "looks like A" in str(visible("\U0001d400"))


def test_line_ends_and_tabs_are_seen_and_kept() -> None:
    """The text breaks where the agent's text breaks, and each break is drawn."""
    assert str(visible("a\n\tb")) == 'a<span class="nl"></span>\n<span class="tab">\t</span>b'


@given(st.text(alphabet=st.characters(codec=None), max_size=60))
def test_no_text_becomes_html(text: str) -> None:
    """Whatever the text is, the page gets spans and text, and every shown character is in it again."""
    reader = _read(str(visible(text)))
    assert reader.tags <= {"span"}
    plain = "".join(character for character in text if not is_hidden(character) or character in "\n\t")
    assert [each for each in reader.text if each in plain] or not plain


@given(st.text(alphabet="<>&\"'/=abc script onerror", max_size=80))
def test_html_signs_survive_as_text(text: str) -> None:
    """What HTML would read is shown exactly."""
    assert _read(str(visible(text))).text == text


def test_an_excerpt_says_what_it_leaves_out() -> None:
    """A cut text tells how much of it is shown."""
    part = excerpt("x" * 50 + "\n" + "y" * 50, 20)
    assert (part.shown, part.total, part.lines, part.is_whole) == (20, 101, 2, False)
    assert excerpt("abc", 20).is_whole


def test_a_megabyte_of_marks_takes_no_noticeable_time() -> None:
    """A payload of 1 MB is cut before it is marked, so that it cannot stall the page."""
    started = time.perf_counter()
    excerpt("\u202e\u0430a" * 350_000, 20_000)
    assert time.perf_counter() - started < 1


def test_json_escapes_keep_the_value() -> None:
    """The downloaded text shows hidden characters as escapes and still is the same JSON value."""
    value = {"a": "\u202e\U000e0041\u200bä"}
    text = json_escaped(json.dumps(value, ensure_ascii=False))
    assert "\u202e" not in text
    assert "ä" in text
    assert json.loads(text) == value
