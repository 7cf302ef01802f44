package validate

import (
	"context"
	"crypto/x509"
	"slices"
	"time"

	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/pki/path"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// material is validation data from one place: a DSS, a CMS, the caller.
type material struct{ path.Evidence }

// Limits of what a file brings along.
const (
	maxMaterial      = 4000
	maxMaterialBytes = 48 << 20
)

// given is what the caller has.
func (v *verifier) given() *material {
	return &material{path.Evidence{Certificates: v.o.Certificates, CRLs: v.o.CRLs, OCSPs: v.o.OCSPs}}
}

// evidence is everything that may help to judge a path. All of it is signed; where it came
// from does not matter.
func (v *verifier) evidence(own *material) path.Evidence {
	var e path.Evidence
	for _, m := range []*material{own, v.dss, v.outside} {
		if m != nil {
			e.Certificates = append(e.Certificates, m.Certificates...)
			e.CRLs = append(e.CRLs, m.CRLs...)
			e.OCSPs = append(e.OCSPs, m.OCSPs...)
		}
	}
	return e
}

// material is what the signature itself carries: certificates, CRLs, and Adobe's attribute.
func (c *candidate) material() *material {
	m := &material{path.Evidence{Certificates: c.sd.Certificates, CRLs: slices.Clone(c.sd.CRLs)}}
	for _, value := range slices.Concat(c.sd.Signed(cms.OIDRevocationArchival), c.sd.Unsigned(cms.OIDRevocationArchival)) {
		m.readArchival(value)
	}
	return m
}

// readArchival reads Adobe's attribute (ISO 32000-1, Section 12.8.3.3.2). What can't be read
// is left: it proves nothing then.
//
//	RevocationInfoArchival ::= SEQUENCE {
//	  crl          [0] EXPLICIT SEQUENCE OF CRLs OPTIONAL,
//	  ocsp         [1] EXPLICIT SEQUENCE OF OCSPResponse OPTIONAL,
//	  otherRevInfo [2] EXPLICIT SEQUENCE OF OtherRevInfo OPTIONAL }
func (m *material) readArchival(der []byte) {
	in := cryptobyte.String(der)
	var seq cryptobyte.String
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) {
		return
	}
	for n, list := range []*[][]byte{&m.CRLs, &m.OCSPs} {
		var explicit, values cryptobyte.String
		var has bool
		if !seq.ReadOptionalASN1(&explicit, &has, cbasn1.Tag(n).Constructed().ContextSpecific()) {
			return
		}
		if !has || !explicit.ReadASN1(&values, cbasn1.SEQUENCE) {
			continue
		}
		for !values.Empty() && len(*list) < maxMaterial {
			var one cryptobyte.String
			if !values.ReadASN1Element(&one, cbasn1.SEQUENCE) {
				return
			}
			*list = append(*list, one)
		}
	}
}

// judgeRevocation turns the statuses of a path that holds into a sub-indication (EN 319
// 102-1, Section 5.2.6.4).
func (r *chainResult) judgeRevocation() {
	for i, s := range r.Certificates {
		if s.Status != path.Revoked {
			continue
		}
		r.sub, r.code = RevokedNoPOE, "certificate_revoked"
		if i > 0 {
			r.sub, r.code = RevokedCANoPOE, "ca_revoked"
		}
		r.args = []any{s.RevokedAt}
		return
	}
	if r.Check() != nil {
		r.sub, r.code = TryLater, "revocation_unknown"
	}
}

// revokedLater returns when a certificate of the path was revoked after the time in
// question for a reason that casts doubt on what its key did before.
func (r *chainResult) revokedLater() (time.Time, bool) {
	for _, s := range r.Certificates {
		if !s.RevokedAt.IsZero() && s.Status != path.Revoked && doubtful(s.Reason) {
			return s.RevokedAt, true
		}
	}
	return time.Time{}, false
}

// boundedFetcher stops fetching while there is time left to finish the report.
type boundedFetcher struct {
	path.Fetcher
	until time.Time
}

func (f boundedFetcher) OCSP(ctx context.Context, url string, request []byte) ([]byte, error) {
	ctx, cancel := context.WithDeadline(ctx, f.until)
	defer cancel()
	return f.Fetcher.OCSP(ctx, url, request)
}

func (f boundedFetcher) CRL(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithDeadline(ctx, f.until)
	defer cancel()
	return f.Fetcher.CRL(ctx, url)
}

// has reports whether the material holds this evidence.
func (m *material) has(source string, der []byte) bool {
	list := m.CRLs
	if source == "ocsp" {
		list = m.OCSPs
	}
	return slices.ContainsFunc(list, func(b []byte) bool { return string(b) == string(der) })
}

func parseCertificate(der []byte) *x509.Certificate {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	return c
}
