"""What people are sent in German and Russian: every sentence of every alert, with numbers and moments as they write them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from exporter.cli import app
from exporter.errors import ConfigError
from exporter.monitoring.alerts import Alert, alert_groups
from exporter.monitoring.language import counted, said
from exporter.monitoring.options import Options
from exporter.monitoring.prometheus import alert_rule
from exporter.monitoring.render import files, render
from exporter.texts import LANGUAGES
from tests.monitoring.libyaml import safe_dump
from tests.monitoring.servers import run
from tools.promtool_annotations import Moment, fired

OTHERS = ["de", "ru"]
SAID = ("summary", "description", "fix", "until_morning", "first_steps")
VALUE, OF_ALL = 37, 43
_LABELS = (
    *("target", "platform", "collector", "reason", "site", "connection", "calendar_type", "status", "provider", "credential"),
    *("window", "budget", "instance", "shard", "symptom", "rule_group", "besides"),
)
BARE = {"job": "XJOB", "cluster": "", "namespace": ""}
EVERY_LABEL = BARE | {name: f"X{name.upper()}" for name in _LABELS}


def _alerts(language: str) -> list[Alert]:
    return [alert for group in alert_groups(Options(language=language)) for alert in group.alerts]


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("alert", _alerts("en"), ids=lambda alert: f"{alert.name}-{alert.severity}")
def test_every_text_of_every_alert_is_another_one_in_every_other_language(alert: Alert, language: str) -> None:
    english, other = alert.annotations(Options()), alert.annotations(Options(language=language))
    assert english.keys() == other.keys()
    for name in SAID:
        assert name not in english or english[name] != other[name], name


def test_no_sentence_depends_on_an_option_so_that_none_lacks_its_translation() -> None:
    def sentences(options: Options) -> set[str]:
        return {
            getattr(text, "text", text)
            for group in alert_groups(options)
            for alert in group.alerts
            for text in alert.sentences()
        }

    other = Options(("j",), 0.995, "https://g.example", "https://r.example", 7, "https://b.example", "ru")
    assert sentences(Options()) == sentences(other)


@pytest.mark.parametrize("language", OTHERS)
def test_the_language_changes_what_people_read_and_nothing_that_machines_read(language: str) -> None:
    english, other = files(Options()), files(Options(language=language))
    changed = {name for name in english if english[name] != other[name]}
    assert {
        "config/prometheus/alerting.rules.yml",
        "config/alertmanager/templates/booking-sync.tmpl",
        "config/kubernetes/prometheusrule.yaml",
    } == changed
    for one, two in zip(_alerts("en"), _alerts(language), strict=True):
        rules = alert_rule(one, Options()), alert_rule(two, Options(language=language))
        assert 1 == len({str({**rule, "annotations": None}) for rule in rules})


def test_english_is_the_default_and_another_language_is_refused_by_name() -> None:
    assert "en" == Options().language
    with pytest.raises(ConfigError, match=r"--language: 'fr' is not one of the languages.*write one of en, de, ru"):
        Options(language="fr")


def test_the_language_is_an_option_of_the_command(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["monitoring", "render", "--out", str(tmp_path), "--language", "de"])
    assert 0 == result.exit_code, result.output
    assert "Termine überschneiden sich." in (tmp_path / "config/prometheus/alerting.rules.yml").read_text()


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.servers
def test_the_servers_accept_a_bundle_in_every_language(language: str, tmp_path: Path) -> None:
    render(Options(language=language, board_url="https://sync.example"), tmp_path)
    for tool, command, name in (
        ("promtool", ("check", "config"), "prometheus/prometheus.yml"),
        ("amtool", ("check-config",), "alertmanager/alertmanager.yml"),
    ):
        result = run(tool, *command, tmp_path / "config" / name)
        assert 0 == result.returncode, result.stdout + result.stderr


@pytest.mark.parametrize("language", [*LANGUAGES])
def test_the_board_that_a_message_leads_to_speaks_its_language(language: str) -> None:
    (alert, *_) = [alert for alert in _alerts(language) if alert.name == "BookingSyncDoubleBooking"]
    asked = "" if language == "en" else f"?lang={language}"
    link = alert.annotations(Options(board_url="https://sync.example", language=language))["board"]
    assert link.startswith(f"https://sync.example/{asked}#{{{{ $labels.target")


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("en", {"connection": (1,), "connections": (0, 2, 11, 21, 101)}),
        ("de", {"Verbindung": (1,), "Verbindungen": (0, 2, 11, 21, 101)}),
        (
            "ru",
            {
                "подключение": (1, 21, 101),
                "подключения": (2, 4, 22, 104),
                "подключений": (0, 5, 10, 11, 12, 14, 20, 111, 112),
            },
        ),
    ],
)
@pytest.mark.servers
def test_a_number_has_the_form_of_its_language(language: str, forms: dict[str, tuple[int, ...]], tmp_path: Path) -> None:
    expected = {number: f"{number} {word}" for word, numbers in forms.items() for number in numbers}
    sentence = said(counted("%(count)s connection", "%(count)s connections"), language)
    assert expected == _printed(tmp_path, sentence, expected)


@pytest.mark.parametrize(
    ("language", "days", "seconds", "share"),
    [
        ("en", "6d 2h 3m 4s", "12.5s", "12.5%"),
        ("de", "6 T 2 Std 3 Min 4 Sek", "12,5 Sek", "12,5 %"),
        ("ru", "6 дн. 2 ч 3 мин 4 сек", "12,5 сек", "12,5 %"),
    ],
)
@pytest.mark.servers
def test_durations_and_shares_are_written_as_the_language_does(
    language: str, days: str, seconds: str, share: str, tmp_path: Path
) -> None:
    duration = said("{{ $value | humanizeDuration }}", language)
    assert {525_784: days, 12.5: seconds} == _printed(tmp_path, duration, (525_784, 12.5))
    assert {0.125: share} == _printed(tmp_path, said("{{ $value | humanizePercentage }}", language), (0.125,))


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("labels", [EVERY_LABEL, BARE], ids=["every label", "bare"])
@pytest.mark.servers
def test_every_text_prints_the_names_and_numbers_that_the_english_one_prints(
    labels: dict[str, str], language: str, tmp_path: Path
) -> None:
    english, other = (_said_of_every_alert(tmp_path, one, labels) for one in ("en", language))
    assert len(_alerts("en")) == len(english) == len(other)
    for at, texts in other.items():
        assert not [text for text in texts.values() if re.search(r"<error|{{|}}|%\(|<no value>", text)]
        for part in ("description", "fix"):
            assert _names_and_numbers(english[at][part]) == _names_and_numbers(texts[part]), texts[part]


def test_a_name_that_a_text_leaves_out_is_seen() -> None:
    assert _names_and_numbers("37 of 43 targets of XPLATFORM") != _names_and_numbers("37 von 43 Konten")
    assert _names_and_numbers("37 of 43 targets of XPLATFORM") == _names_and_numbers("XPLATFORM: 37 von 43 Konten")


def _names_and_numbers(text: str) -> list[str]:
    return sorted(re.findall(rf"X[A-Z_]+|{VALUE}(?:00)?|{OF_ALL}", text))


def _said_of_every_alert(directory: Path, language: str, labels: dict[str, str]) -> dict[str, dict[str, str]]:
    """Return what each alert says of an alert with ``labels`` and a value, where whatever it asks for has an answer."""
    alerts = _alerts(language)
    texts = [alert.annotations(Options(language=language)) for alert in alerts]
    rules = [
        {"alert": f"A{at}", "expr": f"m == {VALUE}", "annotations": {part: said[part] for part in SAID if part in said}}
        for at, said in enumerate(texts)
    ]
    (directory / "rules.yml").write_text(safe_dump({"groups": [{"name": "g", "rules": rules}]}))
    asked = {name for said in texts for text in said.values() for name in re.findall(r"last_over_time\(([a-z_:]+){", text)}
    matchers = ",".join(f'{name}="{value}"' for name, value in labels.items())
    case = {
        "input_series": [
            {"series": f"m{{{matchers}}}", "values": f"{VALUE}x5"},
            {"series": f"booking_sync_shard_info{{{matchers}}}", "values": "1x5"},
            *({"series": f"{name}{{{matchers}}}", "values": f"{OF_ALL}x5"} for name in sorted(asked)),
        ],
        "alert_rule_test": [{"eval_time": "2m", "alertname": rule["alert"], "exp_alerts": []} for rule in rules],
    }
    return {name: texts for (_, _, name, _), texts in _got(directory, case).items()}


def _printed(directory: Path, text: str, values: Iterable[float]) -> dict[float, str]:
    """Return what an annotation prints of each value."""
    rule = {"alert": "A", "expr": "m >= 0", "annotations": {"said": text}}
    (directory / "rules.yml").write_text(safe_dump({"groups": [{"name": "g", "rules": [rule]}]}))
    case = {
        "input_series": [{"series": f'm{{value="{value}"}}', "values": f"{value}x5"} for value in values],
        "alert_rule_test": [{"eval_time": "2m", "alertname": "A", "exp_alerts": []}],
    }
    return {float(dict(labels)["value"]): texts["said"] for (*_, labels), texts in _got(directory, case).items()}


def _got(directory: Path, case: dict[str, object]) -> dict[Moment, dict[str, str]]:
    """Return the annotations of the alerts of a case that expects none."""
    file = directory / "case.yml"
    file.write_text(json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [case]}))
    result = run("promtool", "test", "rules", file)
    return fired(result.stdout + result.stderr)
