package path

import (
	"crypto/x509"
	"strings"
)

func (c *checker) fetchOCSP(url string, cert, issuer *x509.Certificate, depth int) (fact, error) {
	request, err := ocspRequest(cert, issuer)
	if err != nil {
		return fact{}, failErr(ErrEvidence, err, "asking for a certificate")
	}
	der, err := c.o.Fetcher.OCSP(c.ctx, url, request)
	if err = c.checkFetched(der, err, cert); err != nil {
		return fact{}, err
	}
	r, err := parseOCSP(der)
	if err != nil {
		return fact{}, err
	}
	f, err := c.fromOCSP(r, cert, issuer, depth)
	if err == nil && f.source == "" {
		err = fail(ErrEvidence, cert, "OCSP response about another certificate")
	}
	f.fetched = true
	return f, err
}

func (c *checker) fetchCRL(url string, cert, issuer *x509.Certificate) (fact, error) {
	der, err := c.o.Fetcher.CRL(c.ctx, url)
	if err = c.checkFetched(der, err, cert); err != nil {
		return fact{}, err
	}
	l, err := parseCRL(der)
	if err != nil {
		return fact{}, err
	}
	f, err := c.fromCRL(l, cert, issuer)
	if err == nil && f.source == "" {
		err = fail(ErrEvidence, cert, "CRL of another issuer")
	}
	f.fetched = true
	return f, err
}

func (c *checker) checkFetched(der []byte, err error, cert *x509.Certificate) error {
	if err != nil {
		return &Error{Code: ErrFetch, Detail: "fetching revocation data", Certificate: cert, Err: err}
	}
	if len(der) > c.o.MaxEvidenceBytes {
		return fail(ErrEvidenceTooLarge, cert, "revocation data of %d bytes, at most %d", len(der), c.o.MaxEvidenceBytes)
	}
	return nil
}

// usableURLs keeps the first few HTTP addresses.
func usableURLs(urls []string, max int) []string {
	var out []string
	for _, u := range urls {
		low := strings.ToLower(u)
		if len(out) < max && (strings.HasPrefix(low, "http://") || strings.HasPrefix(low, "https://")) {
			out = append(out, u)
		}
	}
	return out
}
