package crl

import (
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/kyso-vn/kyso/pki"
)

// List is a list that was read. Nothing in it is to be trusted before Verify.
type List struct {
	ThisUpdate, NextUpdate time.Time
	// Number is nil where the list has none.
	Number *big.Int
	// Address is that of the IssuingDistributionPoint, "" where there is none.
	Address string

	parsed  *x509.RevocationList
	entries map[pki.Serial]Entry
}

// Parse reads a DER list of at most max bytes; 0 is 64 MB. It takes complete
// lists for certificates of every kind: delta and indirect lists, lists for
// some reasons or kinds of certificate only, unknown critical extensions, and
// lists without nextUpdate are ErrMalformed.
func Parse(der []byte, max int) (*List, error) {
	if max == 0 {
		max = 64 << 20
	}
	if len(der) > max {
		return nil, &pki.Error{Code: ErrMalformed, Detail: "over the limit of bytes"}
	}
	parsed, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, &pki.Error{Code: ErrMalformed, Err: err}
	}
	l := &List{ThisUpdate: parsed.ThisUpdate, NextUpdate: parsed.NextUpdate, Number: parsed.Number, parsed: parsed}
	if l.NextUpdate.IsZero() {
		return nil, &pki.Error{Code: ErrMalformed, Detail: "no nextUpdate"}
	}
	for _, e := range parsed.Extensions {
		switch {
		case e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 28}):
			if l.Address, err = parsePoint(e.Value); err != nil {
				return nil, err
			}
		case e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 35}), e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 20}):
		case e.Critical:
			return nil, &pki.Error{Code: ErrMalformed, Detail: "unknown critical extension"}
		}
	}
	l.entries = make(map[pki.Serial]Entry, len(parsed.RevokedCertificateEntries))
	for _, r := range parsed.RevokedCertificateEntries {
		e, err := parseEntry(r)
		if err != nil {
			return nil, err
		}
		if _, twice := l.entries[e.Serial]; twice {
			return nil, &pki.Error{Code: ErrMalformed, Detail: "a serial number stands twice"}
		}
		l.entries[e.Serial] = e
	}
	return l, nil
}

func parseEntry(r x509.RevocationListEntry) (Entry, error) {
	serial, err := pki.SerialFromBig(r.SerialNumber)
	if err != nil {
		return Entry{}, &pki.Error{Code: ErrMalformed, Err: err}
	}
	e := Entry{Serial: serial, RevokedAt: r.RevocationTime, Reason: pki.Reason(r.ReasonCode)}
	if r.ReasonCode < 0 || r.ReasonCode > 10 || !e.Reason.Revokes() {
		return Entry{}, &pki.Error{Code: ErrMalformed, Detail: "no reason to revoke"}
	}
	for _, x := range r.Extensions {
		switch {
		case x.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 24}):
			value := cryptobyte.String(x.Value)
			if !value.ReadASN1GeneralizedTime(&e.InvalidityDate) || !value.Empty() {
				return Entry{}, &pki.Error{Code: ErrMalformed, Detail: "invalidityDate"}
			}
		case x.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 21}):
		case x.Critical:
			return Entry{}, &pki.Error{Code: ErrMalformed, Detail: "unknown critical extension of an entry"}
		}
	}
	return e, nil
}

// parsePoint reads an IssuingDistributionPoint that holds one address and
// nothing else.
func parsePoint(der []byte) (string, error) {
	input := cryptobyte.String(der)
	var point, name, full, address cryptobyte.String
	constructed := func(n uint8) casn1.Tag { return casn1.Tag(n).ContextSpecific().Constructed() }
	if !input.ReadASN1(&point, casn1.SEQUENCE) || !input.Empty() ||
		!point.ReadASN1(&name, constructed(0)) || !point.Empty() ||
		!name.ReadASN1(&full, constructed(0)) || !name.Empty() ||
		!full.ReadASN1(&address, casn1.Tag(6).ContextSpecific()) || !full.Empty() || address.Empty() {
		return "", &pki.Error{Code: ErrMalformed, Detail: "issuingDistributionPoint other than one address"}
	}
	return string(address), nil
}

// Len returns the number of entries.
func (l *List) Len() int { return len(l.entries) }

// Find returns the entry of serial. That there is none says nothing before
// Verify has said that this is the list for the certificate.
func (l *List) Find(serial pki.Serial) (Entry, bool) {
	e, ok := l.entries[serial]
	return e, ok
}

// Verify checks that l is signed by issuer, valid at the given time, and the
// list that certificate points to: whole, or the shard whose address stands in
// the certificate, byte for byte (RFC 5280, Section 6.3.3 (b)). certificate may
// be nil to leave that last check out.
func (l *List) Verify(issuer, certificate *x509.Certificate, at time.Time) error {
	if string(l.parsed.RawIssuer) != string(issuer.RawSubject) {
		return &pki.Error{Code: ErrScope, Detail: "another CA's list"}
	}
	if err := l.parsed.CheckSignatureFrom(issuer); err != nil {
		return &pki.Error{Code: pki.ErrSignature, Field: "CRL", Err: err}
	}
	if at.Before(l.ThisUpdate) || at.After(l.NextUpdate) {
		return &pki.Error{Code: ErrStale}
	}
	if certificate == nil || l.Address == "" {
		return nil
	}
	for _, address := range certificate.CRLDistributionPoints {
		if address == l.Address {
			return nil
		}
	}
	return &pki.Error{Code: ErrScope, Detail: "another shard"}
}
