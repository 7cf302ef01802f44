package p11_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/miekg/pkcs11"

	"github.com/kyso-vn/kyso/hsm"
	"github.com/kyso-vn/kyso/hsm/p11"
	"github.com/kyso-vn/kyso/internal/testkit/token"
)

// thief has the token PIN and talks to the module directly.
type thief struct {
	*pkcs11.Ctx
	s pkcs11.SessionHandle
}

// breakIn uses the login that p, a token of this process, already made.
func breakIn(t testing.TB, tok *token.Token) thief {
	t.Helper()
	lib := pkcs11.New(tok.Module)
	slots := must(lib.GetSlotList(true))(t)
	for _, slot := range slots {
		if info, err := lib.GetTokenInfo(slot); err == nil && info.Label == tok.Label {
			s := must(lib.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION))(t)
			t.Cleanup(func() { _ = lib.CloseSession(s) })
			return thief{lib, s}
		}
	}
	t.Fatalf("token %s is not there", tok.Label)
	return thief{}
}

func (x thief) find(t testing.TB, template ...*pkcs11.Attribute) []pkcs11.ObjectHandle {
	t.Helper()
	if err := x.FindObjectsInit(x.s, template); err != nil {
		t.Fatal(err)
	}
	found, _, err := x.FindObjects(x.s, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.FindObjectsFinal(x.s); err != nil {
		t.Fatal(err)
	}
	return found
}

func attr(typ uint, v any) *pkcs11.Attribute { return pkcs11.NewAttribute(typ, v) }

func mech(m uint, param any) []*pkcs11.Mechanism {
	return []*pkcs11.Mechanism{pkcs11.NewMechanism(m, param)}
}

// vault makes a token with one key of each kind, and someone who broke in. Its
// tests do not run in parallel: others initialise the module again.
func vault(t testing.TB) (*p11.Token, thief, hsm.WrappedKey) {
	t.Helper()
	ctx := context.Background()
	p, tok := open(t)
	if err := errors.Join(p.GenerateWrapKey(ctx, hsm.KeyRef{Label: "wrap"}), p.GenerateMACKey(ctx, hsm.KeyRef{Label: "mac"})); err != nil {
		t.Fatal(err)
	}
	must(p.GenerateKey(ctx, hsm.KeyRef{Label: "ca"}, hsm.P256))(t)
	return p, breakIn(t, tok), must(p.GenerateWrapped(ctx, hsm.KeyRef{Label: "wrap"}, hsm.P256))(t)
}

// TestThiefWithPINAndBlobGetsNoKey walks through hsm-pki's list of ways to a
// person's key for someone who has the token PIN and the wrapped blob.
func TestThiefWithPINAndBlobGetsNoKey(t *testing.T) {
	_, x, key := vault(t)
	wrap := x.find(t, attr(pkcs11.CKA_LABEL, "wrap"))[0]
	// proper is a template that unwraps; each attack changes one thing in it.
	proper := func(change map[uint]any) (list []*pkcs11.Attribute) {
		template := map[uint]any{pkcs11.CKA_CLASS: pkcs11.CKO_PRIVATE_KEY, pkcs11.CKA_KEY_TYPE: pkcs11.CKK_EC,
			pkcs11.CKA_TOKEN: false, pkcs11.CKA_PRIVATE: true, pkcs11.CKA_SENSITIVE: true, pkcs11.CKA_EXTRACTABLE: false, pkcs11.CKA_SIGN: true}
		maps.Copy(template, change)
		for typ, v := range template {
			if v != nil {
				list = append(list, attr(typ, v))
			}
		}
		return list
	}
	kwp := mech(pkcs11.CKM_AES_KEY_WRAP_PAD, nil)

	// 1. Unwrap into something that can be read or kept.
	for name, change := range map[string]map[uint]any{
		"extractable":            {pkcs11.CKA_EXTRACTABLE: true},
		"not sensitive":          {pkcs11.CKA_SENSITIVE: false},
		"both":                   {pkcs11.CKA_SENSITIVE: false, pkcs11.CKA_EXTRACTABLE: true},
		"kept":                   {pkcs11.CKA_TOKEN: true},
		"readable secret":        {pkcs11.CKA_CLASS: pkcs11.CKO_SECRET_KEY, pkcs11.CKA_KEY_TYPE: pkcs11.CKK_GENERIC_SECRET, pkcs11.CKA_EXTRACTABLE: true, pkcs11.CKA_SENSITIVE: false},
		"hidden secret":          {pkcs11.CKA_CLASS: pkcs11.CKO_SECRET_KEY, pkcs11.CKA_KEY_TYPE: pkcs11.CKK_GENERIC_SECRET},
		"extractable by silence": {pkcs11.CKA_EXTRACTABLE: nil, pkcs11.CKA_SENSITIVE: nil},
	} {
		if h, err := x.UnwrapKey(x.s, kwp, wrap, key.Blob, proper(change)); err == nil {
			if strings.HasSuffix(name, "silence") {
				assertSealed(t, x, "unwrapped key", h)
				continue
			}
			t.Errorf("unwrapped %s: object %d", name, h)
		}
	}

	// 2. By another mechanism, which would make an oracle of the wrapping key.
	iv := make([]byte, 16)
	for name, m := range map[string][]*pkcs11.Mechanism{
		"CBC": mech(pkcs11.CKM_AES_CBC, iv), "CBC_PAD": mech(pkcs11.CKM_AES_CBC_PAD, iv), "plain key wrap": mech(pkcs11.CKM_AES_KEY_WRAP, nil),
	} {
		_, err := x.UnwrapKey(x.s, m, wrap, key.Blob, proper(nil))
		if !errors.Is(err, pkcs11.Error(pkcs11.CKR_MECHANISM_INVALID)) {
			t.Errorf("unwrap by %s: %v", name, err)
		}
		secret := map[uint]any{pkcs11.CKA_CLASS: pkcs11.CKO_SECRET_KEY, pkcs11.CKA_KEY_TYPE: pkcs11.CKK_GENERIC_SECRET}
		if _, err := x.UnwrapKey(x.s, m, wrap, key.Blob, proper(secret)); !errors.Is(err, pkcs11.Error(pkcs11.CKR_MECHANISM_INVALID)) {
			t.Errorf("unwrap secret by %s: %v", name, err)
		}
	}
	for name, m := range map[string][]*pkcs11.Mechanism{"ECB": mech(pkcs11.CKM_AES_ECB, nil), "CBC": mech(pkcs11.CKM_AES_CBC, iv)} {
		if err := x.DecryptInit(x.s, m, wrap); err == nil {
			t.Errorf("wrapping key decrypts by %s", name)
		}
		if err := x.EncryptInit(x.s, m, wrap); err == nil {
			t.Errorf("wrapping key encrypts by %s", name)
		}
	}

	// 3. Unwrap as allowed, then read, wrap under a key of the thief, or copy.
	h := must(x.UnwrapKey(x.s, kwp, wrap, key.Blob, proper(nil)))(t)
	assertSealed(t, x, "unwrapped key", h)
}

func TestTokenKeysCannotBeReadWrappedCopiedOrChanged(t *testing.T) {
	_, x, _ := vault(t)
	for _, label := range []string{"wrap", "mac", "ca"} {
		for _, h := range x.find(t, attr(pkcs11.CKA_LABEL, label), attr(pkcs11.CKA_PRIVATE, true)) {
			assertSealed(t, x, label, h)
		}
	}
}

// assertSealed tries every way from a key object to its value.
func assertSealed(t *testing.T, x thief, name string, h pkcs11.ObjectHandle) {
	t.Helper()
	for _, typ := range []uint{pkcs11.CKA_VALUE, pkcs11.CKA_PRIVATE_EXPONENT, pkcs11.CKA_PRIME_1} {
		if v, err := x.GetAttributeValue(x.s, h, []*pkcs11.Attribute{attr(typ, nil)}); err == nil && len(v[0].Value) > 0 {
			t.Errorf("%s: value is readable by attribute 0x%X", name, typ)
		}
	}
	mine := must(x.GenerateKey(x.s, mech(pkcs11.CKM_AES_KEY_GEN, nil), []*pkcs11.Attribute{attr(pkcs11.CKA_TOKEN, false),
		attr(pkcs11.CKA_VALUE_LEN, 32), attr(pkcs11.CKA_WRAP, true), attr(pkcs11.CKA_DECRYPT, true)}))(t)
	for _, m := range []uint{pkcs11.CKM_AES_KEY_WRAP, pkcs11.CKM_AES_KEY_WRAP_PAD} {
		if _, err := x.WrapKey(x.s, mech(m, nil), mine, h); err == nil {
			t.Errorf("%s: wrapped under the thief's key by 0x%X", name, m)
		}
	}
	for _, typ := range []uint{pkcs11.CKA_EXTRACTABLE, pkcs11.CKA_DECRYPT, pkcs11.CKA_SIGN} {
		if err := x.SetAttributeValue(x.s, h, []*pkcs11.Attribute{attr(typ, true)}); err == nil && name != "unwrapped key" {
			t.Errorf("%s: attribute 0x%X was changed", name, typ)
		}
	}
	if err := x.SetAttributeValue(x.s, h, []*pkcs11.Attribute{attr(pkcs11.CKA_SENSITIVE, false)}); err == nil {
		t.Errorf("%s: made not sensitive", name)
	}
	for _, template := range [][]*pkcs11.Attribute{{attr(pkcs11.CKA_EXTRACTABLE, true)}, {attr(pkcs11.CKA_SENSITIVE, false)}} {
		if _, err := x.CopyObject(x.s, h, template); err == nil {
			t.Errorf("%s: copied with weaker attributes", name)
		}
	}
	if _, err := x.CopyObject(x.s, h, nil); err == nil && name != "unwrapped key" {
		t.Errorf("%s: copied", name)
	}
}

func TestNoSessionObjectsAreLeft(t *testing.T) {
	p, x, key := vault(t)
	before := len(x.find(t, attr(pkcs11.CKA_TOKEN, false)))
	d := sha256.Sum256(nil)
	for i := range 1000 {
		if _, err := p.SignWrapped(t.Context(), hsm.KeyRef{Label: "wrap"}, key, [][]byte{d[:]}, crypto.SHA256); err != nil {
			t.Fatal(err)
		}
		if i%100 == 0 { // refusals must clean up too
			other := key
			other.Blob = bytes.Clone(key.Blob)
			other.Blob[9] ^= 1
			if _, err := p.SignWrapped(t.Context(), hsm.KeyRef{Label: "wrap"}, other, [][]byte{d[:]}, crypto.SHA256); err == nil {
				t.Fatal("a changed blob signs")
			}
			must(p.GenerateWrapped(t.Context(), hsm.KeyRef{Label: "wrap"}, hsm.P256))(t)
		}
	}
	if after := len(x.find(t, attr(pkcs11.CKA_TOKEN, false))); after != before {
		t.Errorf("%d session objects before, %d after", before, after)
	}
}

func TestBadBlobsAreRefused(t *testing.T) {
	p, _, key := vault(t)
	if err := p.GenerateWrapKey(t.Context(), hsm.KeyRef{Label: "wrap-2"}); err != nil {
		t.Fatal(err)
	}
	d := [][]byte{digest(crypto.SHA256, "a")}
	blobs := map[string][]byte{"nil": nil, "empty": {}, "one byte": {1}, "cut": key.Blob[:40], "long": make([]byte, 5000),
		"zeros": make([]byte, 80), "doubled": append(bytes.Clone(key.Blob), key.Blob...)}
	for i := range 8 {
		b := bytes.Clone(key.Blob)
		b[i*10] ^= 0x80
		blobs["bit "+string(rune('0'+i))] = b
	}
	for name, blob := range blobs {
		bad := key
		bad.Blob = blob
		_, err := p.SignWrapped(t.Context(), hsm.KeyRef{Label: "wrap"}, bad, d, crypto.SHA256)
		if !errors.Is(err, hsm.ErrBlobInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := p.SignWrapped(t.Context(), hsm.KeyRef{Label: "wrap-2"}, key, d, crypto.SHA256); !errors.Is(err, hsm.ErrBlobInvalid) {
		t.Errorf("another wrapping key: %v", err)
	}
	other := must(p.GenerateWrapped(t.Context(), hsm.KeyRef{Label: "wrap"}, hsm.P256))(t)
	other.Blob = key.Blob
	if _, err := p.SignWrapped(t.Context(), hsm.KeyRef{Label: "wrap"}, other, d, crypto.SHA256); !errors.Is(err, hsm.ErrKeyMismatch) {
		t.Errorf("another public key: %v", err)
	}
	if _, err := p.SignWrapped(t.Context(), hsm.KeyRef{Label: "wrap"}, key, d, crypto.SHA256); err != nil {
		t.Errorf("the good key no longer signs: %v", err)
	}
}

func TestWrongPINIsTriedOnce(t *testing.T) {
	tok := token.New(t)
	cfg := p11.Config{Module: tok.Module, Label: tok.Label, PIN: "00000000"}
	_, err := p11.Open(t.Context(), cfg)
	if !errors.Is(err, hsm.ErrPINIncorrect) || strings.Contains(err.Error(), cfg.PIN) {
		t.Errorf("first login: %v", err)
	}
	openAgain(t, tok)
	// The module would not even look at the PIN of a second login.
	if _, err := p11.Open(t.Context(), cfg); !errors.Is(err, hsm.ErrPINIncorrect) {
		t.Errorf("second login: %v", err)
	}
}

func TestRefusedPINIsNotRetriedAfterALoss(t *testing.T) {
	p, tok := open(t)
	key := must(p.GenerateKey(t.Context(), hsm.KeyRef{Label: "k"}, hsm.P256))(t)
	x := breakIn(t, tok)
	if err := x.SetPIN(x.s, tok.PIN, "another-pin"); err != nil {
		t.Fatal(err)
	}
	open(t) // initialises the module again: every Token must log in again
	d := sha256.Sum256(nil)
	if _, err := key.Sign(nil, d[:], crypto.SHA256); !errors.Is(err, hsm.ErrPINIncorrect) {
		t.Fatalf("%v", err)
	}
	// The PIN is right again, but the Token must not find out.
	y := breakIn(t, tok)
	if err := y.Login(y.s, pkcs11.CKU_USER, "another-pin"); err != nil {
		t.Fatal(err)
	}
	if err := y.SetPIN(y.s, "another-pin", tok.PIN); err != nil {
		t.Fatal(err)
	}
	if _, err := key.Sign(nil, d[:], crypto.SHA256); !errors.Is(err, hsm.ErrPINIncorrect) {
		t.Errorf("the PIN was tried again: %v", err)
	}
	openAgain(t, tok)
}
