"""Judges PDF signatures by pyHanko, without the network.

    judge.py ANCHORS.pem [CRL]... < lines of LEVEL, a tab, FILE

In a file of level B-B or B-T the CRLs of the command line are evidence, in one of B-LT or B-LTA only its own DSS is. A
B-LTA signature with a signature time-stamp is also judged by EN 319 102-1, Section 5.6.3: now, and as if seven years had
gone by in which document time-stamps were added in time, so that the signer's certificate has long expired. Prints a line
of JSON for each signature; for a file that has none, or can't be read, a line that says so.
"""

import json
import sys
from asyncio import run
from datetime import datetime, timedelta, timezone

from asn1crypto import crl, pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESStatus
from pyhanko.sign.validation import (
    DocumentSecurityStore,
    validate_pdf_signature,
    validate_pdf_timestamp,
)
from pyhanko.sign.validation.ades import (
    ades_lta_validation,
    simulate_future_ades_lta_validation,
)
from pyhanko.sign.validation.policy_decl import (
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.registry import SimpleTrustManager

# Every certificate but the anchors, CAs too, must be shown not to be revoked; only OCSP responders are exempt, by their
# own certificate (RFC 6960, Section 4.2.2.2.1).
REVOCATION = CertRevTrustPolicy(
    RevocationCheckingPolicy(RevocationCheckingRule.CRL_OR_OCSP_REQUIRED, RevocationCheckingRule.CRL_OR_OCSP_REQUIRED)
)
SEVEN_YEARS = timedelta(days=7 * 365)


def load(path):
    """The DER of each PEM block of a file, or the whole file."""
    with open(path, "rb") as f:
        data = f.read()
    if not pem.detect(data):
        return [data]
    return [der for _, _, der in pem.unarmor(data, multiple=True)]


def lta_problems(signature, anchors):
    """What stands against a B-LTA signature, now and later."""
    spec = PdfSignatureValidationSpec(
        SignatureValidationSpec(
            CertValidationPolicySpec(SimpleTrustManager.build(trust_roots=anchors), REVOCATION),
            RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY),
        )
    )
    later = datetime.now(timezone.utc) + SEVEN_YEARS
    for when, result in (
        ("as B-LTA", run(ades_lta_validation(signature, spec))),
        ("in seven years", run(simulate_future_ades_lta_validation(signature, spec, later))),
    ):
        if result.ades_subindic.status != AdESStatus.PASSED:
            yield f"{when}: {result.ades_subindic.standard_name}: {result.failure_msg}"


def judge_signature(signature, level, anchors, context):
    status = validate_pdf_signature(signature, context())
    timestamps = [status.timestamp_validity] if status.timestamp_validity else []
    attached = bool(timestamps)
    for timestamp in signature.reader.embedded_timestamp_signatures:
        if timestamp.signed_revision > signature.signed_revision:
            timestamps.append(validate_pdf_timestamp(timestamp, context()))
    problems = [str(status.trust_problem_indic)] if status.trust_problem_indic else []
    if level == "B-LTA" and attached:
        problems += lta_problems(signature, anchors)
    return {
        "signer": status.signing_cert.subject.native.get("common_name", ""),
        "intact": status.intact,
        "valid": status.valid,
        "trusted": status.trusted,
        "timestamps": [t.valid and t.intact and t.trusted for t in timestamps],
        "coverage": status.coverage.name,
        "modification": status.modification_level.name,
        "docmdp_ok": status.docmdp_ok is not False,
        "passed": status.bottom_line,
        "errors": problems,
    }


def judge(path, level, anchors, crls):
    """Yields a report on each signature of a person or an organisation."""
    with open(path, "rb") as f:
        reader = PdfFileReader(f)
        if reader.encrypted:
            reader.decrypt(b"")
        trust = {"trust_roots": anchors, "allow_fetching": False, "revinfo_policy": REVOCATION}

        def context():  # a new one each time, for it remembers
            if level in ("B-LT", "B-LTA"):
                return DocumentSecurityStore.read_dss(reader).as_validation_context(trust)
            return ValidationContext(crls=crls, **trust)

        if not reader.embedded_regular_signatures:
            yield {"errors": ["no signature"]}
        for signature in reader.embedded_regular_signatures:
            field = {"field": signature.field_name}
            try:
                yield field | judge_signature(signature, level, anchors, context)
            except Exception as e:  # what pyHanko objects to is its verdict
                yield field | {"errors": [f"{type(e).__name__}: {e}"]}


def main():
    anchors = [x509.Certificate.load(der) for der in load(sys.argv[1])]
    crls = [crl.CertificateList.load(der) for path in sys.argv[2:] for der in load(path)]
    for line in sys.stdin:
        level, path = line.rstrip("\n").split("\t", 1)
        try:
            for report in judge(path, level, anchors, crls):
                print(json.dumps({"file": path} | report))
        except Exception as e:  # an unreadable file is a verdict too
            print(json.dumps({"file": path, "errors": [f"{type(e).__name__}: {e}"]}))


if __name__ == "__main__":
    main()
