"""Whose certificates are trusted: the host's store, the variables of OpenSSL, and what a target adds. With real handshakes."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
import structlog.testing

from exporter.errors import ConfigError
from exporter.fields.routes import CaFile, certificates_in
from exporter.platforms.trust import host_trust, trust_with
from tests.harness.certificates import self_signed, signed


def handshake(trust: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Shake hands as a client with a server that shows ``certificate``. Raises :class:`ssl.SSLError`."""
    of_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    of_server.load_cert_chain(certificate, key)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trust.wrap_bio(back, there, server_hostname="localhost")
    server = of_server.wrap_bio(there, back, server_side=True)
    for end in (client, server, client, server):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue


@pytest.fixture
def authority(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Return the paths of a private CA's certificate, of a server's certificate and of its key."""
    return signed(tmp_path)


def hashed_folder(folder: Path, *certificates: Path) -> Path:
    """Return a folder as a distribution's tools make it: names are hashes of subjects."""
    folder.mkdir()
    for certificate in certificates:
        shutil.copy(certificate, folder / f"{certificate.stem}.pem")
    subprocess.run(["openssl", "rehash", str(folder)], check=True)
    return folder


def test_the_hosts_own_store_does_not_know_a_private_ca(authority: tuple[Path, Path, Path]) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(host_trust({}), *authority[1:])


def test_a_private_ca_in_the_file_that_the_variable_names_is_trusted(authority: tuple[Path, Path, Path]) -> None:
    handshake(host_trust({"SSL_CERT_FILE": str(authority[0])}), *authority[1:])


@pytest.mark.slow
def test_a_private_ca_in_one_of_the_folders_that_the_variable_names_is_trusted(
    tmp_path: Path, authority: tuple[Path, Path, Path]
) -> None:
    folder = hashed_folder(tmp_path / "hashed", authority[0])
    for folders in (str(folder), f"/nowhere:{folder}", f"{folder}:/nowhere"):
        handshake(host_trust({"SSL_CERT_DIR": folders}), *authority[1:])


def test_a_private_ca_that_is_added_to_a_folder_is_trusted_by_a_process_that_runs(
    tmp_path: Path, authority: tuple[Path, Path, Path]
) -> None:
    certificate, _ = self_signed(tmp_path, "another")
    folder = hashed_folder(tmp_path / "hashed", certificate)
    trust = host_trust({"SSL_CERT_DIR": str(folder)})
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(trust, *authority[1:])
    shutil.copy(authority[0], folder / "added.pem")
    subprocess.run(["openssl", "rehash", str(folder)], check=True)
    handshake(trust, *authority[1:])


def default_paths(file: Path, folder: Path) -> ssl.DefaultVerifyPaths:
    return ssl.DefaultVerifyPaths("", "", "SSL_CERT_FILE", str(file), "SSL_CERT_DIR", str(folder))


@pytest.mark.parametrize("where", ["file", "folder", "bundle"])
def test_a_private_ca_in_the_hosts_store_is_trusted_wherever_the_distribution_keeps_it(
    tmp_path: Path, authority: tuple[Path, Path, Path], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = authority[0] if where == "file" else tmp_path / "none.pem"
    folder = hashed_folder(tmp_path / "hashed", *authority[:1]) if where == "folder" else tmp_path / "none"
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: default_paths(file, folder))
    bundles = ("/nowhere.pem", str(authority[0])) if where == "bundle" else ()
    handshake(host_trust({}, bundles=bundles), *authority[1:])


def test_a_host_without_a_store_is_told_and_has_the_list_that_came_with_the_exporter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: default_paths(tmp_path / "none", tmp_path / "no"))
    with structlog.testing.capture_logs() as logged:
        trust = host_trust({}, bundles=())
    assert ["no_ca_store"] == [line["event"] for line in logged]
    assert trust.cert_store_stats()["x509_ca"] > 100


def test_what_a_target_adds_is_trusted_besides_the_hosts_store(tmp_path: Path, authority: tuple[Path, Path, Path]) -> None:
    of_host, key = self_signed(tmp_path)
    ca_file = CaFile(authority[0], certificates_in(authority[0]))
    trust = trust_with(ca_file, {"SSL_CERT_FILE": str(of_host)})
    handshake(trust, *authority[1:])
    handshake(trust, of_host, key)


def test_a_servers_own_certificate_may_be_what_is_trusted(authority: tuple[Path, Path, Path]) -> None:
    _, certificate, key = authority
    handshake(trust_with(CaFile(certificate, certificates_in(certificate))), certificate, key)


def test_certificates_and_names_are_checked_and_formalities_of_private_cas_are_not() -> None:
    trust = host_trust({})
    assert trust.check_hostname
    assert trust.verify_mode is ssl.CERT_REQUIRED
    assert trust.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert not trust.verify_flags & ssl.VERIFY_X509_STRICT
    assert trust.keylog_filename is None


@pytest.mark.slow
def test_text_around_certificates_is_skipped_in_any_encoding(tmp_path: Path, authority: tuple[Path, Path, Path]) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes("# Zertifizierungsstelle für Tests\r\n".encode("latin-1") + authority[0].read_bytes() * 2)
    handshake(trust_with(CaFile(bundle, certificates_in(bundle))), *authority[1:])
    handshake(host_trust({"SSL_CERT_FILE": str(bundle)}), *authority[1:])


NO_FILE = {
    "nonsense": "does not exist",
    "/nowhere/ca.pem": "does not exist",
    "[fd00::1]:8443": "does not exist",
    "{folder}": "is not a file",
    "/dev/null": "is not a file",
    "{folder}/empty": "holds no certificate in PEM format",
    "{folder}/text": "holds no certificate in PEM format",
    "{folder}/damaged": "holds a certificate that is damaged",
    "a\0b": "cannot be read",
    '"{folder}/ca.pem"': "has quotes inside the value",
}
NO_FOLDER = {
    "nonsense": "is no folder that can be read",
    "/nowhere:/nowhere/either": "is no folder that can be read",
    "[fd00::1]:8443": "is no folder that can be read",
    "{folder}/text": "is no folder that can be read",
    "{folder}": "holds no certificate under the name that OpenSSL looks for",
    "'{folder}'": "has quotes inside the value",
}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        *(("SSL_CERT_FILE", value, told) for value, told in NO_FILE.items()),
        *(("SSL_CERT_DIR", value, told) for value, told in NO_FOLDER.items()),
    ],
)
def test_a_variable_that_names_no_certificates_is_one_problem_with_a_way_out(
    tmp_path: Path, name: str, value: str, told: str
) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("no certificate")
    (tmp_path / "damaged").write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    with pytest.raises(ConfigError) as caught:
        host_trust({name: value.format(folder=tmp_path)})
    (problem,) = caught.value.problems
    assert name == problem.path
    assert told in problem.message
    assert f"unset {name}" in problem.fix or "quotes" in problem.fix
    assert "\n" not in str(problem)


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_an_empty_variable_is_none(name: str) -> None:
    assert host_trust({name: ""}).verify_mode is ssl.CERT_REQUIRED


def test_the_store_is_read_once_and_not_at_each_handshake(authority: tuple[Path, Path, Path]) -> None:
    trust = host_trust({"SSL_CERT_FILE": str(authority[0])})
    before = trust.cert_store_stats()
    os.truncate(authority[0], 0)
    for _ in range(3):
        handshake(trust, *authority[1:])
    assert before == trust.cert_store_stats()


@pytest.mark.parametrize("name", ["9" * 300, "circle"])
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_a_path_that_cannot_be_looked_at_is_a_problem_of_its_variable(tmp_path: Path, variable: str, name: str) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(ConfigError) as caught:
        host_trust({variable: str(tmp_path / name)})
    assert [variable] == [problem.path for problem in caught.value.problems]
