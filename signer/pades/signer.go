package pades

import (
	"crypto/x509"

	"github.com/kyso-vn/kyso/pki/cms"
)

// Signer is a certificate with its chain, worked out once for any number of signatures: what every CMS of it has in
// common, and how large they get. It never changes and may be used at once by many.
type Signer struct {
	tmpl *cms.Template
	cert *x509.Certificate
	// Room for a CMS without a time-stamp and with TimestampRoom for one.
	bare, stamped int
}

// NewSigner works out a Signer for Options.Signer. Scheme and Hash go by the key when they are zero.
func NewSigner(o cms.Options) (*Signer, error) {
	tmpl, err := cms.NewTemplate(o)
	if err != nil {
		return nil, err
	}
	s := &Signer{tmpl: tmpl, cert: o.Certificate}
	// A dry run with the real chain and the longest signature.
	dry, err := tmpl.Draft(make([]byte, tmpl.Hash().Size()))
	if err != nil {
		return nil, err
	}
	if s.bare, err = dry.Size(0); err != nil {
		return nil, err
	}
	s.stamped, err = dry.Size(TimestampRoom)
	return s, err
}

// room is how many bytes to reserve: see Options.TimestampRoom.
func (s *Signer) room(timestamp int) (int, error) {
	switch {
	case timestamp < 0:
		return s.bare, nil
	case timestamp == 0 || timestamp == TimestampRoom:
		return s.stamped, nil
	}
	dry, err := s.tmpl.Draft(make([]byte, s.tmpl.Hash().Size()))
	if err != nil {
		return 0, err
	}
	return dry.Size(timestamp)
}

// signer is the one that the options name.
func (o *Options) signer() (*Signer, error) {
	if o.Signer != nil {
		return o.Signer, nil
	}
	return NewSigner(cms.Options{Certificate: o.Certificate, Chain: o.Chain, Scheme: o.Scheme, Hash: o.Hash})
}

// certificate is that of the one who signs, nil when there is none.
func (o *Options) certificate() *x509.Certificate {
	if o.Signer != nil {
		return o.Signer.cert
	}
	return o.Certificate
}
