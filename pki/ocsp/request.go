package ocsp

import (
	"bytes"
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/kyso-vn/kyso/pki"
)

// maxNonce is the longest nonce (RFC 9654, Section 2.1).
const maxNonce = 128

// Limits bound a request; the zero value has good ones.
type Limits struct {
	// MaxBytes of the DER; 0 is 16 kB.
	MaxBytes int
	// MaxCertificates in one request; 0 is 64.
	MaxCertificates int
}

func (l Limits) withDefaults() Limits {
	if l.MaxBytes == 0 {
		l.MaxBytes = 16 << 10
	}
	if l.MaxCertificates == 0 {
		l.MaxCertificates = 64
	}
	return l
}

// Request is a request for the status of one or more certificates.
type Request struct {
	IDs []CertID
	// Nonce is what the extension holds, 1 to 128 octets; nil without one.
	Nonce []byte
}

func oidNonce() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}
}

func explicit(n uint8) casn1.Tag { return casn1.Tag(n).ContextSpecific().Constructed() }

// DER encodes r (RFC 6960, Section 4.1.1):
//
//	OCSPRequest ::= SEQUENCE { tbsRequest TBSRequest }
//	TBSRequest ::= SEQUENCE { requestList SEQUENCE OF Request,
//	  requestExtensions [2] EXPLICIT Extensions OPTIONAL }
//	Request ::= SEQUENCE { reqCert CertID }
func (r *Request) DER() ([]byte, error) {
	if len(r.IDs) == 0 {
		return nil, &pki.Error{Code: ErrAbsent, Detail: "a request for nothing"}
	}
	if r.Nonce != nil && (len(r.Nonce) == 0 || len(r.Nonce) > maxNonce) {
		return nil, &pki.Error{Code: ErrNonce, Detail: "want 1 to 128 octets"}
	}
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, id := range r.IDs {
					b.AddASN1(casn1.SEQUENCE, id.encode)
				}
			})
			if r.Nonce != nil {
				b.AddASN1(explicit(2), func(b *cryptobyte.Builder) { addNonce(b, r.Nonce) })
			}
		})
	})
	return b.Bytes()
}

// addNonce writes Extensions that hold the nonce alone. Its value is an OCTET
// STRING in the extension's own OCTET STRING (RFC 9654, Section 2.1).
func addNonce(b *cryptobyte.Builder, nonce []byte) {
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidNonce())
			b.AddASN1(casn1.OCTET_STRING, func(b *cryptobyte.Builder) { b.AddASN1OctetString(nonce) })
		})
	})
}

// ParseRequest reads one DER request. A signature on it is allowed and not
// looked at: answers are the same for everybody. Extensions other than the
// nonce are ignored unless they are critical, which is ErrMalformed.
func ParseRequest(der []byte, limits Limits) (*Request, error) {
	limits = limits.withDefaults()
	if len(der) > limits.MaxBytes {
		return nil, &pki.Error{Code: ErrTooLarge}
	}
	malformed := func(detail string) error { return &pki.Error{Code: ErrMalformed, Detail: detail} }
	input := cryptobyte.String(der)
	var request, tbs, list, extensions cryptobyte.String
	var hasExtensions bool
	if !input.ReadASN1(&request, casn1.SEQUENCE) || !input.Empty() || !request.ReadASN1(&tbs, casn1.SEQUENCE) {
		return nil, malformed("outer shape")
	}
	if !request.SkipOptionalASN1(explicit(0)) || !request.Empty() { // optionalSignature
		return nil, malformed("signature")
	}
	if !skipVersion(&tbs) || !tbs.SkipOptionalASN1(explicit(1)) || // requestorName
		!tbs.ReadASN1(&list, casn1.SEQUENCE) || !tbs.ReadOptionalASN1(&extensions, &hasExtensions, explicit(2)) || !tbs.Empty() {
		return nil, malformed("TBSRequest")
	}
	r := new(Request)
	for !list.Empty() {
		if len(r.IDs) == limits.MaxCertificates {
			return nil, &pki.Error{Code: ErrTooMany}
		}
		id, err := readSingleRequest(&list)
		if err != nil {
			return nil, err
		}
		r.IDs = append(r.IDs, id)
	}
	if len(r.IDs) == 0 {
		return nil, malformed("a request for nothing")
	}
	if hasExtensions {
		var err error
		if r.Nonce, err = readExtensions(extensions, true); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// readSingleRequest reads Request ::= SEQUENCE { CertID,
// singleRequestExtensions [0] EXPLICIT Extensions OPTIONAL }.
func readSingleRequest(list *cryptobyte.String) (CertID, error) {
	var one, extensions cryptobyte.String
	var hasExtensions bool
	if !list.ReadASN1(&one, casn1.SEQUENCE) {
		return CertID{}, &pki.Error{Code: ErrMalformed, Detail: "Request"}
	}
	id, ok := readCertID(&one)
	if !ok || !one.ReadOptionalASN1(&extensions, &hasExtensions, explicit(0)) || !one.Empty() {
		return CertID{}, &pki.Error{Code: ErrMalformed, Detail: "CertID"}
	}
	if hasExtensions {
		if _, err := readExtensions(extensions, false); err != nil {
			return CertID{}, err
		}
	}
	return id, nil
}

// skipVersion takes [0] EXPLICIT INTEGER 0, the default, which DER would leave
// out but some write.
func skipVersion(input *cryptobyte.String) bool {
	var version cryptobyte.String
	var present bool
	if !input.ReadOptionalASN1(&version, &present, explicit(0)) {
		return false
	}
	return !present || bytes.Equal(version, []byte{2, 1, 0})
}

// readExtensions returns the nonce, nil without one. Without withNonce the
// nonce is an extension like any other.
func readExtensions(input cryptobyte.String, withNonce bool) (nonce []byte, err error) {
	var list cryptobyte.String
	if !input.ReadASN1(&list, casn1.SEQUENCE) || !input.Empty() {
		return nil, &pki.Error{Code: ErrMalformed, Detail: "extensions"}
	}
	for !list.Empty() {
		var one, value cryptobyte.String
		var oid asn1.ObjectIdentifier
		var critical bool
		if !list.ReadASN1(&one, casn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&oid) ||
			!one.ReadOptionalASN1Boolean(&critical, casn1.BOOLEAN, false) ||
			!one.ReadASN1(&value, casn1.OCTET_STRING) || !one.Empty() {
			return nil, &pki.Error{Code: ErrMalformed, Detail: "extension"}
		}
		switch {
		case withNonce && oid.Equal(oidNonce()):
			if nonce != nil {
				return nil, &pki.Error{Code: ErrMalformed, Detail: "two nonces"}
			}
			var octets cryptobyte.String
			if !value.ReadASN1(&octets, casn1.OCTET_STRING) || !value.Empty() {
				return nil, &pki.Error{Code: ErrMalformed, Detail: "nonce"}
			}
			if len(octets) == 0 || len(octets) > maxNonce {
				return nil, &pki.Error{Code: ErrNonce, Detail: "want 1 to 128 octets"}
			}
			nonce = bytes.Clone(octets)
		case critical:
			return nil, &pki.Error{Code: ErrMalformed, Detail: "unknown critical extension"}
		}
	}
	return nonce, nil
}
