package tsa

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"time"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/cms"
)

// ServerOptions describe an authority. Certificate, Signer and Policy are
// required.
type ServerOptions struct {
	Certificate *x509.Certificate   // EKU critical and only timeStamping
	Chain       []*x509.Certificate // put into tokens when the request asks for certificates
	Signer      crypto.Signer       // pki.ContextSigner and crypto.MessageSigner are honoured
	Scheme      cms.Scheme          // "" = by the key; openssl ts can't verify PSS tokens
	Hash        crypto.Hash         // of the token's own signature; 0 = by the key

	Policy   asn1.ObjectIdentifier   // of requests that name none
	Policies []asn1.ObjectIdentifier // others that may be asked for
	Accuracy time.Duration           // 0 = one second (EN 319 422, Section 5.2.2)

	Now func() time.Time // nil = time.Now

	// ClockCheck refuses when the clock can't be relied on: no token is made
	// then, and requests are answered with timeNotAvailable. nil = always good.
	ClockCheck func() error

	// Observe, if set, is told of every answer; it must be quick and safe for
	// concurrent use.
	Observe func(ctx context.Context, o Outcome)
}

// Outcome is what became of one request.
type Outcome struct {
	Info    *Info   // of the token made; nil when refused
	Failure Failure // "" when a token was made
	Err     error   // why; nil when a token was made
}

// Server is a time-stamp authority. It is safe for concurrent use.
type Server struct {
	o        ServerOptions
	with     *cms.Template // certificates inside
	without  *cms.Template
	accepted []asn1.ObjectIdentifier
}

// NewServer checks that certificate, key and options belong together.
func NewServer(o ServerOptions) (*Server, error) {
	if o.Certificate == nil || o.Signer == nil || len(o.Policy) == 0 {
		return nil, fail(ErrArgument, "certificate, signer and policy are required")
	}
	if err := CheckUsage(o.Certificate); err != nil {
		return nil, err
	}
	key, ok := o.Signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !key.Equal(cms.PublicKey(o.Certificate)) {
		return nil, fail(ErrCertificate, "the certificate is not for the signer's key")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Accuracy == 0 {
		o.Accuracy = time.Second
	}
	s := &Server{o: o, accepted: append([]asn1.ObjectIdentifier{o.Policy}, o.Policies...)}
	opts := cms.Options{
		Certificate: o.Certificate, Chain: o.Chain, Scheme: o.Scheme, Hash: o.Hash, ContentType: OIDTSTInfo,
	}
	var err error
	if s.with, err = cms.NewTemplate(opts); err != nil {
		return nil, failErr(ErrCertificate, err, "time-stamp certificate")
	}
	opts.OmitCertificates = true
	if s.without, err = cms.NewTemplate(opts); err != nil {
		return nil, failErr(ErrCertificate, err, "time-stamp certificate")
	}
	return s, nil
}

// Timestamp stamps a digest in process and returns the token with certificates.
func (s *Server) Timestamp(ctx context.Context, hash crypto.Hash, digest []byte) ([]byte, error) {
	req := &Request{Hash: hash, HashOID: cms.HashOID(hash), Digest: digest, CertReq: true}
	token, o := s.stamp(ctx, req)
	s.observe(ctx, o)
	return token, o.Err
}

// Respond answers a TimeStampReq. There is always a response to send, DER, also
// when the request was refused: Outcome says why.
func (s *Server) Respond(ctx context.Context, request []byte) ([]byte, Outcome) {
	var token []byte
	var o Outcome
	req, err := ParseRequest(request)
	if err != nil {
		o = Outcome{Failure: BadDataFormat, Err: err}
	} else {
		token, o = s.stamp(ctx, req)
	}
	resp := &Response{Status: statusGranted, Token: token}
	if o.Err != nil {
		resp = &Response{Status: statusRejection, Failure: o.Failure, Text: refusalText(o.Failure)}
	}
	der, err := resp.Marshal()
	if err != nil {
		// Can't happen for values of ours; a refusal without text is left.
		o = Outcome{Failure: SystemFailure, Err: err}
		der = []byte{0x30, 0x05, 0x30, 0x03, 0x02, 0x01, statusRejection}
	}
	s.observe(ctx, o)
	return der, o
}

func (s *Server) observe(ctx context.Context, o Outcome) {
	if s.o.Observe != nil {
		s.o.Observe(ctx, o)
	}
}

// stamp makes a token or says why not. The time is read once, after the
// request was found good and right before signing.
func (s *Server) stamp(ctx context.Context, req *Request) ([]byte, Outcome) {
	refuse := func(f Failure, err error) ([]byte, Outcome) { return nil, Outcome{Failure: f, Err: err} }

	// 1. May this be stamped?
	if !strong(req.Hash) {
		return refuse(BadAlg, fail(ErrImprint, "hash algorithm %s", req.HashOID))
	}
	if len(req.Digest) != req.Hash.Size() {
		return refuse(BadDataFormat, fail(ErrImprint, "digest of %d bytes for %v", len(req.Digest), req.Hash))
	}
	policy := s.o.Policy
	if req.Policy != nil {
		if !slices.ContainsFunc(s.accepted, req.Policy.Equal) {
			return refuse(UnacceptedPolicy, fail(ErrPolicy, "policy %s", req.Policy))
		}
		policy = req.Policy
	}
	if req.HasExtensions {
		return refuse(UnacceptedExtension, fail(ErrExtension, "extensions in the request"))
	}

	// 2. What time is it?
	if s.o.ClockCheck != nil {
		if err := s.o.ClockCheck(); err != nil {
			return refuse(TimeNotAvailable, failErr(ErrUnavailable, err, "clock"))
		}
	}
	now := s.o.Now().UTC().Truncate(time.Second)
	if now.Before(s.o.Certificate.NotBefore) || now.After(s.o.Certificate.NotAfter) {
		return refuse(SystemFailure, fail(ErrGenTime, "the authority's certificate is not valid now"))
	}

	// 3. Say it and sign it.
	serial, err := pki.NewSerial(rand.Reader)
	if err != nil {
		return refuse(SystemFailure, failErr(ErrUnavailable, err, "serial number"))
	}
	info := &Info{
		Policy: policy, Hash: req.Hash, HashOID: req.HashOID, Digest: req.Digest, Serial: serial.Big(),
		GenTime: now, Accuracy: s.o.Accuracy, Nonce: req.Nonce,
	}
	tmpl := s.without
	if req.CertReq {
		tmpl = s.with
	}
	token, err := s.sign(ctx, tmpl, info)
	if err != nil {
		return refuse(SystemFailure, failErr(ErrUnavailable, err, "signing a time-stamp"))
	}
	return token, Outcome{Info: info}
}

// sign makes the token and verifies its signature in software before it leaves.
func (s *Server) sign(ctx context.Context, tmpl *cms.Template, info *Info) ([]byte, error) {
	content, err := marshalInfo(info)
	if err != nil {
		return nil, err
	}
	draft, err := tmpl.DraftContent(content)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var value []byte
	if signer, ok := s.o.Signer.(pki.ContextSigner); ok {
		value, err = signer.SignMessageContext(ctx, rand.Reader, draft.SignedAttrs(), draft.SignerOpts())
	} else {
		value, err = crypto.SignMessage(s.o.Signer, rand.Reader, draft.SignedAttrs(), draft.SignerOpts())
	}
	if err != nil {
		return nil, err
	}
	if err := draft.CheckSignature(value); err != nil {
		return nil, err
	}
	return draft.Assemble(value)
}

// refusalText is the statusString of a refusal. It tells nothing of our inside.
func refusalText(f Failure) string {
	switch f {
	case BadAlg:
		return "the hash algorithm is not accepted: use SHA-256, SHA-384 or SHA-512"
	case BadDataFormat:
		return "the request is not a well-formed TimeStampReq"
	case UnacceptedPolicy:
		return "the policy is not served here"
	case UnacceptedExtension:
		return "extensions are not accepted"
	case TimeNotAvailable:
		return "the time source is not available"
	}
	return "no time-stamp can be made now"
}
