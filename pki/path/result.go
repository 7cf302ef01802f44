package path

import (
	"bytes"
	"crypto/x509"
	"slices"
	"time"

	"github.com/kyso-vn/kyso/pki"
)

// Status is the revocation status of a certificate at the time in question.
type Status uint8

// The statuses. The zero value is the careful one.
const (
	Unknown Status = iota // no evidence proves anything
	Good
	Revoked // revoked or on hold at that time
	Trusted // a trust anchor, or a responder with ocsp-nocheck: needs no check
)

// String returns "unknown", "good", "revoked" or "trusted".
func (s Status) String() string {
	return [...]string{"unknown", "good", "revoked", "trusted"}[s&3]
}

// CertificateStatus is one certificate of a path with its status and the
// evidence for it.
type CertificateStatus struct {
	Certificate *x509.Certificate
	Status      Status
	RevokedAt   time.Time  // also set when revoked after the time in question: then Status is Good
	Reason      pki.Reason // meaningful when RevokedAt is set

	Source     string    // "ocsp", "crl" or "" when no evidence was used
	Evidence   []byte    // DER of the OCSPResponse or CertificateList used
	ThisUpdate time.Time // of the evidence
	NextUpdate time.Time // of the evidence; zero when absent
	Fetched    bool      // got through the Fetcher, not from Options.Evidence
	Problems   []error   // why other evidence was not used; each has a Code
}

// Result is a judged path.
type Result struct {
	Anchor       string              // name of the anchor list
	Chain        []*x509.Certificate // from the certificate to the anchor
	Certificates []CertificateStatus // one for each of Chain

	// Used is the evidence that the statuses rest on, and the certificates that
	// are needed to check it: what a DSS must hold.
	Used Evidence
}

// Check returns nil when every certificate is good or trusted, ErrRevoked when
// one is revoked, else ErrUnknown.
func (r *Result) Check() error {
	var unknown error
	for _, c := range r.Certificates {
		switch c.Status {
		case Revoked:
			e := &Error{Code: ErrRevoked, Certificate: c.Certificate, Detail: "revoked since " + c.RevokedAt.UTC().Format(time.RFC3339) + ", " + c.Reason.String()}
			return e
		case Unknown:
			if unknown == nil {
				e := &Error{Code: ErrUnknown, Certificate: c.Certificate, Detail: "revocation status is not known"}
				if len(c.Problems) > 0 {
					e.Err = c.Problems[len(c.Problems)-1]
				}
				unknown = e
			}
		}
	}
	return unknown
}

func (e *Evidence) addCertificate(c *x509.Certificate) {
	if !slices.ContainsFunc(e.Certificates, c.Equal) {
		e.Certificates = append(e.Certificates, c)
	}
}

func addOnce(list *[][]byte, der []byte) {
	if !slices.ContainsFunc(*list, func(have []byte) bool { return bytes.Equal(have, der) }) {
		*list = append(*list, der)
	}
}
