"""Names as they are typed, and the one count that all spellings of a name have."""

import pytest

from appliance.identity.bind_allowance import typed_account


@pytest.mark.parametrize(
    "typed",
    [
        "ada",
        "ADA",
        " ada ",
        "CORP\\ada",
        "ada@corp.example",
        "àda",
        "a\u0300da",
        "a\u20dd\u0308da",
        "a\u00adda",
        "a\u200bda",
        "\u202eada\u2060",
        "a\u0001da",
        "a\ue000da",
        "\uff41\uff44\uff41\uff20corp.example",
        "a.d-a",
        "ªda",
    ],
)
def test_spellings_that_a_directory_takes_for_one_name_have_one_count(typed: str) -> None:
    """Accents, invisible characters, width and case make no other account of it."""
    assert typed_account(typed) == "ada"


@pytest.mark.parametrize(("typed", "like"), [("Tøm", "tom"), ("ÆTHEL", "aethel"), ("weiß", "weiss"), ("İNA", "ina")])
def test_letters_that_unicode_does_not_take_apart_are_folded_too(typed: str, like: str) -> None:
    """A directory may compare them like the plain ones."""
    assert typed_account(typed) == like


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("Иван", "иван"),
        ("CORP\\Иван@corp.example", "иван"),
        ("\u0418\u200b\u0432\u0430\u043d", "иван"),
        ("-_-", "-_-"),
        ("", ""),
    ],
)
def test_a_name_without_plain_letters_keeps_its_own_ones(typed: str, key: str) -> None:
    """Not everybody who writes in another script has one count."""
    assert typed_account(typed) == key
