"""Sign an issued letter electronically: a signature is added behind the letter's own bytes, which stay as they are.

The letter itself is the record and can be made again to the byte; a signature carries its time and cannot. So the
signed file is another file, which begins with the letter. Agencies' own seals (SM2, GB/T 38540) are made by a command
that the office names; pyHanko signs with a PKCS#12 key and examines what it understands (RSA, ECDSA, EdDSA).
"""

from __future__ import annotations

import contextlib
import io
import logging
import subprocess
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from msgspec import Struct

from yishenqing.core.errors import DataFault, Fault, why

_FIELD = "Signature"
_PATIENCE = 120.0  # seconds; a seal system may ask its user
_TOLD = 300  # characters of what a command said
_PLACE = ("letters", "sign")
INSTALL = "pip install 'yishenqing[sign]'"


class Signing(Struct, frozen=True):
    """With what letters are signed: a key in a PKCS#12 file, or a command; and whose certificates are trusted."""

    pkcs12: Path | None = None
    password: str = ""
    command: tuple[str, ...] = ()
    trust: Path | None = None


class Found(Struct, frozen=True):
    """What one signature of a file turned out to be; ``readable`` is False where this machine cannot examine it."""

    by: str
    at: str
    readable: bool
    intact: bool  # nothing that was signed has been changed, and the key of the certificate signed it
    trusted: bool  # the certificate goes back to one that the office trusts
    whole: bool  # nothing was added behind it

    def as_json(self) -> dict[str, Any]:
        """Return the finding in the words of ``ysq letter --again --json``."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


def signed(pdf: bytes, how: Signing) -> bytes:
    """Return ``pdf`` with a signature behind it.

    Raises:
        DataFault: the key or the command cannot be used, or what came back does not begin with ``pdf``.
    """
    found = _by_command(pdf, how.command) if how.command else _by_key(pdf, how)
    if not found.startswith(pdf) or b"/ByteRange" not in found[len(pdf) :]:
        _refuse("签名以后的文件改动了文书原件，或者没有签名；签名只能追加在原件之后，本次没有出具")
    return found


def faults(how: Signing) -> list[Fault]:
    """Return why letters cannot be signed so, before any is issued; empty when they can."""
    if how.command:
        return []
    try:
        _signer(how)
    except DataFault as fault:
        return list(fault.faults)
    return []


def examined(content: bytes, trust: Path | None = None) -> list[Found] | None:
    """Return what each signature of ``content`` is; None where pyHanko is not installed."""
    if find_spec("pyhanko") is None:
        return None
    from pyhanko.pdf_utils.misc import PdfReadError
    from pyhanko.pdf_utils.reader import PdfFileReader

    with _quiet():
        try:
            signatures = PdfFileReader(io.BytesIO(content)).embedded_signatures
        except (PdfReadError, ValueError):
            return []
        return [_examined(signature, trust) for signature in signatures]


def _examined(signature: Any, trust: Path | None) -> Found:
    from pyhanko.keys import load_certs_from_pemder
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.sign.general import SigningError
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko.sign.validation.errors import SignatureValidationError
    from pyhanko.sign.validation.settings import KeyUsageConstraints
    from pyhanko.sign.validation.status import SignatureCoverageLevel
    from pyhanko_certvalidator import ValidationContext

    try:
        load: Any = load_certs_from_pemder
        roots = list(load([str(trust)])) if trust else []
        context = ValidationContext(trust_roots=roots, allow_fetching=False)
        any_use = KeyUsageConstraints(key_usage=set())
        status = validate_pdf_signature(signature, context, key_usage_settings=any_use, skip_diff=True)
    except (SignatureValidationError, SigningError, PdfError, ValueError, LookupError, NotImplementedError):
        return Found("", "", readable=False, intact=False, trusted=False, whole=False)
    when = status.signer_reported_dt
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    by = _name(status.signing_cert)
    intact = bool(status.intact and status.valid)
    return Found(
        by, when.isoformat() if when else "", readable=True, intact=intact, trusted=bool(status.trusted), whole=whole
    )


def _name(certificate: Any) -> str:
    told = certificate.subject.native
    return str(told.get("common_name") or told.get("organization_name") or certificate.subject.human_friendly)


def _by_key(pdf: bytes, how: Signing) -> bytes:
    signer = _signer(how)
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import signers
    from pyhanko.sign.fields import SigSeedSubFilter

    about = signers.PdfSignatureMetadata(field_name=_FIELD, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES)
    out = io.BytesIO()
    with _quiet():
        signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), about, signer=signer, output=out)
    return out.getvalue()


def _signer(how: Signing) -> Any:
    """Open the key.

    Raises:
        DataFault: pyHanko is missing, or file and password do not open.
    """
    if find_spec("pyhanko") is None:
        _refuse(f"签名所需的程序库 pyHanko 没有安装；请运行：{INSTALL}")
    from pyhanko.sign.signers import SimpleSigner

    if how.pkcs12 is None or not how.pkcs12.is_file():
        _refuse(f"没有签名用的证书文件“{how.pkcs12}”", "pkcs12")
    with _quiet():
        load: Any = SimpleSigner.load_pkcs12
        signer = load(str(how.pkcs12), passphrase=how.password.encode())
    if signer is None or signer.signing_cert is None:
        _refuse(f"证书文件“{how.pkcs12}”打不开：口令不对，或者不是 PKCS#12 文件（.p12、.pfx）", "pkcs12")
    return signer


def _by_command(pdf: bytes, command: Sequence[str]) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - the office's own command, without a shell
            list(command), input=pdf, capture_output=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        _refuse(f"签名的命令“{command[0]}”在{_PATIENCE:g}秒内没有结束，已被终止；没有出具文书", "command")
    except OSError as error:
        _refuse(f"签名的命令“{command[0]}”不能运行（{why(error)}）；没有出具文书", "command")
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()[:_TOLD]
        _refuse(f"签名的命令“{command[0]}”返回{done.returncode}：{said or '没有说明'}；没有出具文书", "command")
    return done.stdout


def _refuse(text: str, name: str = "") -> Any:
    raise DataFault.of([Fault(text, "office.yaml", field=".".join((*_PLACE, name) if name else _PLACE))])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """PyHanko logs what it also reports; an officer reads the report."""
    logger = logging.getLogger("pyhanko")
    before, logger.disabled = logger.disabled, True
    children = [logging.getLogger(n) for n in logging.root.manager.loggerDict if n.startswith("pyhanko")]
    kept = [(child, child.disabled) for child in children]
    for child in children:
        child.disabled = True
    try:
        yield
    finally:
        logger.disabled = before
        for child, state in kept:
            child.disabled = state
