"""What pyHanko judges a chain of certificates by: CAs and CRLs of ours, nothing fetched."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from functools import lru_cache

from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from pyhanko_certvalidator import ValidationContext

from docs_gen.ca import CLOCK_SLACK

MOST_PARSED = 1024


def context(
    roots: Iterable[bytes], others: Iterable[bytes], crls: Iterable[bytes], moment: datetime,
    *, since: bool = False,
) -> ValidationContext:  # fmt: skip
    """Return what a chain is judged by as of a moment; every certificate needs its CRL.

    With `since`, CRLs of a later day count too: they say of each certificate since when it is
    revoked.
    """
    return ValidationContext(
        trust_roots=list(map(certificate, roots)),
        other_certs=list(map(certificate, others)),
        crls=list(map(crl, crls)),
        allow_fetching=False,
        revocation_mode="require",
        retroactive_revinfo=since,
        moment=moment,
        time_tolerance=CLOCK_SLACK,
    )


def names_above(signer: asn1_x509.Certificate, cas: Iterable[bytes]) -> frozenset[str]:
    """Return the names of all CAs that may stand above a certificate."""
    known = list(map(certificate, cas))
    names = {signer.issuer.hashable}
    while more := {ca.issuer.hashable for ca in known if ca.subject.hashable in names} - names:
        names |= more
    return frozenset(names)


def crls_of(names: Collection[str], crls: Iterable[bytes]) -> list[bytes]:
    """Return the CRLs of the CAs of these names.

    pyHanko takes every other CA's for one of an indirect issuer, and judges that one's chain too:
    with a hundred CAs one file would take more than a second.
    """
    return [one for one in crls if crl(one).issuer.hashable in names]


# A trust list's certificates and CRLs are the same from one file to the next, and parsed once.
@lru_cache(MOST_PARSED)
def certificate(der: bytes) -> asn1_x509.Certificate:
    """Return a certificate parsed."""
    return asn1_x509.Certificate.load(der)


@lru_cache(MOST_PARSED)
def crl(der: bytes) -> asn1_crl.CertificateList:
    """Return a CRL parsed."""
    return asn1_crl.CertificateList.load(der)
