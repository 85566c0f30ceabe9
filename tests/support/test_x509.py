"""When a certificate is good, told without a library for certificates."""

from __future__ import annotations

import base64
import datetime as dt
import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.support.x509 import Validity, validity
from tests.harness.certificates import self_signed


@pytest.mark.parametrize("ends", [1999, 2000, 2026, 2049, 2050, 9999])
def test_both_ends_are_read_in_either_form_of_a_date(ends: int, tmp_path: Path) -> None:
    span = dt.datetime(1990, 2, 3, 4, 5, 6, tzinfo=dt.UTC), dt.datetime(ends, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
    certificate, key = self_signed(tmp_path, validity=span)
    for text in (certificate.read_text(), key.read_text() + "about it\n" + certificate.read_text() * 2):
        assert Validity(*(moment.timestamp() for moment in span)) == validity(text)


@given(st.binary(max_size=80))
def test_what_is_no_certificate_has_no_validity(content: bytes) -> None:
    coded = base64.encodebytes(content).decode()
    assert validity(f"-----BEGIN CERTIFICATE-----\n{coded}-----END CERTIFICATE-----\n") is None
    assert validity(coded) is None


def test_a_certificate_that_was_cut_anywhere_is_no_bug(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)
    der = ssl.PEM_cert_to_DER_cert(certificate.read_text())
    whole = validity(certificate.read_text())
    assert whole is not None
    assert {None, whole} == {validity(ssl.DER_cert_to_PEM_cert(der[:length])) for length in range(1, len(der) + 1)}
