"""Whose SM2 signatures count: chains of SM2 certificates and their CRLs, judged by pyHanko.

pyHanko's path validation takes another's arithmetic; ours knows SM2 with SM3 and nothing else.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from asn1crypto import algos, keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import (
    ExpiredError,
    InsufficientRevinfoError,
    NotYetValidError,
    RevokedError,
)
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import AlgorithmUsageConstraint, AlgorithmUsagePolicy
from pyhanko_certvalidator.sig_validate import (
    DEFAULT_VALIDATION_CONTEXT,
    SignatureValidationContext,
    SignatureValidator,
)

from docs_gen import sm2
from docs_gen.ca import CLOCK_SLACK
from docs_gen.closed import Closed
from docs_gen.sm2certs import SM2_WITH_SM3, SM3, is_issued_by, is_signed_by
from docs_gen.validation import certificate, crl, crls_of, names_above


@dataclass(frozen=True, slots=True)
class Sm2Trust:
    """Whose SM2 signatures count: roots, CAs below them, and their CRLs (DER)."""

    roots: tuple[bytes, ...] = ()
    intermediates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    closed: Closed = field(default_factory=Closed)


class ChainState(enum.StrEnum):
    """What a signer's chain is worth."""

    HOLDS = "holds"
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    ENDED = "ended"
    NO_LIST = "no_list"


async def judge_chain(
    signer: asn1_x509.Certificate, trust: Sm2Trust, now: datetime
) -> ChainState:  # fmt: skip
    """Say whether a signer's certificate leads to one of our SM2 roots and counts now.

    Every certificate below a root needs a current CRL that its own CA has signed. What a closed CA
    certified beside the seals that are named is unknown.
    """
    above = names_above(signer, trust.intermediates)
    judged_by = ValidationContext(
        trust_roots=list(map(certificate, trust.roots)),
        other_certs=list(map(certificate, trust.intermediates)),
        crls=list(map(crl, crls_of(above, trust.crls))),
        allow_fetching=False,
        revocation_mode="require",
        moment=now,
        time_tolerance=CLOCK_SLACK,
        algorithm_usage_policy=_Sm2Only(),
        signature_validator=_Sm2Validator(),
    )
    asked = CertificateValidator(signer, validation_context=judged_by)
    try:
        path = await asked.async_validate_usage({"non_repudiation"})  # type: ignore[no-untyped-call]
    except RevokedError:
        return ChainState.REVOKED
    except (ExpiredError, NotYetValidError):
        return ChainState.ENDED
    except InsufficientRevinfoError:
        return ChainState.NO_LIST
    except Exception:  # noqa: BLE001 (a chain that does not hold, or a stranger's broken bytes)
        return ChainState.UNKNOWN
    return _listed(path, trust, now)


def _listed(path: ValidationPath, trust: Sm2Trust, now: datetime) -> ChainState:
    """Say what each CA's own current list says of the one below it.

    Its own: pyHanko takes that of a CA beside it for one of an indirect issuer.
    """
    steps = [x509.load_der_x509_certificate(one.dump()) for one in path]
    ours = map(x509.load_der_x509_certificate, (*trust.intermediates, *trust.roots))
    if not trust.closed.admits(steps[-1], [ca for ca in ours if is_issued_by(steps[-1], ca)]):
        return ChainState.UNKNOWN
    lists = list(map(x509.load_der_x509_crl, trust.crls))
    for ca, below in pairwise(steps):
        current = [
            one
            for one in lists
            if is_signed_by(one, ca)
            and one.next_update_utc is not None
            and one.last_update_utc <= now + CLOCK_SLACK
            and now < one.next_update_utc
        ]
        if not current:
            return ChainState.NO_LIST
        serial = below.serial_number
        if any(one.get_revoked_certificate_by_serial_number(serial) for one in current):
            return ChainState.REVOKED
    return ChainState.HOLDS


class _Sm2Validator(SignatureValidator):
    """Verifies SM2 signatures for pyHanko."""

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: keys.PublicKeyInfo,
        signature_algorithm: algos.SignedDigestAlgorithm,
        context: SignatureValidationContext = DEFAULT_VALIDATION_CONTEXT,
    ) -> None:
        """Raise InvalidSignature unless it is one by SM2 with SM3."""
        del context
        try:
            point = sm2.point_of(public_key_info.dump())
        except sm2.Sm2Error:
            raise InvalidSignature from None
        named = signature_algorithm["algorithm"].dotted == SM2_WITH_SM3
        if not named or not sm2.verify(point, signed_data, signature):
            raise InvalidSignature


class _Sm2Only(AlgorithmUsagePolicy):
    """Lets SM2 with SM3 pass, and nothing beside it."""

    def digest_algorithm_allowed(
        self, algo: algos.DigestAlgorithm, moment: datetime | None
    ) -> AlgorithmUsageConstraint:
        """Allow SM3."""
        del moment
        return AlgorithmUsageConstraint(algo["algorithm"].dotted == SM3)

    def signature_algorithm_allowed(
        self,
        algo: algos.SignedDigestAlgorithm,
        moment: datetime | None,
        public_key: keys.PublicKeyInfo | None,
    ) -> AlgorithmUsageConstraint:
        """Allow SM2 with SM3."""
        del moment, public_key
        return AlgorithmUsageConstraint(algo["algorithm"].dotted == SM2_WITH_SM3)
