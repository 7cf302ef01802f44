package p11

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"

	"github.com/kyso-vn/kyso/hsm"
)

// attributes is short for a template.
type attributes map[uint]any

func (a attributes) list() []*pkcs11.Attribute {
	list := make([]*pkcs11.Attribute, 0, len(a)+2) // room for arrays
	for typ, value := range a {
		list = append(list, pkcs11.NewAttribute(typ, value))
	}
	return list
}

// GenerateKey makes a key pair on the token: PRIVATE, SENSITIVE, never
// EXTRACTABLE, not MODIFIABLE, for signing only. The first signature is
// verified in software before the key is given out.
func (t *Token) GenerateKey(ctx context.Context, ref hsm.KeyRef, alg hsm.Algorithm) (hsm.Signer, error) {
	if !alg.Valid() {
		return nil, &hsm.Error{Code: hsm.CodeUnsupported, Op: "generate key", Subject: ref.String(), Err: fmt.Errorf("algorithm %q", alg)}
	}
	ref, err := t.make(ctx, hsm.KindSign, ref, func(s *session, ref hsm.KeyRef) error {
		public := keyPairPublic(alg)
		public[pkcs11.CKA_TOKEN] = true
		public[pkcs11.CKA_MODIFIABLE] = false
		public[pkcs11.CKA_LABEL] = ref.Label
		public[pkcs11.CKA_ID] = ref.ID
		_, _, err := s.lib.GenerateKeyPair(s.h, keyPairMechanism(alg), public.list(), attributes{
			pkcs11.CKA_TOKEN: true, pkcs11.CKA_PRIVATE: true, pkcs11.CKA_SENSITIVE: true, pkcs11.CKA_EXTRACTABLE: false,
			pkcs11.CKA_MODIFIABLE: false, pkcs11.CKA_COPYABLE: false,
			pkcs11.CKA_SIGN: true, pkcs11.CKA_DECRYPT: false, pkcs11.CKA_UNWRAP: false, pkcs11.CKA_DERIVE: false,
			pkcs11.CKA_LABEL: ref.Label, pkcs11.CKA_ID: ref.ID,
		}.list())
		return err
	})
	if err != nil {
		return nil, err
	}
	return t.Signer(ctx, ref)
}

// keyPairMechanism is the generator of an algorithm.
func keyPairMechanism(alg hsm.Algorithm) []*pkcs11.Mechanism {
	if alg.RSABits() != 0 {
		return []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN, nil)}
	}
	return []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_EC_KEY_PAIR_GEN, nil)}
}

// keyPairPublic is what every public key template says.
func keyPairPublic(alg hsm.Algorithm) attributes {
	a := attributes{pkcs11.CKA_PRIVATE: false, pkcs11.CKA_VERIFY: true,
		pkcs11.CKA_ENCRYPT: false, pkcs11.CKA_WRAP: false}
	if alg.RSABits() == 0 {
		a[pkcs11.CKA_EC_PARAMS] = curveOID(alg)
	} else {
		a[pkcs11.CKA_MODULUS_BITS] = alg.RSABits()
		a[pkcs11.CKA_PUBLIC_EXPONENT] = []byte{1, 0, 1}
	}
	return a
}

// secretKey is what every secret key template says; its uses are added.
func secretKey(ref hsm.KeyRef) attributes {
	return attributes{
		pkcs11.CKA_TOKEN: true, pkcs11.CKA_PRIVATE: true, pkcs11.CKA_SENSITIVE: true, pkcs11.CKA_EXTRACTABLE: false,
		pkcs11.CKA_MODIFIABLE: false, pkcs11.CKA_COPYABLE: false,
		pkcs11.CKA_ENCRYPT: false, pkcs11.CKA_DECRYPT: false, pkcs11.CKA_SIGN: false, pkcs11.CKA_VERIFY: false,
		pkcs11.CKA_WRAP: false, pkcs11.CKA_UNWRAP: false, pkcs11.CKA_DERIVE: false,
		pkcs11.CKA_VALUE_LEN: 32, pkcs11.CKA_LABEL: ref.Label, pkcs11.CKA_ID: ref.ID,
	}
}

// GenerateWrapKey makes an AES-256 key that does nothing but wrap and unwrap by
// the wrap mechanism. CKA_UNWRAP_TEMPLATE makes the token itself refuse to
// unwrap into a key that could be extracted or kept, which not being
// extractable itself would not; a second mechanism (CBC) would make the token a
// padding oracle for blobs, so CKA_ALLOWED_MECHANISMS names the only one.
//
// Not CKA_TRUSTED: SoftHSM makes such keys only public.
func (t *Token) GenerateWrapKey(ctx context.Context, ref hsm.KeyRef) error {
	_, err := t.make(ctx, hsm.KindWrap, ref, func(s *session, ref hsm.KeyRef) error {
		template := secretKey(ref)
		template[pkcs11.CKA_WRAP] = true
		template[pkcs11.CKA_UNWRAP] = true
		unwrap, free := nested(pkcs11.CKA_UNWRAP_TEMPLATE, unwrapLimits.list())
		defer free()
		list := append(template.list(), unwrap, mechanismList(t.cfg.WrapMechanism))
		_, err := s.lib.GenerateKey(s.h, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)}, list)
		return err
	})
	return err
}

// unwrapLimits is the CKA_UNWRAP_TEMPLATE of a wrapping key. The class is in it
// so that no blob becomes a secret key, which some modules cut to a length that
// can be guessed.
var unwrapLimits = attributes{pkcs11.CKA_CLASS: pkcs11.CKO_PRIVATE_KEY, pkcs11.CKA_SENSITIVE: true,
	pkcs11.CKA_EXTRACTABLE: false, pkcs11.CKA_TOKEN: false, pkcs11.CKA_SIGN: true}

// GenerateMACKey makes a 256-bit secret that only computes HMAC-SHA-256.
func (t *Token) GenerateMACKey(ctx context.Context, ref hsm.KeyRef) error {
	_, err := t.make(ctx, hsm.KindMAC, ref, func(s *session, ref hsm.KeyRef) error {
		template := secretKey(ref)
		template[pkcs11.CKA_KEY_TYPE] = pkcs11.CKK_GENERIC_SECRET
		template[pkcs11.CKA_SIGN] = true
		list := append(template.list(), mechanismList(pkcs11.CKM_SHA256_HMAC))
		_, err := s.lib.GenerateKey(s.h,
			[]*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_GENERIC_SECRET_KEY_GEN, nil)}, list)
		return err
	})
	return err
}

// make completes the name, refuses one that is taken, and runs generate in a
// session that writes. It is not repeated on errors: the key may be there.
func (t *Token) make(ctx context.Context, kind hsm.Kind, ref hsm.KeyRef, generate func(*session, hsm.KeyRef) error) (hsm.KeyRef, error) {
	if ref.Label == "" {
		return ref, &hsm.Error{Code: hsm.CodeUnsupported, Op: "generate key", Err: errors.New("a new key needs a label")}
	}
	if len(ref.ID) == 0 {
		ref.ID = make([]byte, 16)
		rand.Read(ref.ID) // never fails
	}
	err := t.withWriter(ctx, "generate key", ref.String(), func(s *session) error {
		for _, name := range []hsm.KeyRef{{Label: ref.Label}, {ID: ref.ID}} {
			taken, err := s.search(kindTemplate(kind), name, 1)
			if err != nil {
				return err
			}
			if len(taken) != 0 {
				return &hsm.Error{Code: hsm.CodeKeyExists, Op: "generate key", Subject: name.String()}
			}
		}
		return generate(s, ref)
	})
	return ref, err
}
