package ocsp

import (
	"bytes"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/kyso-vn/kyso/pki"
)

// maxResponse bounds the responses that Parse reads, in bytes.
const maxResponse = 256 << 10

// Response is a successful response that was read. Nothing in it is to be
// trusted before Verify.
type Response struct {
	// DER of the OCSPResponse.
	DER        []byte
	ProducedAt time.Time
	Responses  []Single
	// Nonce is nil without one.
	Nonce []byte
	// Certificates that came along.
	Certificates []*x509.Certificate

	name      []byte // responderID byName: DER of a Name
	keyHash   []byte // responderID byKey
	tbs       []byte
	algorithm x509.SignatureAlgorithm
	signature []byte
}

// Parse reads one DER OCSPResponse of at most 256 kB. A response that is an
// error is ErrStatus, with the ResponseStatus in the *StatusError it wraps.
func Parse(der []byte) (*Response, error) {
	if len(der) > maxResponse {
		return nil, &pki.Error{Code: ErrTooLarge}
	}
	malformed := func(detail string) error { return &pki.Error{Code: ErrMalformed, Detail: detail} }
	input := cryptobyte.String(bytes.Clone(der))
	var outer, wrapped, responseBytes, basic cryptobyte.String
	var status int
	var oid asn1.ObjectIdentifier
	if !input.ReadASN1(&outer, casn1.SEQUENCE) || !input.Empty() || !outer.ReadASN1Enum(&status) {
		return nil, malformed("outer shape")
	}
	if status != int(Successful) {
		return nil, &pki.Error{Code: ErrStatus, Err: &StatusError{ResponseStatus(status)}}
	}
	if !outer.ReadASN1(&wrapped, explicit(0)) || !outer.Empty() ||
		!wrapped.ReadASN1(&responseBytes, casn1.SEQUENCE) || !wrapped.Empty() ||
		!responseBytes.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(oidBasic()) ||
		!responseBytes.ReadASN1(&basic, casn1.OCTET_STRING) || !responseBytes.Empty() {
		return nil, malformed("not a basic response")
	}
	r := &Response{DER: bytes.Clone(der)}
	return r, r.readBasic(basic)
}

// StatusError is the error that a responder answered with.
type StatusError struct{ Status ResponseStatus }

// Error names the status as RFC 6960 does.
func (e *StatusError) Error() string {
	switch e.Status {
	case MalformedRequest:
		return "malformedRequest"
	case InternalError:
		return "internalError"
	case TryLater:
		return "tryLater"
	case SigRequired:
		return "sigRequired"
	case Unauthorized:
		return "unauthorized"
	}
	return "unknown response status"
}

// readBasic reads a BasicOCSPResponse.
func (r *Response) readBasic(input cryptobyte.String) error {
	malformed := func(detail string) error { return &pki.Error{Code: ErrMalformed, Detail: detail} }
	var body, tbs, algorithm, certs cryptobyte.String
	var hasCerts bool
	if !input.ReadASN1(&body, casn1.SEQUENCE) || !input.Empty() ||
		!body.ReadASN1Element(&tbs, casn1.SEQUENCE) || !body.ReadASN1Element(&algorithm, casn1.SEQUENCE) ||
		!body.ReadASN1BitStringAsBytes(&r.signature) ||
		!body.ReadOptionalASN1(&certs, &hasCerts, explicit(0)) || !body.Empty() {
		return malformed("BasicOCSPResponse")
	}
	r.tbs = tbs
	r.algorithm = pki.SignatureAlgorithm(algorithm)
	if hasCerts {
		var list cryptobyte.String
		if !certs.ReadASN1(&list, casn1.SEQUENCE) || !certs.Empty() {
			return malformed("certs")
		}
		for !list.Empty() {
			var one cryptobyte.String
			if !list.ReadASN1Element(&one, casn1.SEQUENCE) || len(r.Certificates) == 8 {
				return malformed("certs, or over 8 of them")
			}
			c, err := x509.ParseCertificate(one)
			if err != nil {
				return &pki.Error{Code: ErrMalformed, Detail: "certificate", Err: err}
			}
			r.Certificates = append(r.Certificates, c)
		}
	}
	return r.readData(tbs)
}

// readData reads a ResponseData, see responseData.encode; the responder may be
// named by its Name too, [1] EXPLICIT.
func (r *Response) readData(input cryptobyte.String) error {
	malformed := func(detail string) error { return &pki.Error{Code: ErrMalformed, Detail: detail} }
	var data, id, list, extensions cryptobyte.String
	var byName, hasExtensions bool
	if !input.ReadASN1(&data, casn1.SEQUENCE) || !input.Empty() || !skipVersion(&data) ||
		!data.ReadOptionalASN1(&id, &byName, explicit(1)) {
		return malformed("ResponseData")
	}
	if byName {
		r.name = id
	} else if !data.ReadASN1(&id, explicit(2)) || !id.ReadASN1Bytes(&r.keyHash, casn1.OCTET_STRING) ||
		!id.Empty() || len(r.keyHash) != sha1.Size {
		return malformed("responderID")
	}
	if !data.ReadASN1GeneralizedTime(&r.ProducedAt) || !data.ReadASN1(&list, casn1.SEQUENCE) ||
		!data.ReadOptionalASN1(&extensions, &hasExtensions, explicit(1)) || !data.Empty() {
		return malformed("ResponseData")
	}
	for !list.Empty() {
		one, ok := readSingle(&list)
		if !ok {
			return malformed("SingleResponse")
		}
		r.Responses = append(r.Responses, one)
	}
	if len(r.Responses) == 0 {
		return malformed("no responses")
	}
	var err error
	if hasExtensions {
		r.Nonce, err = readExtensions(extensions, true)
	}
	return err
}

// readSingle reads one SingleResponse, see Single.encode.
func readSingle(list *cryptobyte.String) (s Single, ok bool) {
	var one, status, next, extensions cryptobyte.String
	var hasNext, hasExtensions bool
	var tag casn1.Tag
	if !list.ReadASN1(&one, casn1.SEQUENCE) {
		return s, false
	}
	if s.ID, ok = readCertID(&one); !ok || !one.ReadAnyASN1(&status, &tag) {
		return s, false
	}
	switch tag {
	case casn1.Tag(0).ContextSpecific():
		s.State, ok = Good, status.Empty()
	case explicit(1):
		s.State = Revoked
		ok = readRevoked(&status, &s.Status)
	case casn1.Tag(2).ContextSpecific():
		ok = status.Empty()
	default:
		ok = false
	}
	if !ok || !one.ReadASN1GeneralizedTime(&s.ThisUpdate) || !one.ReadOptionalASN1(&next, &hasNext, explicit(0)) ||
		hasNext && (!next.ReadASN1GeneralizedTime(&s.NextUpdate) || !next.Empty()) ||
		!one.ReadOptionalASN1(&extensions, &hasExtensions, explicit(1)) || !one.Empty() {
		return s, false
	}
	return s, !hasExtensions || readSingleExtensions(extensions, &s)
}

// readRevoked reads the contents of RevokedInfo.
func readRevoked(input *cryptobyte.String, s *Status) bool {
	var reason cryptobyte.String
	var hasReason bool
	if !input.ReadASN1GeneralizedTime(&s.RevokedAt) || !input.ReadOptionalASN1(&reason, &hasReason, explicit(0)) || !input.Empty() {
		return false
	}
	if !hasReason {
		return true
	}
	var n int
	if !reason.ReadASN1Enum(&n) || !reason.Empty() || n < 0 || n > 10 {
		return false
	}
	s.Reason = pki.Reason(n)
	return s.Reason.Valid()
}

// readSingleExtensions takes the archiveCutoff and refuses unknown critical
// extensions.
func readSingleExtensions(input cryptobyte.String, s *Single) bool {
	if _, err := readExtensions(input, false); err != nil {
		return false
	}
	var list cryptobyte.String
	input.ReadASN1(&list, casn1.SEQUENCE)
	for !list.Empty() {
		var one, value cryptobyte.String
		var oid asn1.ObjectIdentifier
		if !list.ReadASN1(&one, casn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&oid) ||
			!one.SkipOptionalASN1(casn1.BOOLEAN) || !one.ReadASN1(&value, casn1.OCTET_STRING) {
			return false
		}
		if oid.Equal(oidArchiveCutoff()) && (!value.ReadASN1GeneralizedTime(&s.ArchiveCutoff) || !value.Empty()) {
			return false
		}
	}
	return true
}
