package crl

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"iter"
	"math/big"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/lint"
)

// Template describes one list.
type Template struct {
	// Issuer is the CA's certificate. Required.
	Issuer *x509.Certificate
	// ThisUpdate and NextUpdate bound the list's validity, to the second.
	ThisUpdate, NextUpdate time.Time
	// Number of the list, positive, at most 20 octets; see Number.
	Number *big.Int
	// Address of the shard, byte for byte as in its certificates: goes into a
	// critical IssuingDistributionPoint. Empty for a whole list.
	Address string
	// Shard and Shards say which serial numbers belong into the list; others are
	// refused. Shards below 2 takes all.
	Shard, Shards int
	// Entries in strictly ascending order of serial numbers, see Entries. An
	// error ends the list. nil is an empty list.
	Entries iter.Seq2[Entry, error]
	// PSS: an RSA CA signs by RSASSA-PSS.
	PSS bool
}

// Draft is a list fixed to the last byte but its signature. Only Prepare makes
// one, and Issue takes it once.
type Draft struct {
	template Template
	scheme   pki.Signature
	tbs      []byte
	hash     [sha256.Size]byte
	count    int
	warnings lint.Findings
	used     atomic.Bool
}

// TBS returns a copy of the DER of the TBSCertList: what will be signed, and
// the message the signer is given.
func (d *Draft) TBS() []byte { return slices.Clone(d.tbs) }

// TBSHash returns the SHA-256 of TBS, whatever hash the signature uses.
func (d *Draft) TBSHash() [sha256.Size]byte { return d.hash }

// Len returns the number of entries.
func (d *Draft) Len() int { return d.count }

// Warnings returns what the lints found that is no reason to refuse.
func (d *Draft) Warnings() lint.Findings { return slices.Clone(d.warnings) }

// Prepare checks t, builds the TBSCertList and lints it. Memory is that of the
// encoded list (45 to 80 bytes an entry) and, while linting, some times that.
func Prepare(t Template, linter *lint.Linter) (*Draft, error) {
	// 1. The list's own fields.
	if err := t.check(); err != nil {
		return nil, err
	}
	scheme, err := pki.SignatureFor(t.Issuer.PublicKey, t.PSS)
	if err != nil {
		return nil, err
	}
	// 2. The bytes, once.
	d := &Draft{template: t, scheme: scheme}
	entries, count, err := t.encodeEntries()
	if err != nil {
		return nil, err
	}
	d.count = count
	if d.tbs, err = t.encode(scheme, entries); err != nil {
		return nil, fmt.Errorf("building a CRL: %w", err)
	}
	d.template.Entries = nil
	d.hash = sha256.Sum256(d.tbs)
	// 3. Lint. No lint looks at the signature, so an empty one stands in.
	der, err := assemble(d.tbs, scheme, []byte{0})
	if err != nil {
		return nil, err
	}
	d.warnings, err = linter.CRL(lint.CRL{DER: der, Issuer: t.Issuer, Address: t.Address})
	if err != nil {
		return nil, err
	}
	if err := d.warnings.Err(); err != nil {
		return nil, err
	}
	return d, nil
}

// Issue signs d with the CA's key, verifies the outcome in software, and
// returns the DER of the list. As with certificates a draft is taken once,
// whatever happens: ErrDraftUsed the second time.
func Issue(ctx context.Context, signer crypto.Signer, d *Draft) ([]byte, error) {
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(d.template.Issuer.PublicKey) {
		return nil, &pki.Error{Code: ErrTemplate, Field: "signer", Detail: "not the CA's key"}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !d.used.CompareAndSwap(false, true) {
		return nil, &pki.Error{Code: ErrDraftUsed}
	}
	value, err := d.scheme.Sign(ctx, signer, d.tbs)
	if err != nil {
		return nil, fmt.Errorf("CRL number %s: %w", d.template.Number, err)
	}
	return assemble(d.tbs, d.scheme, value)
}

func (t *Template) check() error {
	refuse := func(field, detail string) error {
		return &pki.Error{Code: ErrTemplate, Field: field, Detail: detail}
	}
	switch {
	case t.Issuer == nil:
		return refuse("issuer", "missing")
	case t.Issuer.KeyUsage&x509.KeyUsageCRLSign == 0:
		return refuse("issuer", "its key usage lacks cRLSign")
	case len(t.Issuer.SubjectKeyId) == 0:
		return refuse("issuer", "no subject key identifier")
	case !t.NextUpdate.After(t.ThisUpdate):
		return refuse("nextUpdate", "not after thisUpdate")
	case t.ThisUpdate.Before(t.Issuer.NotBefore) || t.ThisUpdate.After(t.Issuer.NotAfter):
		return refuse("thisUpdate", "outside the CA's validity")
	case t.Number == nil || t.Number.Sign() <= 0 || t.Number.BitLen() > 159:
		return refuse("number", "want a positive number of at most 20 octets")
	case t.Shards >= 2 && (t.Address == "" || t.Shard < 0 || t.Shard >= t.Shards):
		return refuse("shard", "a shard has an address, and a place among the shards")
	}
	for _, c := range []byte(t.Address) { // GeneralName [6] is an IA5String
		if c <= ' ' || c >= 0x7f {
			return refuse("address", "not ASCII")
		}
	}
	return nil
}

// encodeEntries returns the contents of revokedCertificates.
func (t *Template) encodeEntries() (der []byte, count int, err error) {
	if t.Entries == nil {
		return nil, 0, nil
	}
	var last pki.Serial
	latest := t.ThisUpdate.Truncate(time.Second)
	for e, err := range t.Entries {
		if err != nil {
			return nil, 0, fmt.Errorf("reading the entries of a CRL: %w", err)
		}
		detail := ""
		switch {
		case e.Serial.IsZero() || e.Serial[0] > 0x7f:
			detail = "no serial number"
		case bytes.Compare(e.Serial[:], last[:]) <= 0:
			detail = "serial numbers don't ascend"
		case t.Shards >= 2 && e.Serial.Shard(t.Shards) != t.Shard:
			detail = "belongs to another shard"
		case !e.Reason.Revokes():
			detail = "not a reason to revoke"
		case e.RevokedAt.Before(t.Issuer.NotBefore) || e.RevokedAt.Truncate(time.Second).After(latest):
			detail = "revoked before the CA was or after the list is made"
		case !e.InvalidityDate.IsZero() && (e.InvalidityDate.After(e.RevokedAt) || e.InvalidityDate.Year() < 1950):
			detail = "invalid from after the revocation, or from before 1950"
		}
		if detail != "" {
			return nil, 0, &pki.Error{Code: ErrEntry, Field: e.Serial.String(), Detail: detail}
		}
		last = e.Serial
		der = appendEntry(der, e)
		count++
	}
	return der, count, nil
}

// appendEntry writes one entry. Every length fits one byte, since the longest
// entry has 85.
//
//	SEQUENCE { userCertificate INTEGER, revocationDate Time,
//	  crlEntryExtensions SEQUENCE OF { OID, OCTET STRING } OPTIONAL }
func appendEntry(der []byte, e Entry) []byte {
	start := len(der)
	der = append(der, 0x30, 0)
	serial := e.Serial.Bytes()
	if serial[0] > 0x7f {
		serial = append([]byte{0}, serial...)
	}
	der = append(append(der, 0x02, byte(len(serial))), serial...)
	der = appendTime(der, e.RevokedAt)
	if e.Reason != pki.Unspecified || !e.InvalidityDate.IsZero() {
		extensions := len(der)
		der = append(der, 0x30, 0)
		if e.Reason != pki.Unspecified { // id-ce-cRLReasons 2.5.29.21: ENUMERATED
			der = append(der, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01, byte(e.Reason))
		}
		if !e.InvalidityDate.IsZero() { // id-ce-invalidityDate 2.5.29.24: GeneralizedTime
			der = append(der, 0x30, 0x18, 0x06, 0x03, 0x55, 0x1d, 0x18, 0x04, 0x11, 0x18, 0x0f)
			der = e.InvalidityDate.UTC().AppendFormat(der, "20060102150405Z")
		}
		der[extensions+1] = byte(len(der) - extensions - 2)
	}
	der[start+1] = byte(len(der) - start - 2)
	return der
}

// appendTime writes UTCTime until 2049 and GeneralizedTime after (RFC 5280,
// Section 5.1.2.4).
func appendTime(der []byte, t time.Time) []byte {
	t = t.UTC()
	if t.Year() < 2050 {
		return t.AppendFormat(append(der, 0x17, 13), "060102150405Z")
	}
	return t.AppendFormat(append(der, 0x18, 15), "20060102150405Z")
}

// encode writes the TBSCertList:
//
//	SEQUENCE { version INTEGER 1, signature AlgorithmIdentifier, issuer Name,
//	  thisUpdate Time, nextUpdate Time,
//	  revokedCertificates SEQUENCE OF … OPTIONAL, crlExtensions [0] Extensions }
func (t *Template) encode(scheme pki.Signature, entries []byte) ([]byte, error) {
	// The capacity spares the builder copying a large list as it grows.
	b := cryptobyte.NewBuilder(make([]byte, 0, len(entries)+len(t.Issuer.RawSubject)+512))
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1) // v2
		b.AddBytes(scheme.Identifier)
		b.AddBytes(t.Issuer.RawSubject)
		b.AddBytes(appendTime(nil, t.ThisUpdate))
		b.AddBytes(appendTime(nil, t.NextUpdate))
		if len(entries) > 0 { // absent when empty (RFC 5280, Section 5.1.2.6)
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(entries) })
		}
		b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, t.encodeExtensions)
		})
	})
	return b.Bytes()
}

func (t *Template) encodeExtensions(b *cryptobyte.Builder) {
	// AuthorityKeyIdentifier 2.5.29.35 ::= SEQUENCE { [0] keyIdentifier }
	addExtension(b, 35, false, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(t.Issuer.SubjectKeyId) })
		})
	})
	// CRLNumber 2.5.29.20 ::= INTEGER
	addExtension(b, 20, false, func(b *cryptobyte.Builder) { b.AddASN1BigInt(t.Number) })
	if t.Address == "" {
		return
	}
	// IssuingDistributionPoint 2.5.29.28 ::= SEQUENCE { distributionPoint [0]
	//   { fullName [0] { uniformResourceIdentifier [6] IA5String } } }
	addExtension(b, 28, true, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
					b.AddASN1(asn1.Tag(6).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(t.Address)) })
				})
			})
		})
	})
}

// addExtension writes SEQUENCE { OID 2.5.29.last, critical BOOLEAN DEFAULT
// FALSE, OCTET STRING }.
func addExtension(b *cryptobyte.Builder, last byte, critical bool, value cryptobyte.BuilderContinuation) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes([]byte{0x06, 0x03, 0x55, 0x1d, last})
		if critical {
			b.AddASN1Boolean(true)
		}
		b.AddASN1(asn1.OCTET_STRING, value)
	})
}

// assemble writes CertificateList ::= SEQUENCE { tbsCertList,
// signatureAlgorithm, signatureValue BIT STRING }.
func assemble(tbs []byte, scheme pki.Signature, value []byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, len(tbs)+len(value)+128))
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddBytes(scheme.Identifier)
		b.AddASN1BitString(value)
	})
	return b.Bytes()
}
