package issuance_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/desk"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/crl"
	"github.com/kyso-vn/kyso/pki/ocsp"
)

func certificateOf(t *testing.T, r *desk.Rig, id string) *x509.Certificate {
	t.Helper()
	der, err := r.Store.DER(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// onCRL returns the entry of c on the list it points to.
func onCRL(t *testing.T, r *desk.Rig, c *x509.Certificate) (crl.Entry, bool) {
	t.Helper()
	serial, err := pki.SerialFromBig(c.SerialNumber)
	if err != nil {
		t.Fatal(err)
	}
	shard, err := r.CRL(t.Context(), "hanoi", serial.Shard(8))
	if err != nil {
		t.Fatal(err)
	}
	list, err := crl.Parse(shard.DER, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := list.Verify(r.CA, c, r.Now()); err != nil {
		t.Fatal(err)
	}
	return list.Find(serial)
}

func statusOf(t *testing.T, r *desk.Rig, serial *big.Int) ocsp.Status {
	t.Helper()
	s, err := pki.SerialFromBig(serial)
	if err != nil {
		t.Fatal(err)
	}
	got, err := issuance.Statuses{Desk: r.Desk, CA: "hanoi"}.Status(t.Context(), r.CA, []pki.Serial{s})
	if err != nil {
		t.Fatal(err)
	}
	return got[0]
}

func build(t *testing.T, r *desk.Rig) int {
	t.Helper()
	n, err := r.BuildCRLs(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSuspensionAndRevocationReachOCSPAndTheRightShard(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		if n := build(t, r); n != 9 { // eight shards and the root's list
			t.Fatalf("%d first lists", n)
		}
		v := r.Issue(t, r.Citizen())
		var changed []string
		r.StatusChanged = func(ca, serial string) { changed = append(changed, ca+"/"+serial) }
		cert := certificateOf(t, r, v.CertificateID)
		if n := build(t, r); n != 0 {
			t.Fatalf("%d lists built though nothing was revoked", n)
		}
		if s := statusOf(t, r, cert.SerialNumber); s.State != ocsp.Good {
			t.Fatalf("issued: %+v", s)
		}
		if s := statusOf(t, r, big.NewInt(77)); s.State != ocsp.Unknown {
			t.Fatalf("never issued: %+v", s)
		}

		r.Advance(time.Hour)
		ctx := r.Counter()
		if c, err := r.Suspend(ctx, v.CertificateID); err != nil || c.State != issuance.ShownSuspended {
			t.Fatalf("%+v, %v", c, err)
		}
		if _, err := r.Suspend(ctx, v.CertificateID); !errors.Is(err, issuance.ErrState) {
			t.Fatalf("suspended twice: %v", err)
		}
		if s := statusOf(t, r, cert.SerialNumber); s.State != ocsp.Revoked || s.Reason != pki.CertificateHold || !s.RevokedAt.Equal(r.Now()) {
			t.Fatalf("suspended: %+v", s)
		}
		if n := build(t, r); n != 1 {
			t.Fatalf("%d lists built for one change", n)
		}
		if e, ok := onCRL(t, r, cert); !ok || e.Reason != pki.CertificateHold {
			t.Fatalf("suspended: %+v %t", e, ok)
		}

		r.Advance(time.Hour)
		if _, err := r.Reinstate(ctx, v.CertificateID); err != nil {
			t.Fatal(err)
		}
		build(t, r)
		if e, ok := onCRL(t, r, cert); ok {
			t.Fatalf("reinstated but on the list: %+v", e)
		}

		lostAt := r.Now().Add(-30 * time.Minute).Truncate(time.Second)
		for _, bad := range []struct {
			reason pki.Reason
			at     time.Time
			want   error
		}{
			{pki.CertificateHold, time.Time{}, issuance.ErrRevocationReason},
			{pki.CACompromise, time.Time{}, issuance.ErrRevocationReason},
			{pki.KeyCompromise, r.Now().Add(time.Hour), issuance.ErrInvalidityDate},
			{pki.KeyCompromise, r.Now().AddDate(-1, 0, 0), issuance.ErrInvalidityDate},
		} {
			if _, err := r.Revoke(ctx, v.CertificateID, bad.reason, bad.at); !errors.Is(err, bad.want) {
				t.Fatalf("%v: %v", bad.reason, err)
			}
		}
		if c, err := r.Revoke(ctx, v.CertificateID, pki.KeyCompromise, lostAt); err != nil || c.State != issuance.ShownRevoked || c.Reason != "key_compromise" {
			t.Fatalf("%+v, %v", c, err)
		}
		for _, err := range []error{second(r.Reinstate(ctx, v.CertificateID)), second(r.Suspend(ctx, v.CertificateID)),
			second(r.Revoke(ctx, v.CertificateID, pki.Superseded, time.Time{}))} {
			if !errors.Is(err, issuance.ErrRevoked) {
				t.Fatalf("after revocation: %v", err)
			}
		}
		// The reason and the invalidity date survive three regenerations.
		for range 3 {
			r.Advance(25 * time.Hour)
			if n := build(t, r); n < 8 {
				t.Fatalf("%d lists at half of their life", n)
			}
			if e, ok := onCRL(t, r, cert); !ok || e.Reason != pki.KeyCompromise || !e.InvalidityDate.Equal(lostAt) {
				t.Fatalf("%+v %t", e, ok)
			}
		}
		if len(changed) != 3 {
			t.Fatalf("told of %d changes, want 3", len(changed))
		}
		// Somebody whose certificate is revoked may have another.
		f := r.Citizen()
		f.Identity = "001090000001"
		if again, err := r.Submit(ctx, f); err != nil || again.State != issuance.Issued {
			t.Fatalf("%+v, %v", again, err)
		}
	})
}

func TestAnEntryStaysUntilOneListAfterExpiry(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		v := r.Issue(t, r.Citizen())
		cert := certificateOf(t, r, v.CertificateID)
		if _, err := r.Revoke(r.Counter(), v.CertificateID, pki.Superseded, time.Time{}); err != nil {
			t.Fatal(err)
		}
		build(t, r)
		r.Advance(cert.NotAfter.Sub(r.Now()) + time.Hour)
		build(t, r)
		if _, ok := onCRL(t, r, cert); !ok {
			t.Fatal("left the first list after expiry")
		}
		r.Advance(25 * time.Hour)
		build(t, r)
		if _, ok := onCRL(t, r, cert); ok {
			t.Fatal("stands on the second list after expiry")
		}
		if s := statusOf(t, r, cert.SerialNumber); s.State != ocsp.Revoked {
			t.Fatalf("OCSP forgot: %+v", s)
		}
		if _, err := r.Suspend(r.Counter(), v.CertificateID); !errors.Is(err, issuance.ErrRevoked) {
			t.Fatal(err)
		}
	})
}

func TestRenewalKeepsTheOldCertificateAndReissueRevokesIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		ctx := r.Counter()
		first := r.Issue(t, r.Citizen())
		renewed, err := r.Renew(desk.Op(ctx, "renew"), first.CertificateID)
		if err != nil || renewed.Event != issuance.Renewal || renewed.CertificateID == first.CertificateID {
			t.Fatalf("%+v, %v", renewed, err)
		}
		if twice, err := r.Renew(desk.Op(ctx, "renew"), first.CertificateID); err != nil || twice.CertificateID != renewed.CertificateID {
			t.Fatalf("resent: %+v, %v", twice, err)
		}
		if _, err := r.Renew(desk.Op(ctx, "other"), first.CertificateID); !errors.Is(err, issuance.ErrAlreadyCertified) {
			t.Fatalf("renewed twice: %v", err)
		}
		if c, err := r.Certificate(ctx, first.CertificateID); err != nil || c.State != issuance.ShownIssued {
			t.Fatalf("the old one: %+v, %v", c, err)
		}
		reissued, err := r.Reissue(desk.Op(ctx, "reissue"), renewed.CertificateID)
		if err != nil || reissued.State != issuance.Issued {
			t.Fatalf("%+v, %v", reissued, err)
		}
		if twice, err := r.Reissue(desk.Op(ctx, "reissue"), renewed.CertificateID); err != nil || twice.CertificateID != reissued.CertificateID {
			t.Fatalf("resent: %+v, %v", twice, err)
		}
		if c, err := r.Certificate(ctx, renewed.CertificateID); err != nil || c.State != issuance.ShownRevoked || c.Reason != "superseded" {
			t.Fatalf("the replaced one: %+v, %v", c, err)
		}
		if _, err := r.Reissue(desk.Op(ctx, "late"), renewed.CertificateID); err == nil {
			t.Fatal("a revoked certificate was reissued")
		}
		f := r.Citizen()
		f.Name = "Nguyễn Văn Đức Anh"
		changed, err := r.Change(ctx, reissued.CertificateID, f)
		if err != nil || changed.Name != f.Name || changed.Identity != first.Identity {
			t.Fatalf("%+v, %v", changed, err)
		}
	})
}

func TestAReissueApprovedAfterTheOldOneExpiredIsIssued(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		v := r.Issue(t, r.Citizen())
		cert := certificateOf(t, r, v.CertificateID)
		r.Advance(cert.NotAfter.Sub(r.Now()) - time.Hour)
		if err := r.Units.SetPolicy(r.As("admin", auth.RoleCityAdmin, auth.WholeCity), r.Ward.ID, unit.Policy{NeedsApproval: true}); err != nil {
			t.Fatal(err)
		}
		again, err := r.Reissue(r.Counter(), v.CertificateID)
		if err != nil || again.State != issuance.Submitted {
			t.Fatalf("%+v, %v", again, err)
		}
		r.Advance(2 * time.Hour)
		again, err = r.Approve(r.As("minh", auth.RoleApprover, r.Ward.ID), again.ID)
		if err != nil || again.State != issuance.Issued {
			t.Fatalf("%+v, %v", again, err)
		}
		if c, err := r.Certificate(r.Counter(), v.CertificateID); err != nil || c.State != issuance.ShownExpired {
			t.Fatalf("%+v, %v", c, err)
		}
	})
}

func TestAnIdentityNumberStandsNowhereInClear(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "kyso.db")
	s, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + path, DataKey: bytes.Repeat([]byte{1}, 32), IndexKey: bytes.Repeat([]byte{2}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.UseJobs(desk.NoJobs(t, s))
	r := desk.New(t, s)
	f := r.Citizen()
	f.Identity, f.Phone, f.OldIdentity = "001090987654", "0987123456", "012345678"
	v := r.Issue(t, f)
	if _, err := r.Search(r.Counter(), issuance.CertificateQuery{Identity: f.Identity}); err != nil {
		t.Fatal(err)
	}
	draft := f
	draft.Identity = "001090987655"
	if _, err := r.SaveDraft(r.Counter(), "", draft); err != nil {
		t.Fatal(err)
	}
	code := r.Code(t, v.ID)
	if _, err := r.Activate(context.Background(), v.ID, code, "28461937", true); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Revoke(r.Counter(), v.CertificateID, pki.KeyCompromise, time.Time{}); err != nil {
		t.Fatal(err)
	}
	build(t, r)
	looked := 0
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		looked += bytes.Count(b, []byte("Nguyễn Văn Đức"))
		for _, secret := range []string{f.Identity, draft.Identity, f.Phone, f.OldIdentity, code, "28461937"} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s holds %s", filepath.Base(file), secret[:3])
			}
		}
	}
	if looked == 0 {
		t.Fatal("the files hold no data at all")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRevealingANumberIsAudited(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		f := r.Citizen()
		v := r.Issue(t, f)
		if _, err := r.Reveal(r.Counter(), v.ID, ""); !errors.Is(err, issuance.ErrReason) {
			t.Fatal(err)
		}
		number, err := r.Reveal(r.Counter(), v.ID, "đối chiếu thẻ")
		if err != nil || number != f.Identity {
			t.Fatalf("%v", err)
		}
		if n := count(t, r, `SELECT COUNT(*) FROM audit_events WHERE action = 'identity.reveal' AND outcome = 'done'`); n != 1 {
			t.Fatalf("%d reveals audited", n)
		}
		if _, err := r.Reveal(r.As("x", auth.RoleAuditor, auth.WholeCity), v.ID, "x"); !errors.Is(err, auth.ErrDenied) {
			t.Fatalf("auditor: %v", err)
		}
	})
}

func TestCardQR(t *testing.T) {
	t.Parallel()
	const good = "001190012345|012345678|Nguyễn Thị Mỹ Lệ Quỳnh|19051990|Nữ|Số 5, Phường Trúc Bạch, Ba Đình, Hà Nội|10052021"
	for _, c := range []struct {
		name, text string
		want       issuance.Form
		err        error
	}{
		{"whole", good, issuance.Form{Identity: "001190012345", OldIdentity: "012345678", Name: "Nguyễn Thị Mỹ Lệ Quỳnh", BirthDate: "1990-05-19",
			Sex: issuance.Female, Address: "Số 5, Phường Trúc Bạch, Ba Đình, Hà Nội", CardIssued: "2021-05-10", Locality: "Phường Trúc Bạch"}, nil},
		{"empty CMND, extra fields, line end", "001090000001||Lê Văn An|19051990|Nam||10052021|x|y\r\n",
			issuance.Form{Identity: "001090000001", Name: "Lê Văn An", BirthDate: "1990-05-19", Sex: issuance.Male, CardIssued: "2021-05-10"}, nil},
		{"fields missing", "001090000001||Lê Văn An", issuance.Form{Identity: "001090000001", Name: "Lê Văn An"}, nil},
		{"eleven digits", strings.Replace(good, "001190012345", "00119001234", 1), issuance.Form{}, issuance.ErrCCCDLength},
		{"sex differs", strings.Replace(good, "Nữ", "Nam", 1), issuance.Form{}, issuance.ErrCCCDSex},
		{"year differs", strings.Replace(good, "19051990", "19051991", 1), issuance.Form{}, issuance.ErrCCCDYear},
		{"a web address", "https://example.vn/x", issuance.Form{}, issuance.ErrCardQR},
		{"nothing", "", issuance.Form{}, issuance.ErrCardQR},
	} {
		f, err := issuance.ParseCardQR(c.text)
		if !errors.Is(err, c.err) || f != c.want {
			t.Errorf("%s: %+v, %v", c.name, f, err)
		}
	}
	// A woman born in 2005: century 3.
	if err := issuance.CheckCCCD("001305012345", "2005-01-02", issuance.Female); err != nil {
		t.Error(err)
	}
}

func FuzzCardQR(f *testing.F) {
	f.Add("001190012345|012345678|Nguyễn Thị Mỹ|19051990|Nữ|Phường Trúc Bạch|10052021")
	f.Add("||||||")
	f.Fuzz(func(t *testing.T, text string) {
		form, err := issuance.ParseCardQR(text)
		if err != nil {
			return
		}
		// What was read and is written again reads the same.
		again, err := issuance.ParseCardQR(strings.Join([]string{form.Identity, form.OldIdentity, form.Name, cardDay(form.BirthDate), string(form.Sex), form.Address, cardDay(form.CardIssued)}, "|"))
		if err != nil || again != form {
			t.Fatalf("%+v became %+v, %v", form, again, err)
		}
	})
}

// cardDay turns 2006-01-02 into ddMMyyyy.
func cardDay(day string) string {
	if day == "" {
		return ""
	}
	return day[8:] + day[5:7] + day[:4]
}

// What was signed while a certificate was suspended must not become valid by its revocation.
func TestARevocationKeepsTheTimeOfTheSuspension(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		build(t, r)
		v := r.Issue(t, r.Citizen())
		cert := certificateOf(t, r, v.CertificateID)
		r.Advance(time.Hour)
		held := r.Now()
		if _, err := r.Suspend(r.Counter(), v.CertificateID); err != nil {
			t.Fatal(err)
		}
		r.Advance(2 * time.Hour)
		// The key is said to have been lost after the suspension.
		if _, err := r.Revoke(r.Counter(), v.CertificateID, pki.KeyCompromise, r.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		if s := statusOf(t, r, cert.SerialNumber); s.Reason != pki.KeyCompromise || !s.RevokedAt.Equal(held) {
			t.Errorf("OCSP: %+v, want the time %s", s, held)
		}
		if n := build(t, r); n != 1 {
			t.Fatalf("%d lists built", n)
		}
		if e, ok := onCRL(t, r, cert); !ok || !e.RevokedAt.Equal(held) || e.InvalidityDate.After(held) {
			t.Errorf("CRL: %+v %t", e, ok)
		}
		if n := count(t, r, `SELECT COUNT(*) FROM certificate_events WHERE event = 'revoke_held'`); n != 1 {
			t.Errorf("%d lines in the ledger", n)
		}
	})
}
