package ocsp

import (
	stdcontext "context"
	"crypto"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/kyso-vn/kyso/pki"
)

// Single is the status of one certificate in a response.
type Single struct {
	ID CertID
	Status
	ThisUpdate, NextUpdate time.Time
	// ArchiveCutoff is how far back the responder knows of revocations of
	// expired certificates (RFC 6960, Section 4.4.4); zero without.
	ArchiveCutoff time.Time
}

// responseData is what is signed; see encode.
type responseData struct {
	keyHash    [sha1.Size]byte
	producedAt time.Time
	responses  []Single
	nonce      []byte
}

func oidBasic() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
}

func oidArchiveCutoff() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 6}
}

// errorResponse writes OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED }.
func errorResponse(status ResponseStatus) []byte {
	return []byte{0x30, 0x03, 0x0a, 0x01, byte(status)}
}

// addTime writes a GeneralizedTime to the second.
func addTime(b *cryptobyte.Builder, t time.Time) {
	b.AddASN1GeneralizedTime(t.UTC().Truncate(time.Second))
}

// encode writes the ResponseData (RFC 6960, Section 4.2.1):
//
//	SEQUENCE { responderID [2] EXPLICIT KeyHash, producedAt GeneralizedTime,
//	  responses SEQUENCE OF SingleResponse, responseExtensions [1] EXPLICIT Extensions OPTIONAL }
func (d *responseData) encode() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(explicit(2), func(b *cryptobyte.Builder) { b.AddASN1OctetString(d.keyHash[:]) })
		addTime(b, d.producedAt)
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, one := range d.responses {
				b.AddASN1(casn1.SEQUENCE, one.encode)
			}
		})
		if d.nonce != nil {
			b.AddASN1(explicit(1), func(b *cryptobyte.Builder) { addNonce(b, d.nonce) })
		}
	})
	return b.Bytes()
}

// encode writes the contents of SingleResponse ::= SEQUENCE { CertID,
// certStatus CHOICE { good [0] NULL, revoked [1] RevokedInfo, unknown [2] NULL },
// thisUpdate, nextUpdate [0] EXPLICIT, singleExtensions [1] EXPLICIT Extensions }.
func (s Single) encode(b *cryptobyte.Builder) {
	s.ID.encode(b)
	switch s.State {
	case Good:
		b.AddASN1(casn1.Tag(0).ContextSpecific(), func(*cryptobyte.Builder) {})
	case Revoked:
		// RevokedInfo ::= SEQUENCE { revocationTime, revocationReason [0] EXPLICIT CRLReason OPTIONAL }
		b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
			addTime(b, s.RevokedAt)
			if s.Reason != pki.Unspecified {
				b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(s.Reason)) })
			}
		})
	default:
		b.AddASN1(casn1.Tag(2).ContextSpecific(), func(*cryptobyte.Builder) {})
	}
	addTime(b, s.ThisUpdate)
	b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { addTime(b, s.NextUpdate) })
	if s.ArchiveCutoff.IsZero() {
		return
	}
	b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oidArchiveCutoff())
				b.AddASN1(casn1.OCTET_STRING, func(b *cryptobyte.Builder) { addTime(b, s.ArchiveCutoff) })
			})
		})
	})
}

// sign encodes, signs and verifies a response:
//
//	OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED 0,
//	  responseBytes [0] EXPLICIT SEQUENCE { OID id-pkix-ocsp-basic, OCTET STRING } }
//	BasicOCSPResponse ::= SEQUENCE { ResponseData, AlgorithmIdentifier,
//	  signature BIT STRING, certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
func (d *responseData) sign(ctx stdcontext.Context, signer crypto.Signer, scheme pki.Signature, delegate *x509.Certificate) ([]byte, error) {
	tbs, err := d.encode()
	if err != nil {
		return nil, fmt.Errorf("building an OCSP response: %w", err)
	}
	value, err := scheme.Sign(ctx, signer, tbs)
	if err != nil {
		return nil, fmt.Errorf("OCSP response: %w", err)
	}
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(int64(Successful))
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
			b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oidBasic())
				b.AddASN1(casn1.OCTET_STRING, func(b *cryptobyte.Builder) {
					b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddBytes(tbs)
						b.AddBytes(scheme.Identifier)
						b.AddASN1BitString(value)
						if delegate != nil {
							b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
								b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(delegate.Raw) })
							})
						}
					})
				})
			})
		})
	})
	return b.Bytes()
}
