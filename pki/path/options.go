package path

import (
	"context"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"time"
)

// AnchorList is a named list of trust anchors, such as "kyso", "neac" or "cong_vu".
// Anchors are trusted as they are: their own signature, validity and status are
// not looked at, their constraints are.
type AnchorList struct {
	Name         string
	Certificates []*x509.Certificate
}

// ParseAnchors reads certificates in PEM. Anything but whole CERTIFICATE blocks
// and white space or comments between them is refused, and so is an empty list.
func ParseAnchors(name string, data []byte) (AnchorList, error) {
	list := AnchorList{Name: name}
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return AnchorList{}, fail(ErrMalformed, nil, "list %q holds a PEM block of another type", name)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return AnchorList{}, failErr(ErrMalformed, err, "certificate %d of list %q", len(list.Certificates), name)
		}
		list.Certificates = append(list.Certificates, cert)
	}
	if len(list.Certificates) == 0 {
		return AnchorList{}, fail(ErrMalformed, nil, "list %q holds no certificate", name)
	}
	return list, nil
}

// Algorithms is the policy for keys and signatures on the path. The zero value
// demands RSA of 2048 bits or P-256 and better, and SHA-256 or better.
type Algorithms struct {
	AllowWeak bool // takes SHA-1 and short RSA keys that crypto/rsa still verifies
}

// Options say against what, when and how to validate. Anchors is required.
type Options struct {
	Anchors       []AnchorList
	Intermediates []*x509.Certificate // from the document; trusted for nothing
	At            time.Time           // judged at this time; zero = Now
	Now           time.Time           // the real time, for what is dated in the future; zero = time.Now()

	// KeyUsage: the certificate, if it has a key usage, must have one of these;
	// 0 = not checked.
	KeyUsage x509.KeyUsage
	// Purposes: the certificate and every CA below the anchor, if they have an
	// extended key usage, must have one of these or anyExtendedKeyUsage; empty =
	// not checked.
	Purposes   []asn1.ObjectIdentifier
	Algorithms Algorithms

	// Evidence at hand, such as a DSS. Its certificates are added to
	// Intermediates.
	Evidence Evidence
	// Fetcher gets what Evidence does not answer; nil = nothing is fetched.
	Fetcher Fetcher
	// SkipRevocation leaves every status unknown without looking.
	SkipRevocation bool
	// MaxEvidenceBytes: larger OCSP responses and CRLs are not used when they
	// are fetched; 0 = 8 MiB.
	MaxEvidenceBytes int
	// MaxAge bounds the age, at At, of OCSP responses without nextUpdate; 0 = 24 h.
	MaxAge time.Duration
}

// Fetcher gets revocation data from the addresses inside certificates. The
// addresses come from strangers: an implementation guards against internal
// targets, redirects, slow and endless answers. Implementations are safe for
// concurrent use. [HTTPFetcher] is one.
type Fetcher interface {
	// OCSP posts the DER of an OCSPRequest and returns that of an OCSPResponse.
	OCSP(ctx context.Context, url string, request []byte) ([]byte, error)
	// CRL returns the DER of a CertificateList.
	CRL(ctx context.Context, url string) ([]byte, error)
}

const (
	maxDepth        = 10              // certificates in a path
	maxTries        = 200             // signature checks while building
	maxPaths        = 4               // complete paths judged with revocation
	clockTolerance  = 5 * time.Minute // of dates in evidence, against Now
	defaultMaxAge   = 24 * time.Hour
	defaultMaxFetch = 8 << 20
)

func (o Options) withDefaults() Options {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	if o.At.IsZero() {
		o.At = o.Now
	}
	if o.MaxAge <= 0 {
		o.MaxAge = defaultMaxAge
	}
	if o.MaxEvidenceBytes <= 0 {
		o.MaxEvidenceBytes = defaultMaxFetch
	}
	return o
}

// Evidence is validation data as a DSS holds it: DER, no doubles.
type Evidence struct {
	Certificates []*x509.Certificate
	OCSPs        [][]byte // OCSPResponse
	CRLs         [][]byte // CertificateList
}

// Size is the number of bytes in all.
func (e *Evidence) Size() int {
	n := 0
	for _, c := range e.Certificates {
		n += len(c.Raw)
	}
	for _, list := range [][][]byte{e.OCSPs, e.CRLs} {
		for _, der := range list {
			n += len(der)
		}
	}
	return n
}

// Merge adds what other holds and e does not.
func (e *Evidence) Merge(other Evidence) {
	for _, c := range other.Certificates {
		e.addCertificate(c)
	}
	for _, der := range other.OCSPs {
		addOnce(&e.OCSPs, der)
	}
	for _, der := range other.CRLs {
		addOnce(&e.CRLs, der)
	}
}
