package api

import (
	"context"
	"crypto"
	"net/http"
	"time"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/signing"
)

// credential is a key that the caller may sign with, and its certificate.
type credential struct {
	CredentialID  string    `json:"credential_id"`
	CertificateID string    `json:"certificate_id"`
	Kind          string    `json:"kind"`
	UnitID        string    `json:"unit_id"`
	Status        string    `json:"status"` // good, hold, revoked
	Activated     bool      `json:"activated"`
	NeedsPIN      bool      `json:"needs_pin"` // a seal is opened by role
	Name          string    `json:"name"`
	Issuer        string    `json:"issuer"`
	Serial        string    `json:"serial"` // lower-case hexadecimal
	NotBefore     time.Time `json:"not_before"`
	NotAfter      time.Time `json:"not_after"`
}

type credentials struct {
	Items []credential `json:"items"`
}

// newPIN replaces a PIN.
type newPIN struct {
	OldPIN string `json:"old_pin"`
	NewPIN string `json:"new_pin"`
}

type changed struct {
	CredentialID string `json:"credential_id"`
}

// hashes are signed raw with a SAD that was given for exactly these.
type hashes struct {
	CredentialID  string   `json:"credential_id"`
	SAD           string   `json:"sad"`
	Hashes        [][]byte `json:"hashes"`
	HashAlgorithm string   `json:"hash_algorithm,omitempty"`
}

type signatures struct {
	// Signatures are in the order of the hashes: DER ECDSA-Sig-Value, or the raw RSA value.
	Signatures [][]byte `json:"signatures"`
}

func (a *api) credentials() {
	const tag = "credentials"
	get(a, route{path: "/credentials", tag: tag, summary: "List what the caller may sign with"},
		func(ctx context.Context, _ *struct{}) (credentials, error) {
			list, err := a.Signing.Credentials(ctx)
			out := credentials{Items: []credential{}}
			for _, c := range list {
				leaf, _, perr := c.Parse()
				if perr != nil {
					return out, perr
				}
				out.Items = append(out.Items, credential{CredentialID: c.CredentialID, CertificateID: c.ID, Kind: c.Kind, UnitID: c.UnitID,
					Status: c.Status, Activated: c.Activated, NeedsPIN: !c.Seal(), Name: leaf.Subject.CommonName, Issuer: leaf.Issuer.CommonName,
					Serial: leaf.SerialNumber.Text(16), NotBefore: c.NotBefore, NotAfter: c.NotAfter})
			}
			return out, err
		})
	post(a, route{path: "/credentials/{id}/pin", tag: tag, summary: "Change the PIN"},
		func(ctx context.Context, p *byID, b newPIN) (changed, error) {
			return changed{p.ID}, a.PINs.ChangePIN(ctx, p.ID, b.OldPIN, b.NewPIN)
		})
	post(a, route{path: "/signatures", tag: "signing", status: http.StatusCreated, summary: "Sign hashes with a SAD that was given for them"},
		func(ctx context.Context, _ *struct{}, b hashes) (signatures, error) { return a.signHashes(ctx, b) })
}

// hashAlgorithms are those of contract's hash_algorithm; 0 is for a name that is none.
func hashAlgorithm(name string) crypto.Hash {
	switch name {
	case "", "SHA256":
		return crypto.SHA256
	case "SHA384":
		return crypto.SHA384
	case "SHA512":
		return crypto.SHA512
	}
	return 0
}

func (b hashes) request() signing.Request {
	return signing.Request{CredentialID: b.CredentialID, Verb: auth.HashSign, Hashes: b.Hashes, HashAlg: hashAlgorithm(b.HashAlgorithm),
		Object: "credential:" + b.CredentialID}
}

func (a *api) authorizeHashes(ctx context.Context, b authorization) (authorized, error) {
	if len(b.Documents) > 0 {
		return authorized{}, signing.ErrHashes // one or the other
	}
	r := hashes{CredentialID: b.CredentialID, Hashes: b.Hashes, HashAlgorithm: b.HashAlgorithm}.request()
	r.PIN, r.OTP = b.PIN, b.OTP
	g, err := a.Signing.Authorize(ctx, r)
	return authorized{SAD: g.SAD, ExpiresAt: g.ExpiresAt}, err
}

// signHashes releases values only after the certificate's status was read again: whoever was
// told of a revocation before that gets none.
func (a *api) signHashes(ctx context.Context, b hashes) (signatures, error) {
	if b.SAD == "" {
		return signatures{}, errSAD
	}
	r := b.request()
	values, err := a.Signing.Sign(ctx, r, b.SAD)
	if err != nil {
		return signatures{}, err
	}
	if _, err := a.Signing.Use(ctx, r.Verb, r.CredentialID); err != nil {
		return signatures{}, err
	}
	return signatures{values}, nil
}
