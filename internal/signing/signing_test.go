package signing_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/signing"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/db"
	"github.com/kyso-vn/kyso/internal/testkit/desk"
	"github.com/kyso-vn/kyso/internal/testkit/softagent"
	"github.com/kyso-vn/kyso/pki"
)

const pin = "28461937"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type rig struct {
	*desk.Rig
	*signing.Service
	owner, clerk context.Context
	certificate  signing.Certificate // the owner's
	seal         string              // the ward's credential
}

func each(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Helper()
	db.Each(t, func(t *testing.T, s *store.Store) {
		r := &rig{Rig: desk.New(t, s)}
		var err error
		r.Service, err = signing.New(signing.Options{Agent: r.Soft, Store: s, Now: r.Now})
		must(t, err)
		head := r.As("head", auth.RoleUnitAdmin, r.Ward.ID)
		f2 := r.Citizen()
		f2.Kind, f2.Title, f2.Mail = pki.Officer, "Chủ tịch", "x@hanoi.gov.vn"
		v, err := r.Submit(head, f2)
		must(t, err)
		_, err = r.Activate(head, v.ID, r.Code(t, v.ID), pin, true)
		must(t, err)
		r.certificate, err = s.CredentialCertificate(t.Context(), v.Certificate.CredentialID)
		must(t, err)
		r.owner = as(r, "owner", r.certificate.PersonID, auth.RoleSigner, r.Ward.ID)
		r.clerk = as(r, "clerk", "person-clerk", auth.RoleClerk, r.Ward.ID)
		o, err := r.Submit(head, issuance.Form{Kind: pki.Organisation, UnitID: r.Ward.ID,
			Proof: issuance.Proof{Method: issuance.ProofDecision, Reference: "1/QĐ"}, Contract: issuance.Contract{Signed: true}})
		must(t, err)
		o, err = r.Approve(r.As("minh", auth.RoleApprover, r.Ward.ID), o.ID)
		must(t, err)
		r.seal = o.Certificate.CredentialID
		f(t, r)
	})
}

func as(r *rig, account, person string, role auth.Role, unitID string) context.Context {
	return auth.WithClock(auth.WithActor(context.Background(), auth.Actor{AccountID: account, PersonID: person, Name: account,
		Grants: []auth.Grant{{Role: role, UnitID: unitID}}}), r.Now)
}

func hashes(texts ...string) (out [][]byte) {
	for _, s := range texts {
		h := sha256.Sum256([]byte(s))
		out = append(out, h[:])
	}
	return out
}

func (r *rig) request(texts ...string) signing.Request {
	return signing.Request{CredentialID: r.certificate.CredentialID, Verb: auth.HashSign, Hashes: hashes(texts...), HashAlg: crypto.SHA256,
		PIN: pin, OTP: softagent.OTP, Object: "hashes:test"}
}

// audited counts events by action and outcome.
func (r *rig) audited(t *testing.T, action, outcome string) (n int) {
	t.Helper()
	d, _ := r.Store.DB()
	must(t, d.QueryRow(`SELECT COUNT(*) FROM audit_events WHERE action = '`+action+`' AND outcome = '`+outcome+`'`).Scan(&n))
	return n
}

func TestOwnerSignsExactlyWhatWasAuthorised(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		req := r.request("một", "hai")
		g, err := r.Authorize(r.owner, req)
		must(t, err)
		other := r.request("hai", "một")
		if _, err := r.Sign(r.owner, other, g.SAD); !errors.Is(err, agent.ErrSADMismatch) {
			t.Fatalf("another order: %v", err)
		}
		values, err := r.Sign(r.owner, req, g.SAD)
		must(t, err)
		leaf, chain, err := r.certificate.Parse()
		must(t, err)
		for i, v := range values {
			if !ecdsa.VerifyASN1(leaf.PublicKey.(*ecdsa.PublicKey), req.Hashes[i], v) {
				t.Errorf("value %d does not verify", i)
			}
		}
		if len(chain) != 1 || !bytes.Equal(chain[0].Raw, r.CA.Raw) {
			t.Errorf("chain of %d", len(chain))
		}
		if _, err := r.Sign(r.owner, req, g.SAD); !errors.Is(err, agent.ErrSADUsed) {
			t.Fatalf("a second use: %v", err)
		}
		for action, want := range map[string]int{"signature.authorize": 1, "signature.intend": 3, "signature.make": 1} {
			if n := r.audited(t, action, "done"); n != want {
				t.Errorf("%s is recorded %d times", action, n)
			}
		}
		if n := r.audited(t, "signature.make", "refused"); n != 2 {
			t.Errorf("%d refusals are recorded", n)
		}
	})
}

func TestOnlyTheOwnerAndTheClerkReachAKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		req := r.request("x")
		for name, c := range map[string]struct {
			ctx  context.Context
			cred string
			verb auth.Verb
			want error
		}{
			"somebody else's key":     {as(r, "b", "person-b", auth.RoleSigner, r.Ward.ID), req.CredentialID, auth.HashSign, agent.ErrNoCredential},
			"unknown key":             {r.owner, "none", auth.HashSign, agent.ErrNoCredential},
			"nobody":                  {context.Background(), req.CredentialID, auth.HashSign, auth.ErrUnauthenticated},
			"owner without the role":  {as(r, "o", r.certificate.PersonID, auth.RoleAuditor, r.Ward.ID), req.CredentialID, auth.HashSign, auth.ErrDenied},
			"own key as a seal":       {r.clerk, req.CredentialID, auth.DocumentSeal, agent.ErrNoCredential},
			"seal by no clerk":        {r.owner, r.seal, auth.DocumentSeal, agent.ErrNoCredential},
			"seal by another's clerk": {as(r, "c", "p-c", auth.RoleClerk, r.Other.ID), r.seal, auth.DocumentSeal, agent.ErrNoCredential},
			"seal on raw hashes":      {r.clerk, r.seal, auth.HashSign, agent.ErrPurpose},
		} {
			q := req
			q.CredentialID, q.Verb = c.cred, c.verb
			if _, err := r.Authorize(c.ctx, q); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		q := req
		q.CredentialID, q.Verb, q.PIN = r.seal, auth.DocumentSeal, ""
		g, err := r.Authorize(r.clerk, q)
		must(t, err)
		if _, err := r.Sign(r.clerk, q, g.SAD); err != nil {
			t.Errorf("clerk: %v", err)
		}
		list, err := r.Credentials(r.clerk)
		if err != nil || len(list) != 1 || list[0].CredentialID != r.seal {
			t.Errorf("clerk's credentials %+v, %v", list, err)
		}
		if list, err = r.Credentials(r.owner); err != nil || len(list) != 1 || list[0].ID != r.certificate.ID {
			t.Errorf("owner's credentials %+v, %v", list, err)
		}
	})
}

func TestABadCertificateSignsNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		admin := r.As("admin", auth.RoleCityAdmin, auth.WholeCity)
		g, err := r.Authorize(r.owner, r.request("x"))
		must(t, err)
		_, err = r.Suspend(admin, r.certificate.ID)
		must(t, err)
		if _, err := r.Sign(r.owner, r.request("x"), g.SAD); !errors.Is(err, signing.ErrSuspended) {
			t.Errorf("suspended: %v", err)
		}
		_, err = r.Reinstate(admin, r.certificate.ID)
		must(t, err)
		if _, err := r.Sign(r.owner, r.request("x"), g.SAD); err != nil {
			t.Errorf("reinstated: %v", err)
		}
		now := r.Now()
		r.Advance(r.certificate.NotAfter.Sub(now) + time.Hour)
		if _, err := r.Authorize(r.owner, r.request("x")); !errors.Is(err, signing.ErrExpired) {
			t.Errorf("expired: %v", err)
		}
		r.Advance(now.Sub(r.Now()))
		_, err = r.Revoke(admin, r.certificate.ID, pki.KeyCompromise, time.Time{})
		must(t, err)
		if _, err := r.Authorize(r.owner, r.request("x")); !errors.Is(err, signing.ErrRevoked) {
			t.Errorf("revoked: %v", err)
		}
	})
}

func TestOddHashesAreRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		for name, change := range map[string]func(*signing.Request){
			"none":      func(q *signing.Request) { q.Hashes = nil },
			"short":     func(q *signing.Request) { q.Hashes = [][]byte{{1, 2, 3}} },
			"SHA-1":     func(q *signing.Request) { q.HashAlg, q.Hashes = crypto.SHA1, [][]byte{make([]byte, 20)} },
			"too many":  func(q *signing.Request) { q.Hashes = make([][]byte, 1001) },
			"one empty": func(q *signing.Request) { q.Hashes = append(q.Hashes, nil) },
		} {
			q := r.request("x")
			change(&q)
			if _, err := r.Authorize(r.owner, q); !errors.Is(err, signing.ErrHashes) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
