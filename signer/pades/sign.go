package pades

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/signer"
)

// Sign signs a file with a key at hand, at any level, and writes the signed file to out. The
// input is read to its end once: it goes to out while it is hashed, and the updates follow.
// After an error what was written to out is no document.
//
// The key is a crypto.Signer; pki.ContextSigner and crypto.MessageSigner are honoured. a
// matters for levels above B-B; its Field and Password are those of o.
func Sign(ctx context.Context, in Source, o Options, key crypto.Signer, level signer.Level, a AugmentOptions, out io.Writer) (signer.Result, error) {
	// 1. What will sign, and whether it may.
	if level == signer.LevelNone {
		level = signer.LevelB
	}
	if o.SigningTime.IsZero() {
		o.SigningTime = a.now()
	}
	if err := checkSigner(&o, key); err != nil {
		return signer.Result{}, err
	}
	if level >= signer.LevelT && a.TSA == nil {
		return signer.Result{}, refuse(CodeTSAMissing, "level %s needs a time-stamp authority", level)
	}
	// 2. The signature, while the input goes to out.
	s := &stack{base: in, out: out, copied: true}
	if level > signer.LevelB {
		s.sum = sha256.New()
	} else {
		o.TimestampRoom = -1
	}
	p, err := prepare(ctx, in, o, s.writer())
	if err != nil {
		return signer.Result{}, err
	}
	value, err := signValue(ctx, key, p)
	if err != nil {
		return signer.Result{}, err
	}
	// 3. Its time-stamp; one that outgrows its room becomes a document time-stamp below.
	var authority Timestamper
	if level >= signer.LevelT {
		authority = a.TSA
	}
	reached, err := p.fill(ctx, value, authority)
	if authority != nil && signer.CodeOf(err) == signer.CodeCMSTooLarge {
		reached, err = p.fill(ctx, value, nil)
	}
	if err != nil {
		return signer.Result{}, err
	}
	if err := s.add(ctx, p.Increment); err != nil {
		return signer.Result{}, err
	}
	// 4. The updates of higher levels.
	if level > reached {
		a.Field, a.Password = p.Field.Name, o.Password
		if _, err := raise(ctx, s, level, &a); err != nil {
			return signer.Result{}, err
		}
	}
	return signer.Result{Field: p.Field, Level: level, Time: p.Time, Bytes: s.Size()}, s.finish(ctx)
}

// checkSigner refuses a key that is not the certificate's, and a certificate out of its time.
func checkSigner(o *Options, key crypto.Signer) error {
	cert := o.certificate()
	if cert == nil {
		return refuse(CodeKeyMismatch, "there is no certificate to sign with")
	}
	pub, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !pub.Equal(cms.PublicKey(cert)) {
		return refuse(CodeKeyMismatch, "the key is not that of the certificate")
	}
	return CheckPeriod(o)
}

// CheckPeriod refuses, with CodeExpired, a certificate that is not valid at the time of
// signing.
func CheckPeriod(o *Options) error {
	cert := o.certificate()
	if at := o.SigningTime; at.Before(cert.NotBefore) || at.After(cert.NotAfter) {
		return refuse(CodeExpired, "the certificate is valid from %s to %s only",
			cert.NotBefore.Format("2006-01-02 15:04:05Z07:00"), cert.NotAfter.Format("2006-01-02 15:04:05Z07:00"))
	}
	return nil
}

// signValue has the key sign the signed attributes.
func signValue(ctx context.Context, key crypto.Signer, p *Prepared) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var value []byte
	var err error
	if k, ok := key.(pki.ContextSigner); ok {
		value, err = k.SignMessageContext(ctx, rand.Reader, p.SignedAttrs(), p.SignerOpts())
	} else {
		value, err = crypto.SignMessage(key, rand.Reader, p.SignedAttrs(), p.SignerOpts())
	}
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return value, nil
}
