package p11

import (
	"context"

	"github.com/miekg/pkcs11"

	"github.com/kyso-vn/kyso/hsm"
)

// MAC is HMAC-SHA-256 (RFC 2104) of data under a key made by GenerateMACKey.
func (t *Token) MAC(ctx context.Context, ref hsm.KeyRef, data []byte) (sum []byte, err error) {
	err = t.again(ctx, "compute MAC with", ref.String(), func(s *session) error {
		k, err := t.lookup(s, hsm.KindMAC, ref)
		if err != nil {
			return err
		}
		f, err := t.handleOf(s, k)
		if err != nil {
			return err
		}
		sum, err = s.mac(f.h, data)
		return err
	})
	return sum, err
}

func (s *session) mac(key pkcs11.ObjectHandle, data []byte) ([]byte, error) {
	if err := s.lib.SignInit(s.h, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_SHA256_HMAC, nil)}, key); err != nil {
		return nil, err
	}
	return s.lib.Sign(s.h, data)
}
