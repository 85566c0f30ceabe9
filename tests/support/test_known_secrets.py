"""Known secrets are masked in every form in which others write them down, and nothing else is."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.support import known_secrets, logs
from exporter.support.known_secrets import KnownSecrets

PLAIN = "k3yOfTheSalon7"
ODD = "a;b&c}\"d')/e<f>+g%h\\i=1"


def in_hex(text: str, letters: str) -> str:
    return "".join(f"\\u{ord(letter):04X}" if letter in letters else letter for letter in text)


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "in small letters": str.lower,
    "in capitals": str.upper,
    "URL": lambda text: quote(text, safe=""),
    "URL with slashes": quote,
    "URL of a form": quote_plus,
    "URL in small hex": lambda text: quote(text, safe="").lower(),
    "URL twice": lambda text: quote(quote(text, safe=""), safe=""),
    "HTML": html.escape,
    "HTML in numbers": lambda text: html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    "HTML of PHP": lambda text: html.escape(text).replace("&#x27;", "&#039;"),
    "JSON in a page": lambda text: in_hex(json.dumps(text)[1:-1], "<>&'"),
    "JSON of Bitrix": lambda text: in_hex(json.dumps(text)[1:-1].replace('\\"', '"').replace("/", "\\/"), "<>&'\""),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON of PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "Python": lambda text: repr(text)[1:-1],
    "hex": lambda text: text.encode().hex(),
    "hex in capitals": lambda text: text.encode().hex().upper(),
}


def known(*secrets: str) -> KnownSecrets:
    found = KnownSecrets()
    found.hold("test", secrets)
    return found


@pytest.mark.parametrize("around", [("", ""), ("x", "y"), ("ab", "cd"), ("before ", " after"), ("é\u0130 ", "\U0001f600")])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("secret", [PLAIN, ODD, "12345abc"])
def test_a_secret_is_masked_in_each_form_and_what_stands_around_it_stays(
    secret: str, form: Callable[[str], str], around: tuple[str, str]
) -> None:
    before, after = around
    assert f"{before}********{after}" == known(secret).mask(f"{before}{form(secret)}{after}")


UNSEEN = {
    "zero width space": "\u200b",
    "joiner": "\u200d",
    "soft hyphen": "\u00ad",
    "direction": "\u202e",
    "variation": "\ufe0f",
    "blank of Braille": "\u2800",
    "tag": "\U000e0041",
    "backspace": "\x08",
    "end of line": "\n",
}


@pytest.mark.parametrize("letter", UNSEEN.values(), ids=UNSEEN)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_secret_is_masked_wherever_a_letter_that_nobody_sees_stands_in_it(form: Callable[[str], str], letter: str) -> None:
    masks, written = known(PLAIN, ODD), form(PLAIN)
    for at in range(1, len(written)):
        assert "x ******** y" == masks.mask(f"x {written[:at]}{letter}{written[at:]} y")
    assert "x ******** y" == masks.sanitized(f"x {letter.join(written)} y")
    assert "******** and ********" == masks.mask(f"{form(ODD)} and {letter.join(written)}")


def test_letters_that_nobody_sees_stay_where_they_hide_no_secret() -> None:
    text = "line\n  of the sa\u00adlon\u200b"
    assert text is known(PLAIN).mask(text)
    assert f"{text} ********" == known(PLAIN).mask(f"{text} {PLAIN}")


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("after", ["", "x", "yz", ":password"])
@pytest.mark.parametrize("before", ["", "u", "us", "use"])
@pytest.mark.parametrize("secret", [PLAIN, ODD, "?>?>?>~~1"])
def test_of_a_secret_in_base64_nothing_is_left_that_could_be_read(
    secret: str, before: str, after: str, encode: Callable[[bytes], bytes], lower: bool
) -> None:
    text = encode(f"{before}{secret}{after}".encode()).decode()
    masked = known(secret).mask(text.lower() if lower else text)
    assert "********" in masked
    # At its ends one sign is left at most, which its neighbours have a part in.
    left = len(masked) - len("********")
    assert left <= len(encode((before + after).encode())) + 4


@pytest.mark.slow
@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=60).filter(lambda text: "://" not in text),
    st.text(max_size=40),
    st.text(max_size=40),
)
@settings(deadline=None, max_examples=40)
def test_whatever_a_secret_and_the_text_around_it_are_it_is_not_in_what_is_shown(secret: str, before: str, after: str) -> None:
    masks = known(secret + "Q7x")
    for form in FORMS.values():
        assert secret + "Q7x" not in masks.mask(before + form(secret + "Q7x") + after)


@pytest.mark.slow
def test_each_of_thousands_is_found() -> None:
    secrets = [f"{number:05d}-secret-{number * 7919:08x}" for number in range(5_500)]
    masks = known(*secrets)
    assert {"a ******** b"} == {masks.mask(f"a {secret} b") for secret in secrets}


@pytest.mark.slow
def test_a_text_made_of_what_many_secrets_end_in_is_not_searched_for_each_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A portal that knows how secrets look needs to know none for it, and each name that it sends would hold the loop."""
    masks = known(
        *(f"https://p{number}.bitrix24.de/rest/1/{number * 0x9E3779B97F4A7C15 % 2**64:016x}/" for number in range(3_000))
    )
    searched: list[str] = []
    forms = known_secrets._forms

    def search(secret: str) -> Iterator[str]:
        searched.append(secret)
        return forms(secret)

    monkeypatch.setattr(known_secrets, "_forms", search)
    digits = [f"{ord(digit):x}" for digit in "0123456789abcdef"]
    for end in ("2f", "2F", "2f31", "30", ""):
        masks.mask("".join(first + second + end for first in digits for second in digits))
    assert 10 >= len(searched)


def test_a_text_without_a_secret_is_the_very_text() -> None:
    text = "Wix answered query_bookings with something that is not a page (text/html, 4711 bytes)"
    assert text is known(PLAIN, ODD).mask(text)


@pytest.mark.parametrize(
    "word",
    [
        "booking-sync-exporter",
        "password",
        "Password",
        "PASSWORD",
        "changeme",
        "Salon-Berlin",
        "my_password",
        "20261127",
        "1790000000",
        "short7",
    ],
)
def test_a_word_a_number_and_what_is_short_make_no_text_unreadable(word: str) -> None:
    assert f"the {word} is" == known(word).mask(f"the {word} is")


@pytest.mark.parametrize(
    ("address", "hidden", "shown"),
    [
        ("https://salon.bitrix24.de/rest/1/c0d3c0d3c0d3/", "c0d3c0d3c0d3", "salon.bitrix24.de"),
        ("http://anna:p4ssw0rd%21@proxy1.example:3128", "p4ssw0rd!", "proxy1.example:3128"),
        ("anna:p4ssw0rd@proxy1.example:3128", "p4ssw0rd", "proxy1.example:3128"),
        ("http://proxy1.example:3128", "no-secret-0", "http://proxy1.example:3128"),
    ],
)
def test_of_an_address_the_secret_parts_are_masked_and_its_host_is_not(address: str, hidden: str, shown: str) -> None:
    masks = known(address)
    assert shown == masks.mask(shown)
    assert "no-secret-0" == hidden or "********" == masks.mask(hidden)


@pytest.mark.parametrize(
    "secret", ["00000://Q7x", "://k3yOfThe", "k3y://OfTheSalon", "k3yOf://The@Salon7", "ftp://k3yOfTheSalon"]
)
def test_a_secret_that_only_looks_like_an_address_is_masked_whole(secret: str) -> None:
    assert "a ******** b" == known(secret).mask(f"a {secret} b")


def test_what_is_also_a_name_is_left_alone_in_an_address_too() -> None:
    masks = KnownSecrets()
    masks.hold("test", ["http://Salon-Wix-01:p4ssw0rd@proxy.example"], ["salon-wix-01"])
    assert "salon-wix-01 ********" == masks.mask("salon-wix-01 p4ssw0rd")


def test_a_secret_is_known_until_the_last_who_holds_it_lets_go() -> None:
    masks = KnownSecrets()
    masks.hold("a", [PLAIN])
    masks.hold("b", [PLAIN])
    masks.drop("a")
    assert "********" == masks.mask(PLAIN)
    masks.drop("b")
    assert PLAIN == masks.mask(PLAIN)


def test_what_was_renewed_is_masked_until_it_is_renewed_again() -> None:
    masks = KnownSecrets()
    shown = []
    for secret in ("t0ken-number-1", "t0ken-number-2", "t0ken-number-3"):
        masks.hold("chain", [secret])
        shown.append([masks.mask(f"t0ken-number-{number}") for number in (1, 2, 3)])
    hidden = "********"
    assert [
        [hidden, "t0ken-number-2", "t0ken-number-3"],
        [hidden, hidden, "t0ken-number-3"],
        ["t0ken-number-1", hidden, hidden],
    ] == shown


def test_what_comes_and_goes_leaves_nothing_behind() -> None:
    masks = KnownSecrets()
    for number in range(200):
        masks.hold("chain", [f"t0ken-{number:08d}-x"])
    masks.drop("chain")
    assert ({}, {}) == (masks._by_piece, dict(masks._holders))


def test_who_hands_over_need_not_hold_any_longer() -> None:
    masks = known(PLAIN)
    masks.hand_over("test", "in force")
    masks.hold("test", ["an0ther-one"])
    masks.hold("test", ["a-th1rd-one"])
    assert ("********", "********") == (masks.mask(PLAIN), masks.mask("a-th1rd-one"))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["json", "logfmt"])
def test_a_known_secret_stands_in_no_line_of_the_log(form: str) -> None:
    stream = io.StringIO()
    logs.configure("info", form, stream)
    logs.mask_with(known(ODD, PLAIN).mask)
    try:
        log = structlog.get_logger("test")
        for write in FORMS.values():
            log.warning(
                "odd", message=write(ODD), facts=[write(PLAIN)], more={"a": write(PLAIN)}, long="x" * 3_000 + write(PLAIN) * 900
            )
        log.error("crashed", exc_info=ValueError(f"said {PLAIN}"))
    finally:
        logs.mask_with(str)
        logs.configure()
    lines = stream.getvalue().splitlines()
    assert len(FORMS) + 1 == len(lines)
    assert not [line for line in lines for secret in (PLAIN, ODD, PLAIN.encode().hex()) if secret.lower() in line.lower()]
