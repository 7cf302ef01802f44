package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/routing"
)

var errSAD = errs.New(errs.Invalid, "sad_required",
	"Thiếu phiên ủy quyền ký (sad).", "The signature activation data (sad) is missing.").On("sad")

// authorization asks for the right to sign once: documents, or raw hashes.
type authorization struct {
	CredentialID string `json:"credential_id,omitempty"`
	// Documents are signed in this order.
	Documents []string `json:"documents,omitempty"`
	// Act is initial, sign, seal or copy; empty is what the actor may do to the first document.
	Act routing.Act `json:"act,omitempty"`
	// Seal gives number and date of each document that is sealed, by its id.
	Seal map[string]routing.SealInput `json:"seal,omitempty"`
	// Hashes are digests in base64, HashAlgorithm is SHA256 (also when empty), SHA384 or SHA512.
	Hashes        [][]byte `json:"hashes,omitempty"`
	HashAlgorithm string   `json:"hash_algorithm,omitempty"`
	PIN           string   `json:"pin,omitempty"` // a seal has none
	OTP           string   `json:"otp,omitempty"`
}

// authorized is the right to sign once.
type authorized struct {
	SAD       string    `json:"sad"`
	ExpiresAt time.Time `json:"expires_at"`
	// BatchID and Confirmation tell what the SAD is for, when that is documents.
	BatchID      string                `json:"batch_id,omitempty"`
	Confirmation *routing.Confirmation `json:"confirmation,omitempty"`
}

// signature spends a SAD on one document; without a SAD it authorises and signs in one go.
type signature struct {
	SAD          string `json:"sad,omitempty"`
	CredentialID string `json:"credential_id,omitempty"`
	PIN          string `json:"pin,omitempty"`
	OTP          string `json:"otp,omitempty"`
	// Number (123/QĐ-UBND) and Date (YYYY-MM-DD) are given with a seal that has no SAD yet.
	Number string `json:"number,omitempty"`
	Date   string `json:"date,omitempty"`
}

// batch spends a SAD on the documents it was given for.
type batch struct {
	SAD string `json:"sad"`
	// Documents, when given, must be those that were authorised.
	Documents []string `json:"documents,omitempty"`
}

func (a *api) acts() {
	post(a, route{path: "/authorizations", tag: "signing", status: http.StatusCreated,
		summary: "Agree to sign exactly these documents or hashes, by PIN and one-time password"},
		func(ctx context.Context, _ *struct{}, b authorization) (authorized, error) {
			if len(b.Hashes) > 0 {
				return a.authorizeHashes(ctx, b)
			}
			return a.authorizeDocuments(ctx, b)
		})
	for _, act := range []struct {
		act     routing.Act
		summary string
	}{
		{routing.ActSign, "Sign, as the leader"},
		{routing.ActSeal, "Give number and date, and sign for the organisation (đóng dấu)"},
		{routing.ActInitial, "Initial (ký nháy)"},
		{routing.ActCopy, "Certify a copy (sao y, sao lục, trích sao)"},
	} {
		post(a, route{path: "/documents/{id}/" + string(act.act), tag: "signing", summary: act.summary},
			func(ctx context.Context, p *byID, b signature) (routing.BatchResult, error) {
				return a.sign(ctx, act.act, p.ID, b)
			})
	}
	post(a, route{path: "/batches", tag: "signing", status: http.StatusCreated, summary: "Sign what was authorised together"},
		func(ctx context.Context, _ *struct{}, b batch) (routing.BatchResult, error) {
			if b.SAD == "" {
				return routing.BatchResult{}, errSAD
			}
			return a.Routing.Sign(ctx, routing.SignRequest{SAD: b.SAD, Documents: b.Documents})
		})
	get(a, route{path: "/batches/{id}", tag: "signing", summary: "Show how a batch goes on"},
		func(ctx context.Context, p *byID) (routing.BatchResult, error) { return a.Routing.Batch(ctx, p.ID) })
}

// authorizeDocuments prepares the documents and gets the SAD for what was prepared.
func (a *api) authorizeDocuments(ctx context.Context, b authorization) (authorized, error) {
	if len(b.Documents) == 0 {
		return authorized{}, routing.ErrBatch
	}
	act, err := a.actOn(ctx, b)
	if err != nil {
		return authorized{}, err
	}
	c, err := a.Routing.Prepare(ctx, routing.PrepareRequest{Act: act, Documents: b.Documents, CredentialID: b.CredentialID, Seal: b.Seal})
	if err != nil {
		return authorized{}, err
	}
	g, err := a.Routing.Authorize(ctx, c.BatchID, b.PIN, b.OTP)
	if err != nil {
		return authorized{}, err
	}
	return authorized{SAD: g.SAD, ExpiresAt: g.ExpiresAt, BatchID: c.BatchID, Confirmation: &c}, nil
}

// actOn is what the caller asks to do: as said, else what it may do to the first document
// now. When it may do nothing, Prepare refuses and says why.
func (a *api) actOn(ctx context.Context, b authorization) (routing.Act, error) {
	if b.Act != "" {
		return b.Act, nil
	}
	if len(b.Seal) > 0 {
		return routing.ActSeal, nil
	}
	v, err := a.Routing.Get(ctx, b.Documents[0])
	if err != nil {
		return "", err
	}
	for _, act := range []routing.Act{routing.ActInitial, routing.ActSign, routing.ActSeal, routing.ActCopy} {
		if slices.Contains(v.May, string(act)) {
			return act, nil
		}
	}
	own, err := a.Signing.Credentials(ctx)
	if err != nil {
		return "", err
	}
	for _, c := range own {
		if c.CredentialID == b.CredentialID && c.Seal() {
			return routing.ActSeal, nil
		}
	}
	return routing.ActSign, nil
}

// sign takes one document's step.
func (a *api) sign(ctx context.Context, act routing.Act, id string, b signature) (routing.BatchResult, error) {
	if b.SAD == "" {
		ask := authorization{CredentialID: b.CredentialID, Documents: []string{id}, Act: act, PIN: b.PIN, OTP: b.OTP}
		if act == routing.ActSeal {
			ask.Seal = map[string]routing.SealInput{id: {Number: b.Number, Date: b.Date}}
		}
		g, err := a.authorizeDocuments(ctx, ask)
		if err != nil {
			return routing.BatchResult{}, err
		}
		b.SAD = g.SAD
	}
	return a.Routing.Sign(ctx, routing.SignRequest{SAD: b.SAD, Documents: []string{id}})
}
