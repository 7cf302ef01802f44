package p11

import (
	"fmt"

	"github.com/miekg/pkcs11"

	"github.com/kyso-vn/kyso/hsm"
)

// need is a mechanism that custody cannot do without, and what for.
type need struct {
	mechanism uint
	flags     uint
	name      string
}

// custody lists the mechanisms for making and keeping people's keys. RSA is
// not among them: a token without it still serves P-256.
func (t *Token) custody() []need {
	return []need{
		{pkcs11.CKM_EC_KEY_PAIR_GEN, pkcs11.CKF_GENERATE_KEY_PAIR, "CKM_EC_KEY_PAIR_GEN"},
		{pkcs11.CKM_ECDSA, pkcs11.CKF_SIGN, "CKM_ECDSA"},
		{pkcs11.CKM_AES_KEY_GEN, pkcs11.CKF_GENERATE, "CKM_AES_KEY_GEN"},
		{t.cfg.WrapMechanism, pkcs11.CKF_WRAP | pkcs11.CKF_UNWRAP, "AES key wrap with padding"},
		{pkcs11.CKM_GENERIC_SECRET_KEY_GEN, pkcs11.CKF_GENERATE, "CKM_GENERIC_SECRET_KEY_GEN"},
		{pkcs11.CKM_SHA256_HMAC, pkcs11.CKF_SIGN, "CKM_SHA256_HMAC"},
	}
}

// checkMechanisms refuses a token that lacks one, by name.
func (t *Token) checkMechanisms(slot uint) error {
	if t.cfg.SignOnly {
		return nil
	}
	for _, n := range t.custody() {
		info, err := t.m.lib.GetMechanismInfo(slot, []*pkcs11.Mechanism{pkcs11.NewMechanism(n.mechanism, nil)})
		if err == nil && info.Flags&n.flags == n.flags {
			continue
		}
		return &hsm.Error{Code: hsm.CodeMechanismMissing, Op: "check token", Subject: t.cfg.Label,
			Err: fmt.Errorf("%s (0x%X) is missing or cannot do flags 0x%X", n.name, n.mechanism, n.flags)}
	}
	return nil
}
