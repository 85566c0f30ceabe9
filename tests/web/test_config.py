"""``--web.config.file``: what is accepted, and what every mistake is told."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from exporter.errors import ConfigError, ListenError
from exporter.web.config import WebConfig
from tests.harness.certificates import self_signed

HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
TLS = "tls_server_config: {cert_file: localhost.crt, key_file: localhost.key}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Hold a certificate and its key, and another pair."""
    self_signed(tmp_path)
    self_signed(tmp_path, "other")
    (tmp_path / "rubbish").write_text("not PEM")
    return tmp_path


def load(folder: Path, text: str) -> WebConfig:
    file = folder / "web.yml"
    file.write_text(text)
    return WebConfig.load(file)


def complaints(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    return [str(problem).removeprefix(f"{folder}/web.yml").replace(f"{folder}/", "") for problem in caught.value.problems]


def test_without_a_file_everything_is_off() -> None:
    config = WebConfig.load(None)
    assert (None, {}, {}, False, ()) == (config.tls, config.headers, config.users, config.probes_require_auth, config.files())


def test_an_empty_file_switches_nothing_on(folder: Path) -> None:
    config = load(folder, "")
    assert (None, {}, {}, False) == (config.tls, config.headers, config.users, config.probes_require_auth)


def test_a_full_file_is_read(folder: Path) -> None:
    config = load(
        folder,
        f"""
tls_server_config:
  cert_file: localhost.crt
  key_file: {folder}/localhost.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: other.crt
  min_version: TLS13
  max_version: TLS13
  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: false
http_server_config:
  http2: true
  headers:
    Strict-Transport-Security: max-age=31536000
    X-Frame-Options: sameorigin
    X-Content-Type-Options:
basic_auth_users:
  prometheus: {HASH}
probes_require_auth: true
""",
    )
    assert config.tls is not None
    assert (folder / "localhost.crt", folder / "localhost.key") == (config.tls.cert_file, config.tls.key_file)
    assert (ssl.CERT_REQUIRED, folder / "other.crt") == (config.tls.verify_clients, config.tls.client_ca_file)
    assert (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3) == (config.tls.min_version, config.tls.max_version)
    assert (("ECDHE-RSA-AES128-GCM-SHA256",), False) == (config.tls.ciphers, config.tls.prefer_server_ciphers)
    assert {
        "Strict-Transport-Security": "max-age=31536000",
        "X-Frame-Options": "sameorigin",
        "X-Content-Type-Options": "",
    } == config.headers
    assert (["prometheus"], HASH) == (list(config.users), config.users["prometheus"].reveal())
    assert config.probes_require_auth


def test_tls_12_is_the_least_by_default(folder: Path) -> None:
    tls = load(folder, TLS).tls
    assert tls is not None
    assert (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3, ssl.CERT_NONE) == (
        tls.min_version,
        tls.max_version,
        tls.verify_clients,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tls_config: {}", ":1: tls_config: unknown key (fix: did you mean tls_server_config?)"),
        ("- a", ": must be a mapping (fix: "),
        ("a: [", ":1: not valid YAML"),
        (
            "rate_limit: {burst: 3}",
            ":1: rate_limit: is not offered by this exporter (fix: remove it: scrapes are served from memory",
        ),
        ("probes_require_auth: sometimes", ":1: probes_require_auth: must be true or false"),
        ("tls_server_config: {}", ":1: tls_server_config.cert_file: is missing (fix: name the certificate in PEM form)"),
        (
            "tls_server_config: {cert_file: localhost.crt, key_file: other.key}",
            ": tls_server_config.cert_file: localhost.crt and other.key: certificate and key do not belong together (fix: ",
        ),
        (
            "tls_server_config: {cert_file: gone.crt, key_file: localhost.key}",
            ":1: tls_server_config.cert_file: gone.crt does not exist (fix: create it, or correct the path)",
        ),
        (
            "tls_server_config: {cert_file: rubbish, key_file: localhost.key}",
            ": tls_server_config.cert_file: rubbish and localhost.key: not a certificate or key in PEM format",
        ),
        ("tls_server_config: {cert_file: 3, key_file: localhost.key}", ":1: tls_server_config.cert_file: must be the name"),
        (TLS[:-2] + ", cert: PEM}", ":1: tls_server_config.cert: is not offered by this exporter (fix: write the certificate"),
        (
            TLS[:-2] + ", client_allowed_sans: [a]}",
            ":1: tls_server_config.client_allowed_sans: a client without a certificate would pass (fix: set client_auth_type: ",
        ),
        (TLS[:-2] + ", client_allowed_sans: a}", ":1: tls_server_config.client_allowed_sans: must be a list of names"),
        (TLS[:-2] + ", client_allowed_sans: []}", ":1: tls_server_config.client_allowed_sans: must be a list of names"),
        (TLS[:-2] + ", client_allowed_sans: [1]}", ":1: tls_server_config.client_allowed_sans: must be a list of names"),
        (TLS[:-2] + ", curve_preferences: [X25519]}", ":1: tls_server_config.curve_preferences: is not offered"),
        (TLS[:-2] + ", client_auth_type: Maybe}", ":1: tls_server_config.client_auth_type: unknown policy (fix: use one of No"),
        (
            TLS[:-2] + ", client_auth_type: RequireAnyClientCert, client_ca_file: other.crt}",
            ":1: tls_server_config.client_auth_type: RequireAnyClientCert does not verify the certificate (fix: use Require",
        ),
        (TLS[:-2] + ", client_auth_type: RequireAndVerifyClientCert}", ":1: tls_server_config.client_ca_file: is missing"),
        (TLS[:-2] + ", client_ca_file: other.crt}", ":1: tls_server_config.client_ca_file: client certificates are not asked"),
        (
            TLS[:-2] + ", client_auth_type: VerifyClientCertIfGiven, client_ca_file: rubbish}",
            ": tls_server_config.client_ca_file: rubbish: not a certificate or key in PEM format",
        ),
        (TLS[:-2] + ", min_version: TLS10}", ":1: tls_server_config.min_version: is not safe (fix: use TLS12 or TLS13)"),
        (TLS[:-2] + ", max_version: TLS14}", ":1: tls_server_config.max_version: unknown version"),
        (TLS[:-2] + ", min_version: [TLS12]}", ":1: tls_server_config.min_version: unknown version"),
        (TLS[:-2] + ", min_version: TLS13, max_version: TLS12}", ":1: tls_server_config.min_version: is higher than max"),
        (TLS[:-2] + ", cipher_suites: TLS_AES_128_GCM_SHA256}", ":1: tls_server_config.cipher_suites: must be a list"),
        (TLS[:-2] + ", cipher_suites: [RC4]}", ":1: tls_server_config.cipher_suites[0]: unknown or unsafe cipher suite"),
        (TLS[:-2] + ", prefer_server_cipher_suites: 1}", ":1: tls_server_config.prefer_server_cipher_suites: must be true"),
        ("http_server_config: {http2: maybe}", ":1: http_server_config.http2: must be true or false"),
        ("http_server_config: {headers: {Server: a}}", ":1: http_server_config.headers.Server: unknown key"),
        (
            "http_server_config: {headers: {X-Frame-Options: allow}}",
            ":1: http_server_config.headers.X-Frame-Options: this value is not allowed (fix: use deny or sameorigin)",
        ),
        (
            'http_server_config: {headers: {X-XSS-Protection: "a\\r\\nb: c"}}',
            ":1: http_server_config.headers.X-XSS-Protection: must be one line of plain text",
        ),
        ("basic_auth_users: [a]", ":1: basic_auth_users: must be a mapping"),
        (
            "basic_auth_users: {anna: hunter2}",
            ":1: basic_auth_users.anna: is not a bcrypt hash (fix: make one with: booking-sync-exporter hash-password)",
        ),
        ("basic_auth_users: {anna: }", ":1: basic_auth_users.anna: has no hash"),
        (
            f"basic_auth_users: {{anna: {HASH.replace('$10$', '$31$')}}}",
            ":1: basic_auth_users.anna: the cost must lie between 4 and 18",
        ),
        (f"basic_auth_users: {{'an:na': {HASH}}}", ":1: basic_auth_users.user 1: a user name is not empty and has no colon"),
        (f"basic_auth_users:\n  anna: {HASH}\n  anna: {HASH}", ":3: basic_auth_users.anna: the key is there twice"),
    ],
)
def test_every_mistake_is_told_with_its_place_and_a_fix(folder: Path, text: str, expected: str) -> None:
    assert any(complaint.startswith(expected) for complaint in complaints(folder, text)), complaints(folder, text)
    assert all("(fix: " in complaint for complaint in complaints(folder, text))


ITSELF = "write the hash itself: it is no password, and only who can read this file sees it"
MAKE_ONE = "make one with: booking-sync-exporter hash-password"
USER = ":1: basic_auth_users.anna: "
FIRST_MISTAKES = {
    f"basicAuthUsers: {{anna: {HASH}}}": ":1: basicAuthUsers: unknown key (fix: did you mean basic_auth_users?)",
    f"users: {{anna: {HASH}}}": ":1: users: unknown key (fix: did you mean basic_auth_users?)",
    "probe_requires_auth: true": ":1: probe_requires_auth: unknown key (fix: did you mean probes_require_auth?)",
    "cert_file: localhost.crt": ":1: cert_file: unknown key (fix: move it to tls_server_config)",
    TLS.replace("cert_file", "certfile"): ":1: tls_server_config.certfile: unknown key (fix: did you mean cert_file?)",
    TLS[:-2] + ", probes_require_auth: true}": (
        ":1: tls_server_config.probes_require_auth: unknown key (fix: move it to the top level of the file)"
    ),
    "http_server_config: {X-Frame-Options: deny}": (
        ":1: http_server_config.X-Frame-Options: unknown key (fix: move it to http_server_config.headers)"
    ),
    "http_server_config: {headers: {x-frame-option: deny}}": (
        ":1: http_server_config.headers.x-frame-option: unknown key (fix: did you mean X-Frame-Options?)"
    ),
    "tls_server_config: {cert_file: localhost.key, key_file: localhost.crt}": (
        ": tls_server_config.cert_file: localhost.key holds a key, and key_file a certificate "
        "(fix: exchange cert_file and key_file)"
    ),
    TLS[:-2] + ", client_auth_type: requireandverify}": (
        ":1: tls_server_config.client_auth_type: unknown policy (fix: did you mean RequireAndVerifyClientCert?)"
    ),
    TLS[:-2] + ", min_version: 1.2}": ":1: tls_server_config.min_version: unknown version (fix: write TLS12)",
    TLS[:-2] + ", min_version: TLSv1.3}": ":1: tls_server_config.min_version: unknown version (fix: write TLS13)",
    TLS[:-2] + ", cipher_suites: [TLS_AES_128_GCM_SHA265]}": (
        ":1: tls_server_config.cipher_suites[0]: unknown or unsafe cipher suite (fix: use a name of Go's tls.CipherSuites())"
    ),
    TLS[:-2] + ", cipher_suites: [tls_aes_128_gcm_sha256]}": (
        ":1: tls_server_config.cipher_suites[0]: unknown or unsafe cipher suite (fix: did you mean TLS_AES_128_GCM_SHA256?)"
    ),
    "targets: [{name: a}]": (
        ": is the configuration of the exporter (fix: name it with --config.file, and here the file for the web)"
    ),
    f"basic_auth_users: [{{anna: {HASH}}}]": ":1: basic_auth_users: must be a mapping (fix: leave the - out)",
    f"basic_auth_users: anna:{HASH}": (
        ":1: basic_auth_users: must be a mapping (fix: write NAME: BCRYPT-HASH below it, one line for each)"
    ),
    "basic_auth_users: {anna: }": f"{USER}has no hash (fix: {MAKE_ONE})",
    "basic_auth_users: {anna: hunter2}": f"{USER}is not a bcrypt hash (fix: {MAKE_ONE})",
    "basic_auth_users: {anna: $apr1$hunter2$hunter2}": f"{USER}is a hash of another kind, not of bcrypt (fix: {MAKE_ONE})",
    "basic_auth_users: {anna: '{SHA}hunter2'}": f"{USER}is a hash of another kind, not of bcrypt (fix: {MAKE_ONE})",
    f"basic_auth_users: {{anna: {HASH.replace('$', '$$')}}}": (
        f"{USER}has its dollars doubled, as Compose wants them in its own file (fix: write each of them once)"
    ),
    f"basic_auth_users: {{anna: 'anna:{HASH}'}}": (
        f"{USER}has the user's name in front of the hash (fix: write what stands behind the colon)"
    ),
    f"basic_auth_users: {{anna: {HASH[:-1]}}}": (
        f"{USER}is a bcrypt hash that was cut or changed (fix: copy all 60 characters of it, or {MAKE_ONE})"
    ),
    "basic_auth_users: {anna: $HASH}": f"{USER}names a variable; variables are not expanded in this file (fix: {ITSELF})",
    "basic_auth_users: {anna: {env: HASH}}": f"{USER}must be a bcrypt hash, not a mapping (fix: {ITSELF})",
}


@pytest.mark.parametrize(("text", "line"), FIRST_MISTAKES.items())
def test_a_first_mistake_is_answered_with_one_line(folder: Path, text: str, line: str) -> None:
    told = complaints(folder, text)
    assert [line] == [each.replace(f"{folder}/", "") for each in told]
    assert "hunter2" not in "".join(told)


def test_a_file_that_cannot_be_read_as_text_is_told(tmp_path: Path) -> None:
    for content in ("x: y".encode("utf-16"), "\xfc: y".encode("latin-1"), bytes(range(256))):
        (tmp_path / "web.yml").write_bytes(content)
        with pytest.raises(ConfigError, match=r"web\.yml: is not UTF-8 text \(fix: save it as UTF-8\)"):
            WebConfig.load(tmp_path / "web.yml")
    with pytest.raises(ConfigError, match=r"is not a file \(fix: check --web\.config\.file"):
        WebConfig.load(tmp_path)


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    text = "tls_server_config: {min_version: TLS10}\nbasic_auth_users: {anna: x}\nunknown: 1\n"
    assert 5 == len(complaints(folder, text))


def test_a_password_in_the_wrong_place_is_never_shown(folder: Path) -> None:
    text = f"hunter2 is secret: 1\nbasic_auth_users: {{anna: hunter2, 'hunter2!': {HASH[:-1]}}}\n"
    assert "hunter2" not in "".join(complaints(folder, text))


@pytest.mark.parametrize("secret", ["hunter2hunter2", HASH])
@pytest.mark.parametrize("place", ["cert_file", "key_file", "client_ca_file"])
def test_a_password_in_place_of_a_file_is_never_shown(folder: Path, place: str, secret: str) -> None:
    files = {"cert_file": "localhost.crt", "key_file": "localhost.key", place: f"'{secret}'"}
    told = complaints(folder, "tls_server_config:\n" + "".join(f"  {key}: {value}\n" for key, value in files.items()))
    assert any(f"tls_server_config.{place}: the named file does not exist" in line for line in told)
    assert secret not in "".join(told)


def test_hashes_do_not_print(folder: Path) -> None:
    assert HASH not in repr(load(folder, f"basic_auth_users: {{anna: {HASH}}}"))


def test_an_encrypted_key_is_refused_instead_of_asking_at_the_terminal(folder: Path) -> None:
    file = folder / "localhost.key"
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    form = serialization.PrivateFormat.PKCS8
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.BestAvailableEncryption(b"x")))
    assert "the key is encrypted" in complaints(folder, TLS)[0]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yml: does not exist \(fix: name another file with --web"):
        WebConfig.load(tmp_path / "gone.yml")


def test_a_listen_error_is_not_a_config_error() -> None:
    assert not issubclass(ListenError, ConfigError)
