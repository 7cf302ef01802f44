package agent

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"io"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/kyso-vn/kyso/hsm"
	"github.com/kyso-vn/kyso/pki"
)

// serviceSign bounds one signature of a service key, the look-up of its draft included.
const serviceSign = 30 * time.Second

// Service implements Agent.
func (l *Local) Service(ctx context.Context, key string, purpose Purpose) (crypto.Signer, error) {
	form, ok := forms[purpose]
	if !ok {
		return nil, ErrPurpose
	}
	s, err := l.token.Signer(ctx, hsm.KeyRef{Label: key})
	if err != nil {
		return nil, unavailable(err)
	}
	return &serviceSigner{agent: l, key: key, purpose: purpose, form: form, signer: hsm.Checked(s)}, nil
}

// serviceSigner signs whole messages that have the form of its purpose.
type serviceSigner struct {
	agent   *Local
	key     string
	purpose Purpose
	form    func(msg []byte) bool
	signer  hsm.Signer
}

var (
	_ crypto.MessageSigner = (*serviceSigner)(nil)
	_ pki.ContextSigner    = (*serviceSigner)(nil)
)

// Public implements crypto.Signer.
func (s *serviceSigner) Public() crypto.PublicKey { return s.signer.Public() }

// Sign implements crypto.Signer and always refuses: a digest does not show what it is of.
func (s *serviceSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, ErrPurpose
}

// SignMessage implements crypto.MessageSigner, without a caller's context.
func (s *serviceSigner) SignMessage(rand io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.SignMessageContext(context.Background(), rand, msg, opts)
}

// SignMessageContext implements pki.ContextSigner. The value is verified in software before
// it leaves.
func (s *serviceSigner) SignMessageContext(ctx context.Context, _ io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, serviceSign)
	defer cancel()
	if !s.form(msg) || !opts.HashFunc().Available() {
		return nil, ErrPurpose
	}
	if s.purpose == PurposeCA {
		hash := sha256.Sum256(msg)
		ok, err := s.agent.store.DraftRecorded(ctx, s.key, hash[:])
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, ErrNotRecorded
		}
	}
	h := opts.HashFunc().New()
	h.Write(msg)
	sig, err := s.signer.SignContext(ctx, h.Sum(nil), opts)
	return sig, unavailable(err)
}

// forms tell whether a message is of a purpose. They are no parsers: they keep one purpose
// from being used for another.
var forms = map[Purpose]func([]byte) bool{
	PurposeCA:         isSequence, // and its draft is recorded
	PurposeOCSP:       isResponseData,
	PurposeTSA:        isTSTAttributes,
	PurposeCheckpoint: isCheckpoint,
}

func isSequence(msg []byte) bool {
	in := cryptobyte.String(msg)
	var body cryptobyte.String
	return in.ReadASN1(&body, asn1.SEQUENCE) && in.Empty()
}

// isResponseData recognises
//
//	ResponseData ::= SEQUENCE {
//	   version          [0] EXPLICIT Version DEFAULT v1,
//	   responderID      CHOICE { byName [1] Name, byKey [2] KeyHash },
//	   producedAt       GeneralizedTime, … }     -- RFC 6960, Section 4.2.1
func isResponseData(msg []byte) bool {
	in := cryptobyte.String(msg)
	var body, id cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() {
		return false
	}
	body.SkipOptionalASN1(asn1.Tag(0).ContextSpecific().Constructed())
	var tag asn1.Tag
	if !body.ReadAnyASN1(&id, &tag) || (tag != asn1.Tag(1).ContextSpecific().Constructed() && tag != asn1.Tag(2).ContextSpecific().Constructed()) {
		return false
	}
	return body.PeekASN1Tag(asn1.GeneralizedTime)
}

// oidTSTInfo is id-ct-TSTInfo 1.2.840.113549.1.9.16.1.4, DER (RFC 3161, Section 2.4.2).
var oidTSTInfo = []byte{0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04}

// isTSTAttributes recognises the SET OF signed attributes of a time-stamp token, by its
// content-type attribute 1.2.840.113549.1.9.3 (RFC 5652, Section 11.1).
func isTSTAttributes(msg []byte) bool {
	in := cryptobyte.String(msg)
	var set cryptobyte.String
	if !in.ReadASN1(&set, asn1.SET) || !in.Empty() {
		return false
	}
	contentType := append([]byte{0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03, 0x31, 0x0d}, oidTSTInfo...)
	for !set.Empty() {
		var attr cryptobyte.String
		if !set.ReadASN1Element(&attr, asn1.SEQUENCE) {
			return false
		}
		if bytes.Equal(attr, contentType) {
			return true
		}
	}
	return false
}

// isCheckpoint recognises the text of a signed note of our log (C2SP tlog-checkpoint).
func isCheckpoint(msg []byte) bool { return bytes.HasPrefix(msg, []byte("kyso.log/")) }
