"""Which format and coding a client gets."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics import Format
from exporter.web.negotiate import OFFERS, accepts_gzip, choose_format

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OM_1 = "application/openmetrics-text; version=1.0.0; charset=utf-8"
OM_0 = "application/openmetrics-text; version=0.0.1; charset=utf-8"

PROMETHEUS_2_33 = "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
PROMETHEUS_2_42 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_TEXT_ONLY = "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.2"
PROMETHEUS_PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
    "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        pytest.param([], TEXT, id="no header"),
        pytest.param([""], TEXT, id="empty header"),
        pytest.param(["*/*"], TEXT, id="curl"),
        pytest.param([CHROMIUM], TEXT, id="a browser"),
        pytest.param([PROMETHEUS_2_33], OM_0, id="Prometheus 2.33"),
        pytest.param([PROMETHEUS_2_42], OM_1, id="Prometheus 2.42"),
        pytest.param([PROMETHEUS_3], OM_1, id="Prometheus 3"),
        pytest.param([PROMETHEUS_3_TEXT_ONLY], TEXT, id="Prometheus 3, text only"),
        pytest.param([PROMETHEUS_PROTOBUF], OM_1, id="Prometheus with native histograms"),
        pytest.param(["application/openmetrics-text"], OM_1, id="OpenMetrics of any version"),
        pytest.param(["application/openmetrics-text; version=1.0.0"], OM_1, id="OpenMetrics 1.0.0"),
        pytest.param(["application/openmetrics-text; version=0.0.1"], OM_0, id="OpenMetrics 0.0.1"),
        pytest.param(['application/openmetrics-text; version="1.0.0"'], OM_1, id="version in quotes"),
        pytest.param(["Application/OpenMetrics-Text; Version=1.0.0"], OM_1, id="upper case"),
        pytest.param(["application/openmetrics-text;version=1.0.0;charset=utf-8"], OM_1, id="with a charset"),
        pytest.param(["application/openmetrics-text; version=2.0.0"], TEXT, id="unknown OpenMetrics version"),
        pytest.param(["application/openmetrics-text; version=abc"], TEXT, id="a version that is no version"),
        pytest.param(["application/openmetrics-text; version="], TEXT, id="a version without a value"),
        pytest.param(["text/plain; version=1.0.0"], TEXT, id="unknown text version"),
        pytest.param(["text/plain; version=0.0.4"], TEXT, id="text 0.0.4"),
        pytest.param(["application/json"], TEXT, id="something we do not have"),
        pytest.param(["text/plain;q=0.5,application/openmetrics-text;q=0.4"], TEXT, id="text weighs more"),
        pytest.param(["text/plain;q=0.4,application/openmetrics-text;q=0.5"], OM_1, id="OpenMetrics weighs more"),
        pytest.param(
            ["application/openmetrics-text;version=0.0.1;q=0.9,application/openmetrics-text;version=1.0.0;q=0.8"],
            OM_0,
            id="the older version weighs more",
        ),
        pytest.param(["text/plain,application/openmetrics-text"], TEXT, id="equal weights, text first"),
        pytest.param(["application/openmetrics-text,text/plain"], OM_1, id="equal weights, OpenMetrics first"),
        pytest.param(["application/openmetrics-text,*/*"], OM_1, id="a named type beats a wildcard of equal weight"),
        pytest.param(["*/*,application/openmetrics-text"], OM_1, id="wherever it stands"),
        pytest.param(["application/*"], OM_1, id="a wildcard for the subtype"),
        pytest.param(["text/*;q=0.1,application/*;q=0.2"], OM_1, id="two wildcards for the subtype"),
        pytest.param(["text/plain;q=0,*/*"], OM_1, id="anything but text"),
        pytest.param(["*/*;q=0.9,text/*;q=0.1"], OM_1, id="the closer range decides about text"),
        pytest.param(["application/openmetrics-text;q=0"], TEXT, id="OpenMetrics refused"),
        pytest.param(["*/*;q=0"], TEXT, id="everything refused is never 406"),
        pytest.param(["application/openmetrics-text;q=0,*/*;q=0.1"], TEXT, id="OpenMetrics refused, the rest taken"),
        pytest.param(["text/plain;q=0.3", "application/openmetrics-text;q=0.6"], OM_1, id="two headers"),
        pytest.param(["application/openmetrics-text;q=abc"], TEXT, id="weight that is no number"),
        pytest.param(["application/openmetrics-text;q=1.5"], TEXT, id="weight above one"),
        pytest.param(["application/openmetrics-text;q=-1"], TEXT, id="weight below zero"),
        pytest.param(["application/openmetrics-text;q=nan"], TEXT, id="not a number"),
        pytest.param(["application/openmetrics-text;q="], TEXT, id="weight without a value"),
        pytest.param(["application/openmetrics-text;q=0.5;q"], TEXT, id="parameter without a value"),
        pytest.param([";;;,,,q=1,/;q=0.1"], TEXT, id="rubbish"),
        pytest.param([";;;,,, application/openmetrics-text"], OM_1, id="rubbish beside a wish"),
        pytest.param(['application/openmetrics-text; version="1.0.0'], TEXT, id="open quote"),
        pytest.param(["\xff\xfe"], TEXT, id="bytes"),
        pytest.param(["text/plain," * 5000 + "application/openmetrics-text"], TEXT, id="endless"),
    ],
)
def test_the_format_is_what_the_client_likes_best(accept: list[str], expected: str) -> None:
    assert expected == choose_format(accept).content_type


def test_the_content_types_are_those_of_the_formats() -> None:
    assert "text/plain; version=0.0.4; charset=utf-8" == choose_format([]).content_type
    chosen = choose_format(["application/openmetrics-text; version=1.0.0"])
    assert (Format.OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8") == (
        chosen.format,
        chosen.content_type,
    )


@pytest.mark.slow
@given(st.lists(st.text(max_size=300), max_size=3))
def test_no_accept_header_is_an_error(accept: list[str]) -> None:
    assert choose_format(accept) in OFFERS


@given(st.text(alphabet='abtextplin/openmrcs-;,=q01. *"\\', max_size=200))
def test_no_mixture_of_its_own_signs_is_an_error(accept: str) -> None:
    assert choose_format([accept]) in OFFERS
    assert accepts_gzip([accept]) in {True, False}


@pytest.mark.slow
def test_a_hostile_header_is_read_quickly() -> None:
    began = time.process_time()
    choose_format(['text/plain;a="' + '\\"' * 2000])
    choose_format(["\\" * 4000])
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        pytest.param([], False, id="no header"),
        pytest.param(["gzip"], True, id="gzip"),
        pytest.param(["GZIP"], True, id="upper case"),
        pytest.param(["x-gzip"], True, id="its old name"),
        pytest.param(["gzip, deflate, br"], True, id="one of several"),
        pytest.param(["gzip;q=0"], False, id="refused"),
        pytest.param(["gzip;q=0.0, *"], False, id="refused beside a wildcard"),
        pytest.param(["*"], True, id="anything"),
        pytest.param(["*;q=0"], False, id="nothing but plain"),
        pytest.param(["identity"], False, id="plain"),
        pytest.param(["identity;q=0.9, gzip;q=0.5"], False, id="plain weighs more"),
        pytest.param(["identity;q=0.5, gzip;q=0.9"], True, id="gzip weighs more"),
        pytest.param(["gzip;q=0.1"], True, id="a small weight is still a wish"),
        pytest.param(["identity;q=0"], False, id="a client that takes nothing we have gets plain"),
        pytest.param(["deflate", "gzip"], True, id="two headers"),
        pytest.param(["gzip;q=x"], False, id="broken weight"),
        pytest.param(["br"], False, id="something we do not have"),
    ],
)
def test_gzip_is_used_when_the_client_takes_it(accept_encoding: list[str], expected: bool) -> None:
    assert expected == accepts_gzip(accept_encoding)
