package path

import (
	"bytes"
	"crypto/x509"
	"math/big"
	"slices"
	"time"

	"github.com/kyso-vn/kyso/pki"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// crlList is a parsed CertificateList. Its entries stay as they are and are
// walked for one serial number, so a list of a million costs no memory.
type crlList struct {
	raw        []byte
	issuer     []byte // DER of the Name
	thisUpdate time.Time
	nextUpdate time.Time // zero when absent
	revoked    cryptobyte.String

	hasIDP       bool
	idpURIs      []string // fullName URIs of the IssuingDistributionPoint
	onlyUsers    bool
	onlyCAs      bool
	keepsExpired time.Time // expiredCertsOnCRL (X.509, 9.5.2.8); zero when absent
	unusable     string    // why this list can't be used at all, or ""
}

// parseCRL reads a list (RFC 5280, Section 5.1).
//
//	TBSCertList ::= SEQUENCE {
//	  version             INTEGER OPTIONAL,  -- 1 means v2
//	  signature           AlgorithmIdentifier,
//	  issuer              Name,
//	  thisUpdate          Time,
//	  nextUpdate          Time OPTIONAL,
//	  revokedCertificates SEQUENCE OF SEQUENCE {
//	    userCertificate INTEGER, revocationDate Time, crlEntryExtensions Extensions OPTIONAL } OPTIONAL,
//	  crlExtensions       [0] EXPLICIT Extensions OPTIONAL }
func parseCRL(der []byte) (*crlList, error) {
	bad := func(what string) (*crlList, error) { return nil, fail(ErrMalformed, nil, "CRL: %s", what) }
	l := &crlList{raw: der}
	in := cryptobyte.String(der)
	var seq, tbs, inner, outer, issuer cryptobyte.String
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1(&tbs, cbasn1.SEQUENCE) ||
		!seq.ReadASN1Element(&outer, cbasn1.SEQUENCE) {
		return bad("not a CertificateList")
	}
	version := 0
	if tbs.PeekASN1Tag(cbasn1.INTEGER) && (!tbs.ReadASN1Integer(&version) || version != 1) {
		return bad("version")
	}
	if !tbs.ReadASN1Element(&inner, cbasn1.SEQUENCE) || !bytes.Equal(inner, outer) {
		return bad("signature algorithms differ")
	}
	if !tbs.ReadASN1Element(&issuer, cbasn1.SEQUENCE) || !readTime(&tbs, &l.thisUpdate) {
		return bad("issuer or thisUpdate")
	}
	l.issuer = issuer
	if (tbs.PeekASN1Tag(cbasn1.UTCTime) || tbs.PeekASN1Tag(cbasn1.GeneralizedTime)) && !readTime(&tbs, &l.nextUpdate) {
		return bad("nextUpdate")
	}
	if tbs.PeekASN1Tag(cbasn1.SEQUENCE) && !tbs.ReadASN1(&l.revoked, cbasn1.SEQUENCE) {
		return bad("revokedCertificates")
	}
	exts, ok := readExplicitExtensions(&tbs, ctx(0))
	if !ok || !tbs.Empty() {
		return bad("crlExtensions")
	}
	for _, e := range exts {
		if err := l.extension(e); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *crlList) extension(e extension) error {
	value := cryptobyte.String(e.value)
	switch e.id.String() {
	case "2.5.29.28":
		if !l.parseIDP(value) {
			return fail(ErrMalformed, nil, "CRL: issuingDistributionPoint")
		}
	case "2.5.29.27":
		l.unusable = "a delta CRL"
	case "2.5.29.60":
		if !value.ReadASN1GeneralizedTime(&l.keepsExpired) {
			return fail(ErrMalformed, nil, "CRL: expiredCertsOnCRL")
		}
	case "2.5.29.20", "2.5.29.35": // cRLNumber, authorityKeyIdentifier
	default:
		if e.critical {
			l.unusable = "a critical extension nobody here knows"
		}
	}
	return nil
}

// parseIDP reads the extension (RFC 5280, Section 5.2.5).
//
//	IssuingDistributionPoint ::= SEQUENCE {
//	  distributionPoint          [0] DistributionPointName OPTIONAL,
//	  onlyContainsUserCerts      [1] BOOLEAN DEFAULT FALSE,
//	  onlyContainsCACerts        [2] BOOLEAN DEFAULT FALSE,
//	  onlySomeReasons            [3] BIT STRING OPTIONAL,
//	  indirectCRL                [4] BOOLEAN DEFAULT FALSE,
//	  onlyContainsAttributeCerts [5] BOOLEAN DEFAULT FALSE }
//	DistributionPointName ::= CHOICE { fullName [0] GeneralNames, nameRelativeToCRLIssuer [1] ... }
func (l *crlList) parseIDP(in cryptobyte.String) bool {
	var seq, point, names, skip cryptobyte.String
	var has, indirect, attributes bool
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() || !seq.ReadOptionalASN1(&point, &has, ctx(0)) {
		return false
	}
	l.hasIDP = true
	if has {
		if !point.ReadASN1(&names, ctx(0)) {
			l.unusable = "a distribution point named relative to its issuer"
			return true
		}
		for !names.Empty() {
			var n generalName
			if len(l.idpURIs) >= maxExtensions || !readName(&names, &n) {
				return false
			}
			if n.tag == nameURI {
				l.idpURIs = append(l.idpURIs, string(n.value))
			}
		}
		if len(l.idpURIs) == 0 {
			l.unusable = "a distribution point without a URI"
		}
	}
	ok := readOptionalBool(&seq, 1, &l.onlyUsers) && readOptionalBool(&seq, 2, &l.onlyCAs) &&
		seq.ReadOptionalASN1(&skip, &has, prim(3))
	if has {
		l.unusable = "a CRL for some reasons only"
	}
	ok = ok && readOptionalBool(&seq, 4, &indirect) && readOptionalBool(&seq, 5, &attributes) && seq.Empty()
	if indirect || attributes {
		l.unusable = "an indirect CRL or one for attribute certificates"
	}
	return ok
}

// readOptionalBool reads [n] IMPLICIT BOOLEAN DEFAULT FALSE.
func readOptionalBool(s *cryptobyte.String, n uint8, out *bool) bool {
	var body cryptobyte.String
	var has bool
	if !s.ReadOptionalASN1(&body, &has, prim(n)) || (has && len(body) != 1) {
		return false
	}
	*out = has && body[0] != 0
	return true
}

// covers says why the list does not speak of cert, or "" when it does (RFC 5280,
// Section 6.3.3 (b)). A shard covers a certificate only when one of its URIs is,
// byte for byte, one of the certificate's distribution points.
func (l *crlList) covers(cert *x509.Certificate) string {
	switch {
	case l.unusable != "":
		return l.unusable
	case !bytes.Equal(l.issuer, cert.RawIssuer):
		return "a CRL of another issuer"
	case l.onlyUsers && cert.IsCA:
		return "a CRL for end entities only"
	case l.onlyCAs && !cert.IsCA:
		return "a CRL for CAs only"
	case len(l.idpURIs) > 0 && !slices.ContainsFunc(l.idpURIs, func(u string) bool { return slices.Contains(cert.CRLDistributionPoints, u) }):
		return "another shard of the CRL"
	}
	return ""
}

// crlEntry is what a list says of one certificate.
type crlEntry struct {
	revokedAt time.Time
	reason    pki.Reason
}

// find walks the entries for a serial number.
func (l *crlList) find(serial *big.Int) (entry crlEntry, found bool, err error) {
	bad := fail(ErrMalformed, nil, "CRL: an entry")
	want := serialBytes(serial)
	for rest := l.revoked; !rest.Empty(); {
		var one, number cryptobyte.String
		if !rest.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1(&number, cbasn1.INTEGER) {
			return entry, false, bad
		}
		if !bytes.Equal(number, want) {
			continue
		}
		if !readTime(&one, &entry.revokedAt) {
			return entry, false, bad
		}
		var seq cryptobyte.String
		if one.Empty() {
			return entry, true, nil
		}
		if !one.ReadASN1(&seq, cbasn1.SEQUENCE) || !one.Empty() {
			return entry, false, bad
		}
		exts, ok := readExtensions(seq)
		for _, e := range exts {
			value := cryptobyte.String(e.value)
			reason := 0
			switch {
			case e.id.String() == "2.5.29.21":
				ok = ok && value.ReadASN1Enum(&reason) && value.Empty() && reason >= 0 && reason <= 10
				entry.reason = pki.Reason(reason)
			case e.critical:
				return entry, false, fail(ErrEvidence, nil, "CRL: a critical entry extension nobody here knows")
			}
		}
		if !ok {
			return entry, false, bad
		}
		return entry, true, nil
	}
	return entry, false, nil
}

// serialBytes are the contents of the DER INTEGER.
func serialBytes(n *big.Int) []byte {
	var b cryptobyte.Builder
	b.AddASN1BigInt(n)
	in := cryptobyte.String(b.BytesOrPanic())
	var out cryptobyte.String
	in.ReadASN1(&out, cbasn1.INTEGER)
	return out
}

// fromCRL verifies a list as far as it concerns cert.
func (c *checker) fromCRL(l *crlList, cert, issuer *x509.Certificate) (fact, error) {
	if why := l.covers(cert); why != "" {
		if string(l.issuer) != string(cert.RawIssuer) {
			return fact{}, nil
		}
		return fact{}, fail(ErrEvidence, cert, "%s", why)
	}
	if issuer.KeyUsage != 0 && issuer.KeyUsage&x509.KeyUsageCRLSign == 0 {
		return fact{}, fail(ErrKeyUsage, issuer, "key usage of the issuer lacks cRLSign")
	}
	if l.nextUpdate.IsZero() {
		return fact{}, fail(ErrEvidence, cert, "CRL without nextUpdate")
	}
	if err := c.signedBy(l.raw, issuer, cert); err != nil {
		return fact{}, err
	}
	entry, found, err := l.find(cert.SerialNumber)
	if err != nil {
		return fact{}, err
	}
	if why := c.timely(cert, l.thisUpdate, l.nextUpdate, l.keepsExpired, 0, found); why != "" {
		return fact{}, fail(ErrEvidence, cert, "CRL: %s", why)
	}
	return fact{
		revoked: found, revokedAt: entry.revokedAt, reason: entry.reason,
		source: sourceCRL, raw: l.raw, thisUpdate: l.thisUpdate, nextUpdate: l.nextUpdate,
	}, nil
}
