package p11

import (
	"bytes"
	"context"
	"crypto"
	"crypto/hmac"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/miekg/pkcs11"

	"github.com/kyso-vn/kyso/hsm"
)

// keyCache remembers keys by what the caller calls them, so that no operation
// searches the token (C_FindObjects takes 137 ms among 10,000 objects).
type keyCache struct {
	mu     sync.Mutex
	byName map[string]*key
}

// key is a token key that was found once. Its identity is fixed then; its
// handle is found again for every epoch.
type key struct {
	kind hsm.Kind
	ref  hsm.KeyRef // both label and ID, as the token has them
	pub  crypto.PublicKey
	alg  hsm.Algorithm
	// probe is a MAC key's answer to a fixed question: it tells two keys apart
	// that have no public key.
	probe []byte

	found atomic.Pointer[handle]
}

// handle is where a key is in one epoch.
type handle struct {
	epoch      uint64
	generation uint64
	h          pkcs11.ObjectHandle
	verified   atomic.Bool // one signature of this handle was checked in software
}

// lookup gives the cached key of that name, or finds it. Keys that are not
// there are not cached.
func (t *Token) lookup(s *session, kind hsm.Kind, ref hsm.KeyRef) (*key, error) {
	name := fmt.Sprintf("%d %x %s", kind, ref.ID, ref.Label)
	t.keys.mu.Lock()
	k := t.keys.byName[name]
	t.keys.mu.Unlock()
	if k != nil {
		return k, nil
	}
	k, err := s.find(kind, ref)
	if err != nil {
		return nil, err
	}
	t.keys.mu.Lock()
	defer t.keys.mu.Unlock()
	if other := t.keys.byName[name]; other != nil {
		return other, nil
	}
	if t.keys.byName == nil {
		t.keys.byName = map[string]*key{}
	}
	t.keys.byName[name] = k
	return k, nil
}

// handleOf gives k's handle in the session's epoch. A key found again must be
// the same one: same ID, same public key or same probe.
func (t *Token) handleOf(s *session, k *key) (*handle, error) {
	if f := k.found.Load(); f != nil && f.epoch == s.at.epoch {
		return f, nil
	}
	now, err := s.find(k.kind, k.ref)
	if errors.Is(err, hsm.ErrKeyNotFound) {
		// It was there in this generation: rather the token went away than the key.
		if f := k.found.Load(); f != nil && f.generation == s.at.generation {
			t.m.heal.lost(t.cfg.Now(), s.at.generation)
			return nil, unavailable(firstPause, err)
		}
	}
	if err != nil {
		return nil, err
	}
	same := bytes.Equal(k.ref.ID, now.ref.ID) && k.ref.Label == now.ref.Label && hmac.Equal(k.probe, now.probe)
	if same && k.pub != nil {
		same = samePublic(k.pub, now.pub)
	}
	if !same {
		return nil, &hsm.Error{Code: hsm.CodeKeyMismatch, Op: "find key again", Subject: k.ref.String(),
			Err: errors.New("another key has its name now")}
	}
	f := now.found.Load()
	k.found.Store(f)
	return f, nil
}

func samePublic(a, b crypto.PublicKey) bool {
	e, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && e.Equal(b)
}

// kindTemplate says which token objects are keys of a kind.
func kindTemplate(kind hsm.Kind) []*pkcs11.Attribute {
	token := pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true)
	switch kind {
	case hsm.KindWrap:
		return []*pkcs11.Attribute{token, pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
			pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_AES)}
	case hsm.KindMAC:
		return []*pkcs11.Attribute{token, pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
			pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_GENERIC_SECRET)}
	}
	return []*pkcs11.Attribute{token, pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY)}
}

// search lists the objects that match, at most max+1 of them.
func (s *session) search(template []*pkcs11.Attribute, ref hsm.KeyRef, max int) ([]pkcs11.ObjectHandle, error) {
	if ref.Label != "" {
		template = append(template, pkcs11.NewAttribute(pkcs11.CKA_LABEL, ref.Label))
	}
	if len(ref.ID) != 0 {
		template = append(template, pkcs11.NewAttribute(pkcs11.CKA_ID, ref.ID))
	}
	if err := s.lib.FindObjectsInit(s.h, template); err != nil {
		return nil, err
	}
	found, _, err := s.lib.FindObjects(s.h, max+1)
	if end := s.lib.FindObjectsFinal(s.h); err == nil {
		err = end
	}
	return found, err
}

// find looks for exactly one key and reads what identifies it.
func (s *session) find(kind hsm.Kind, ref hsm.KeyRef) (*key, error) {
	if ref.IsZero() {
		return nil, &hsm.Error{Code: hsm.CodeKeyNotFound, Op: "find key", Err: errors.New("neither label nor ID given")}
	}
	found, err := s.search(kindTemplate(kind), ref, 1)
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		code := hsm.CodeKeyNotFound
		if len(found) > 1 {
			code = hsm.CodeKeyAmbiguous
		}
		return nil, &hsm.Error{Code: code, Op: "find key", Subject: ref.String()}
	}
	k := &key{kind: kind}
	k.found.Store(&handle{epoch: s.at.epoch, generation: s.at.generation, h: found[0]})
	v, err := s.attributes(found[0], pkcs11.CKA_LABEL, pkcs11.CKA_ID)
	if err != nil {
		return nil, err
	}
	k.ref = hsm.KeyRef{Label: string(v[0]), ID: v[1]}
	switch kind {
	case hsm.KindSign:
		if k.pub, err = s.publicOf(found[0], k.ref); err == nil {
			k.alg, err = hsm.AlgorithmOf(k.pub)
		}
	case hsm.KindMAC:
		k.probe, err = s.mac(found[0], []byte("kyso: which key is this?"))
	}
	if err != nil {
		return nil, err
	}
	return k, nil
}

// Has tells whether the token holds exactly one key of this kind and name.
func (t *Token) Has(ctx context.Context, kind hsm.Kind, ref hsm.KeyRef) (bool, error) {
	err := t.again(ctx, "find key", ref.String(), func(s *session) error {
		_, err := s.find(kind, ref)
		return err
	})
	if errors.Is(err, hsm.ErrKeyNotFound) {
		return false, nil
	}
	return err == nil, err
}
