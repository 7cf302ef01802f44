package path

import (
	"bytes"
	"crypto/x509"
	"errors"
	"slices"

	"github.com/kyso-vn/kyso/pki/cms"
)

// candidate is a path whose signatures hold, from the certificate to an anchor.
type candidate struct {
	list  string
	chain []*x509.Certificate
	weak  [][]cms.Code // of the signature on each of chain but the anchor's
}

// with is c with one more issuer, sharing nothing with it.
func (c candidate) with(issuer *x509.Certificate, weak []cms.Code) candidate {
	return candidate{c.list, append(slices.Clone(c.chain), issuer), append(slices.Clone(c.weak), weak)}
}

// builder looks for paths depth first. Each signature check costs one try, so
// that cross-signed tangles end (RFC 4158, Section 2.4.1 has the problem).
type builder struct {
	o     *Options
	pool  []*x509.Certificate
	tries int
	found func(candidate) (enough bool)
	cause error // the most telling reason for a dead end
}

// build calls found with every path until it has enough. It returns an error
// when there was none at all.
func build(cert *x509.Certificate, o *Options, found func(candidate) bool) error {
	b := &builder{o: o, pool: slices.Concat(o.Intermediates, o.Evidence.Certificates), tries: maxTries}
	any := false
	b.found = func(c candidate) bool { any = true; return found(c) }
	err := b.climb(candidate{chain: []*x509.Certificate{cert}})
	if any || errors.Is(err, errEnough) {
		return nil
	}
	if err != nil {
		return err
	}
	if b.cause != nil {
		return b.cause
	}
	return fail(ErrNoAnchor, cert, "no path to a trust anchor")
}

// errEnough ends the search; it never leaves the package.
var errEnough = errors.New("enough")

// climb extends chain by every possible issuer, anchors first.
func (b *builder) climb(c candidate) error {
	top := c.chain[len(c.chain)-1]
	for _, l := range b.o.Anchors {
		for _, a := range l.Certificates {
			if a.Equal(top) {
				c.list = l.Name
				if b.found(c) {
					return errEnough
				}
				return nil // an anchor needs nothing above it
			}
		}
	}
	if len(c.chain) >= maxDepth {
		return nil
	}
	for _, l := range b.o.Anchors {
		for _, a := range l.Certificates {
			weak, ok, err := b.issued(a, top)
			if err != nil {
				return err
			}
			c.list = l.Name
			if ok && b.found(c.with(a, weak)) {
				return errEnough
			}
		}
	}
	for _, issuer := range b.pool {
		if loops(c.chain, issuer) || b.anchored(issuer) {
			continue
		}
		weak, ok, err := b.issued(issuer, top)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := b.climb(c.with(issuer, weak)); err != nil {
			return err
		}
	}
	return nil
}

// anchored reports whether c is an anchor itself and was tried as one.
func (b *builder) anchored(c *x509.Certificate) bool { return anchored(c, b.o) }

// loops reports whether c would add nothing new: the same name with the same
// key is on the path already (RFC 4158, Section 5.2).
func loops(chain []*x509.Certificate, c *x509.Certificate) bool {
	return slices.ContainsFunc(chain, func(have *x509.Certificate) bool {
		return bytes.Equal(have.RawSubject, c.RawSubject) && bytes.Equal(have.RawSubjectPublicKeyInfo, c.RawSubjectPublicKeyInfo)
	})
}

// issued reports whether issuer signed cert: name, key identifiers where both
// have one, and the signature. err is only for giving up.
func (b *builder) issued(issuer, cert *x509.Certificate) (weak []cms.Code, ok bool, err error) {
	if !bytes.Equal(issuer.RawSubject, cert.RawIssuer) {
		return nil, false, nil
	}
	if len(issuer.SubjectKeyId) > 0 && len(cert.AuthorityKeyId) > 0 && !bytes.Equal(issuer.SubjectKeyId, cert.AuthorityKeyId) {
		return nil, false, nil
	}
	if b.tries--; b.tries < 0 {
		return nil, false, fail(ErrTooComplex, cert, "more than %d signature checks", maxTries)
	}
	weak, err = verifySigned(cert.Raw, issuer)
	if err != nil {
		if b.cause == nil {
			b.cause = &Error{Code: ErrSignature, Detail: "not signed by the issuer it names", Certificate: cert, Err: err}
		}
		return nil, false, nil
	}
	return weak, true, nil
}
