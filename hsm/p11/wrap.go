package p11

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"

	"github.com/kyso-vn/kyso/hsm"
)

// maxBlob is more than RSA-4096 takes, in bytes.
const maxBlob = 4096

// GenerateWrapped makes a key pair that exists on the token only during this
// call. EXTRACTABLE it must be until it is wrapped; MODIFIABLE it is not.
func (t *Token) GenerateWrapped(ctx context.Context, wrap hsm.KeyRef, alg hsm.Algorithm) (hsm.WrappedKey, error) {
	out := hsm.WrappedKey{Algorithm: alg}
	if !alg.Valid() {
		return out, &hsm.Error{Code: hsm.CodeUnsupported, Op: "generate key", Err: fmt.Errorf("algorithm %q", alg)}
	}
	public := keyPairPublic(alg)
	public[pkcs11.CKA_TOKEN] = false
	private := attributes{
		pkcs11.CKA_TOKEN: false, pkcs11.CKA_PRIVATE: true, pkcs11.CKA_SENSITIVE: true, pkcs11.CKA_EXTRACTABLE: true,
		pkcs11.CKA_MODIFIABLE: false, pkcs11.CKA_COPYABLE: false,
		pkcs11.CKA_SIGN: true, pkcs11.CKA_DECRYPT: false, pkcs11.CKA_UNWRAP: false, pkcs11.CKA_DERIVE: false,
	}
	err := t.again(ctx, "generate key under", wrap.String(), func(s *session) (err error) {
		// 1. The wrapping key.
		f, err := t.wrapHandle(s, wrap)
		if err != nil {
			return err
		}
		// 2. A key pair of this session.
		pub, priv, err := s.lib.GenerateKeyPair(s.h, keyPairMechanism(alg), public.list(), private.list())
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.destroy(pub), s.destroy(priv)) }()
		// 3. What leaves the token.
		if out.Public, err = s.readNew(pub, alg); err != nil {
			return err
		}
		out.Blob, err = s.lib.WrapKey(s.h, t.wrapMechanism(), f.h, priv)
		return err
	})
	if err != nil {
		return hsm.WrappedKey{}, err
	}
	return out, nil
}

func (t *Token) wrapMechanism() []*pkcs11.Mechanism {
	return []*pkcs11.Mechanism{pkcs11.NewMechanism(t.cfg.WrapMechanism, nil)}
}

func (t *Token) wrapHandle(s *session, wrap hsm.KeyRef) (*handle, error) {
	k, err := t.lookup(s, hsm.KindWrap, wrap)
	if err != nil {
		return nil, err
	}
	return t.handleOf(s, k)
}

// destroy ends a session object. An error spoils the session, whose closing
// destroys what is left in it.
func (s *session) destroy(h pkcs11.ObjectHandle) error {
	return s.lib.DestroyObject(s.h, h)
}

// SignWrapped unwraps key once, signs all digests in order and destroys it, in
// one session. Every value is then verified with key.Public.
func (t *Token) SignWrapped(ctx context.Context, wrap hsm.KeyRef, key hsm.WrappedKey, digests [][]byte, opts crypto.SignerOpts) ([][]byte, error) {
	if len(key.Blob) == 0 || len(key.Blob) > maxBlob || len(key.Blob)%8 != 0 {
		return nil, &hsm.Error{Code: hsm.CodeBlobInvalid, Op: "unwrap key under", Subject: wrap.String(),
			Err: fmt.Errorf("%d bytes", len(key.Blob))}
	}
	how, err := newMethod(key.Public, opts)
	if err != nil {
		return nil, err
	}
	if len(digests) == 0 {
		return nil, unsupported(errors.New("nothing to sign"))
	}
	for _, d := range digests {
		if len(d) != how.hash.Size() {
			return nil, unsupported(fmt.Errorf("digest of %d bytes for %v", len(d), how.hash))
		}
	}
	var values [][]byte
	err = t.again(ctx, "sign with key under", wrap.String(), func(s *session) (err error) {
		f, err := t.wrapHandle(s, wrap)
		if err != nil {
			return err
		}
		values, err = s.signWrapped(t.wrapMechanism(), f.h, key, digests, how)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, v := range values {
		if err := hsm.Verify(key.Public, digests[i], v, opts); err != nil {
			return nil, fmt.Errorf("key under %s: %w", wrap, err)
		}
	}
	return values, nil
}

// signWrapped is the part inside the token.
func (s *session) signWrapped(mechanism []*pkcs11.Mechanism, wrap pkcs11.ObjectHandle, key hsm.WrappedKey, digests [][]byte, how *method) (values [][]byte, err error) {
	// 1. Unwrap into an object of this session.
	typ := uint(pkcs11.CKK_EC)
	if key.Algorithm.RSABits() != 0 {
		typ = pkcs11.CKK_RSA
	}
	priv, err := s.lib.UnwrapKey(s.h, mechanism, wrap, key.Blob, attributes{
		pkcs11.CKA_CLASS: pkcs11.CKO_PRIVATE_KEY, pkcs11.CKA_KEY_TYPE: typ,
		pkcs11.CKA_TOKEN: false, pkcs11.CKA_PRIVATE: true, pkcs11.CKA_SENSITIVE: true, pkcs11.CKA_EXTRACTABLE: false,
		pkcs11.CKA_SIGN: true,
	}.list())
	if err != nil {
		return nil, s.unwrapFault(wrap, err)
	}
	defer func() { err = errors.Join(err, s.destroy(priv)) }()
	// 2. Sign all or nothing.
	for _, d := range digests {
		v, err := s.sign(how, priv, d)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

// unwrapFault words the ways in which modules refuse a blob that was changed or
// belongs to another key. SoftHSM says CKR_GENERAL_ERROR, as it does when the
// token is lost: a wrapping key that still answers tells the two apart.
func (s *session) unwrapFault(wrap pkcs11.ObjectHandle, err error) error {
	rv, ok := errors.AsType[pkcs11.Error](err)
	if !ok {
		return err
	}
	switch rv {
	case pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_FUNCTION_FAILED, pkcs11.CKR_ARGUMENTS_BAD:
		_, dead := s.lib.GetAttributeValue(s.h, wrap, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_ID, nil)})
		if dead != nil {
			return err
		}
	case pkcs11.CKR_WRAPPED_KEY_INVALID, pkcs11.CKR_WRAPPED_KEY_LEN_RANGE,
		pkcs11.CKR_ENCRYPTED_DATA_INVALID, pkcs11.CKR_ENCRYPTED_DATA_LEN_RANGE:
	default:
		return err
	}
	// Worded by its text: its class no longer matters, nor is the session spoilt.
	return &hsm.Error{Code: hsm.CodeBlobInvalid, Op: "unwrap key", Err: errors.New(err.Error())}
}
