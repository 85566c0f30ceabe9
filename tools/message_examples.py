"""Writes what arrives at a pager, a chat and a mailbox: ``python -m tools.message_examples docs/messages.md``.

The alerts are those that the shipped rule tests expect; a real Alertmanager makes the messages of them, with the shipped
routes, receivers and templates. A test compares the committed file with :func:`render`.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from exporter.monitoring.options import Options
from exporter.monitoring.render import files
from exporter.texts import DEFAULT, LANGUAGES
from tests.monitoring.bundle import PROMETHEUS
from tests.monitoring.inboxes import inboxes, text_of
from tests.monitoring.rendered_messages import rendered
from tests.monitoring.servers import run, wait_for
from tools.promtool_annotations import fired

BOARD: Final = "https://sync.example"
_BEGAN: Final = datetime(2026, 9, 21, 1, 12, tzinfo=UTC)
_ENDED: Final = datetime(2026, 9, 21, 5, 40, tzinfo=UTC)
# Of the rule tests those are taken that have a site.
_PAGE: Final = ("names.yml", "BookingSyncDoubleBooking", "critical")
_TICKET: Final = ("names.yml", "BookingSyncConnectionNeedsOwner", "warning")

_TEXT: Final = """\
# Messages

*Written by `python -m tools.message_examples docs/messages.md`: the alerts come from the shipped rule tests, and a real
Alertmanager made the messages. Both use UTC here; with `TZ` set the times are local.*

This page shows what arrives at a pager, a chat and a mailbox. [monitoring.md](monitoring.md#messages) explains the parts.

## A page

A page consists of the title, as a phone shows it, and the text.

```
{page}
```

PagerDuty also gets links to the status board, the runbook and the dashboard. With the all-clear PagerDuty closes the
incident; the text is then:

```
{over}
```

## A chat message

A chat message consists of title and text, in Slack's markup. The title is a link to the status board; the bar beside it is
yellow, or green after the all-clear.

```
{chat}
```

## A mail

A mail consists of subject and text, with an HTML version of the same.

```
{mail}
```

## In German and in Russian

The same page and mail, if `monitoring render --language` wrote the rules and the template.

{others}
"""


def render(directory: Path) -> str:
    """Return the document; the servers' files go to ``directory``. It needs Alertmanager and takes some seconds."""
    page, ticket = _alert(*_PAGE), _alert(*_TICKET)
    os.environ["TZ"] = "UTC"
    with inboxes(directory, group_wait="200ms", group_interval="500ms") as (client, found):
        _post(client, [page, ticket])
        wait_for("page, chat message and mail", lambda: found.pages and found.chats and found.mails)
        _post(client, [page, ticket], over=True)
        wait_for("the end of the page", lambda: len(found.pages) > 1)
    begin, end = (one["payload"] for one in found.pages[:2])
    chat, mail = found.chats[0]["attachments"][0], found.mails[0]
    return _TEXT.format(
        page=f"{begin['summary']}\n\n{begin['custom_details']['what to do'].strip()}",
        over=end["custom_details"]["what to do"].strip(),
        chat=f"{chat['title']}\n\n{chat['text'].strip()}",
        others="\n\n".join(_others(language, directory) for language in LANGUAGES if language != DEFAULT),
        mail=f"{mail['Subject']}\n\n{text_of(mail)}".replace("\r\n", "\n").strip(),
    )


def _others(language: str, directory: Path) -> str:
    """Return a page and a mail of the same alerts in another language, as promtool and amtool print them."""
    shutil.copytree(PROMETHEUS / "tests", directory / language / "tests")
    rendered_files = files(Options(language=language))
    for name in ("recording.rules.yml", "alerting.rules.yml"):
        (directory / language / name).write_text(rendered_files[f"config/prometheus/{name}"])
    text = f"### {LANGUAGES[language]}"
    for kind, (file, name, severity) in (("pager", _PAGE), ("email.text", _TICKET)):
        alert = _alert(file, name, severity)
        result = run("promtool", "test", "rules", file, cwd=directory / language / "tests")
        wanted = frozenset((label, value) for label, value in alert["labels"].items() if label != "alertname")
        annotations = next(
            said
            for (*_, alertname, labels), said in fired(result.stdout + result.stderr).items()
            if (alertname, labels) == (name, wanted)
        )
        moments = {"status": "firing", "startsAt": _BEGAN.isoformat(), "endsAt": _ENDED.isoformat()}
        links = {part: alert["annotations"][part] for part in ("board", "runbook_url")}
        links["board"] = links["board"].replace("/#", f"/?lang={language}#")
        group = {**moments, "labels": alert["labels"], "annotations": {**annotations, **links}}
        title, body = (rendered(part, directory, group, language=language) for part in ("title", kind))
        text += f"\n\n```\n{title}\n\n{body.strip()}\n```"
    return text


def _alert(file: str, name: str, severity: str) -> dict[str, Any]:
    """Return the labels and annotations of the first alert of that name that a rule test expects with a site."""
    expected = [
        alert
        for case in yaml.safe_load((PROMETHEUS / "tests" / file).read_text())["tests"]
        for question in case.get("alert_rule_test", [])
        if question["alertname"] == name
        for alert in question["exp_alerts"]
        if alert["exp_labels"]["severity"] == severity and "site" in alert["exp_labels"]
    ]
    labels, annotations = expected[0]["exp_labels"], expected[0]["exp_annotations"]
    place = "/".join(labels[part] for part in ("target", "connection") if part in labels)
    links = {"board": f"{BOARD}/#{place}", "runbook_url": f"{BOARD}/runbooks/{name}"}
    return {"labels": {"alertname": name, **labels}, "annotations": {**annotations, **links}}


def _post(client: httpx.Client, alerts: list[dict[str, Any]], *, over: bool = False) -> None:
    ends = _ENDED if over else datetime(2099, 1, 1, tzinfo=UTC)
    body = [{**alert, "startsAt": _BEGAN.isoformat(), "endsAt": ends.isoformat()} for alert in alerts]
    client.post("/api/v2/alerts", json=body).raise_for_status()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        Path(sys.argv[1]).write_text(render(Path(folder)))
