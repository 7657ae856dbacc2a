"""Issued letters signed electronically: the letter stays what it is, the signed copy begins with it, nothing half."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from offices import APPLICATION, USER, Calendar, rows, ysq
from pypdf import PdfReader

from yishenqing.core.errors import DataFault
from yishenqing.letters import signing
from yishenqing.office import Office

PASSWORD = "云溪2026"  # noqa: S105 - of a key made for this test
LETTER = b"%PDF-1.7 the letter"
# Puts out what it got, with what looks like a signature behind it, before it, or nothing.
APPEND = "import sys; d = sys.stdin.buffer.read(); sys.stdout.buffer.write(d + b' /ByteRange ')"
REWRITE = "import sys; d = sys.stdin.buffer.read(); sys.stdout.buffer.write(b'% /ByteRange ' + d)"
SILENT = "import sys; sys.exit('印章系统没有登录')"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key of the office, and its certificate beside it."""
    path = tmp_path_factory.mktemp("key") / "签名.p12"
    private, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "云溪县自然资源局")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
    made = made.serial_number(7).not_valid_before(now - timedelta(365)).not_valid_after(now + timedelta(365))
    certificate = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signed = certificate.sign(private, hashes.SHA256())
    locked = serialization.BestAvailableEncryption(PASSWORD.encode())
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"office", private, signed, None, locked))
    path.with_suffix(".pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    return path


def wish(home: Path, sign: str) -> None:
    path = home / "office.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("letters: {seal: true}", f"letters: {{seal: true, sign: {sign}}}"), encoding="utf-8")


@pytest.fixture
def signing_office(
    home: Path, key: Path, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Office, str]]:
    wish(home, f'{{pkcs12: "{key}", trust: "{key.with_suffix(".pem")}"}}')
    monkeypatch.setenv("YISHENQING_SIGN_PASSWORD", PASSWORD)
    with Office.open(home, user=USER, today=calendar) as office:
        yield office, office.register(APPLICATION)["number"]


def test_a_signed_letter_is_the_letter_with_a_signature_behind(signing_office: tuple[Office, str]) -> None:
    office, number = signing_office
    entry = office.act(number, "acknowledged")["entries"][-1]
    found = office.letter(number, "registration_receipt")
    letter, copy = Path(found["path"]).read_bytes(), Path(found["signed"]["path"])
    assert copy.name.endswith("登记回执（已签名）.pdf")
    assert copy.read_bytes().startswith(letter)
    assert set(entry["facts"]["letter"]["signature"]) == {"file", "size"}
    again = office.letter_again(number, "registration_receipt")
    assert again["identical"]
    assert again["signature"]["sha256"] == found["signed"]["sha256"]
    assert again["signature"]["holds"]
    (one,) = again["signature"]["signatures"]
    assert (one["by"], one["intact"], one["trusted"], one["whole"]) == ("云溪县自然资源局", True, True, True)
    copy.unlink()
    assert Path(office.letter(number, "registration_receipt")["signed"]["path"]).is_file()
    assert office.verify(number) == []
    kept = office.home / "files" / found["signed"]["sha256"][:2] / found["signed"]["sha256"]
    kept.write_bytes(kept.read_bytes() + b"\n")
    assert ["（已签名）" in f.text for f in office.verify(number)] == [True]


def test_what_was_changed_or_added_is_seen(key: Path, signing_office: tuple[Office, str]) -> None:
    office, number = signing_office
    office.act(number, "acknowledged")
    content = Path(office.letter(number, "registration_receipt")["signed"]["path"]).read_bytes()
    trust = key.with_suffix(".pem")
    changed = content.replace(b"%PDF-1.7", b"%PDF-1.6", 1)
    for given, wanted in ((changed, (False, True)), (content + b"\n% more", (True, False))):
        (one,) = signing.examined(given, trust) or []
        assert (one.intact, one.whole) == wanted
    (stranger,) = signing.examined(content) or []
    assert (stranger.intact, stranger.trusted) == (True, False)
    assert signing.examined(b"no PDF") == []


@pytest.mark.parametrize(
    ("sign", "said"),
    [
        ('{pkcs12: "missing.p12"}', "没有签名用的证书文件"),
        ('{pkcs12: "office.yaml"}', "打不开：口令不对"),
        ('{command: ["/no/such/program"]}', "不能运行（文件或者程序不存在）"),
        (f'{{command: ["{sys.executable}", "-c", "{SILENT}"]}}', "印章系统没有登录"),
        (f'{{command: ["{sys.executable}", "-c", "{REWRITE}"]}}', "签名只能追加在原件之后"),
    ],
)
def test_without_a_signature_nothing_is_issued(home: Path, calendar: Calendar, sign: str, said: str) -> None:
    wish(home, sign)
    with Office.open(home, user=USER, today=calendar) as office:
        number = office.register(APPLICATION)["number"]
        with pytest.raises(DataFault, match=said) as caught:
            office.act(number, "acknowledged")
        assert caught.value.faults[0].file == "office.yaml"
    assert rows(home, "SELECT * FROM letters") == []
    assert [row[0] for row in rows(home, "SELECT step FROM entries")] == ["received"]
    assert not [path for path in (home / "files").rglob("*") if path.is_file()]


def test_a_command_gets_the_letter_and_gives_it_back_signed() -> None:
    how = signing.Signing(command=(sys.executable, "-c", APPEND))
    assert signing.signed(LETTER, how) == LETTER + b" /ByteRange "
    assert signing.faults(how) == []


def test_settings_name_one_way_of_signing(home: Path) -> None:
    wish(home, '{pkcs12: a.p12, command: ["sign"]}')
    with pytest.raises(DataFault, match="也只能写一项"):
        Office.open(home)


def test_a_rehearsal_has_numbers_of_its_own_and_says_so(signing_office: tuple[Office, str], tmp_path: Path) -> None:
    office, number = signing_office
    path = tmp_path / "申请.json"
    path.write_text(json.dumps(dict(APPLICATION)), encoding="utf-8")
    for words in (("register", path), ("act", "2026-0002", "acknowledged")):
        done = ysq("--home", office.home, "--as", USER, "--json", *words, YISHENQING_TODAY="2026-03-02")
        assert done.returncode == 0, done.stderr
    (letter,) = json.loads(done.stdout)["letters"]
    assert letter["number"] == "云自然资依申请演回〔2026〕1号"
    assert "演练" in PdfReader(letter["path"]).pages[0].extract_text()
    assert not list(Path(letter["path"]).parent.glob("*已签名*"))  # the key is not lent to a rehearsal
    assert office.letter_again("2026-0002", "registration_receipt")["identical"]
    (real,) = office.act(number, "acknowledged")["letters"]
    assert real["number"] == "云自然资依申请回〔2026〕1号"
    assert "演练" not in PdfReader(real["path"]).pages[0].extract_text()
