package issuance_test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/db"
	"github.com/kyso-vn/kyso/internal/testkit/desk"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki"
)

const pin = "28461937"

func each(t *testing.T, f func(t *testing.T, r *desk.Rig)) {
	t.Helper()
	db.Each(t, func(t *testing.T, s *store.Store) { f(t, desk.New(t, s)) })
}

func TestACitizenAppliesGetsACertificateAndActivatesIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		v := r.Issue(t, r.Citizen())
		c := v.Certificate
		if v.State != issuance.Issued || c.State != issuance.ShownIssued || v.Identity != "001*******01" || v.Number != "000001" {
			t.Fatalf("application %+v, certificate %+v", v, c)
		}
		der, err := r.CertificateDER(r.Counter(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if err := cert.CheckSignatureFrom(r.CA); err != nil {
			t.Fatal(err)
		}
		want := "C=VN, ST=Thành phố Hà Nội, L=Phường Ba Đình, CN=Nguyễn Văn Đức, UID=CCCD:001090000001"
		if s := subjectText(t, cert.RawSubject); s != want {
			t.Fatalf("subject %s", s)
		}
		key, err := r.Soft.Credential(t.Context(), c.CredentialID)
		if err != nil || !key.Public.(*ecdsa.PublicKey).Equal(cert.PublicKey) {
			t.Fatalf("the key of the credential is not certified: %v", err)
		}

		code := r.Code(t, v.ID)
		for _, wrong := range []struct {
			application, code, pin string
			accept                 bool
			want                   error
		}{
			{v.ID, code, pin, false, issuance.ErrAccept},
			{v.ID, "AAAAAAAAAAAAAAAA", pin, true, agent.ErrWrongCode},
			{"no-such-application", code, pin, true, agent.ErrWrongCode},
			{v.ID, code, "1234", true, agent.ErrWeakPIN},
		} {
			if _, err := r.Activate(t.Context(), wrong.application, wrong.code, wrong.pin, wrong.accept); !errors.Is(err, wrong.want) {
				t.Fatalf("got %v, want %v", err, wrong.want)
			}
		}
		active, err := r.Activate(t.Context(), v.ID, code, pin, true)
		if err != nil || active.State != issuance.ShownActive {
			t.Fatalf("%+v, %v", active, err)
		}
		if _, err := r.Activate(t.Context(), v.ID, code, pin, true); !errors.Is(err, agent.ErrAlreadyActive) {
			t.Fatalf("second activation: %v", err)
		}
	})
}

func subjectText(t *testing.T, der []byte) string {
	t.Helper()
	s, err := pki.ParseSubject(der)
	if err != nil {
		t.Fatal(err)
	}
	parts := make([]string, len(s))
	for i, a := range s {
		parts[i] = string(a.Type) + "=" + a.Value
	}
	return strings.Join(parts, ", ")
}

func TestSixtyFourCopiesOfARequestIssueOneCertificate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		f := r.Citizen()
		ctx := desk.Op(r.Counter(), "client:1/POST/key")
		views := make([]issuance.ApplicationView, 64)
		fails := make([]error, 64)
		var wg sync.WaitGroup
		for i := range views {
			wg.Go(func() { views[i], fails[i] = r.Submit(ctx, f) })
		}
		wg.Wait()
		for i, v := range views {
			if fails[i] != nil || v.ID != views[0].ID || v.CertificateID == "" || v.CertificateID != views[0].CertificateID {
				t.Fatalf("copy %d: %s %s, %v", i, v.ID, v.CertificateID, fails[i])
			}
		}
		if n := count(t, r, `SELECT COUNT(*) FROM applications`); n != 1 {
			t.Fatalf("%d applications", n)
		}
		if n := count(t, r, `SELECT COUNT(*) FROM certificates WHERE application_id IS NOT NULL`); n != 1 || r.Soft.Keys() != 1 {
			t.Fatalf("%d certificates, %d keys", n, r.Soft.Keys())
		}
	})
}

func TestTwoRequestsForOnePersonAtOnceIssueOneCertificate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		f := r.Citizen()
		fails := make([]error, 8)
		var wg sync.WaitGroup
		for i := range fails {
			wg.Go(func() { _, fails[i] = r.Submit(desk.Op(r.Counter(), fmt.Sprint("op", i)), f) })
		}
		wg.Wait()
		good := 0
		for _, err := range fails {
			switch {
			case err == nil:
				good++
			case !errors.Is(err, issuance.ErrAlreadyCertified) && !errors.Is(err, issuance.ErrApplicationOpen):
				t.Fatalf("refused with %v", err)
			}
		}
		if n := count(t, r, `SELECT COUNT(*) FROM certificates WHERE state = 'issued' AND application_id IS NOT NULL`); good != 1 || n != 1 {
			t.Fatalf("%d accepted, %d certificates", good, n)
		}
		_, err := r.Submit(r.Counter(), f)
		var e *errs.Error
		if !errors.As(err, &e) || e.Code != "already_certified" || e.VI != "Công dân đã có chứng thư còn hiệu lực (cấp ngày 21/11/2026)." ||
			e.EN != "The citizen has a valid certificate (issued on 21/11/2026)." || errs.KindOf(err) != errs.Conflict {
			t.Fatalf("duplicate: %v", err)
		}
	})
}

func count(t *testing.T, r *desk.Rig, query string) int {
	t.Helper()
	d, _ := r.Store.DB()
	var n int
	if err := d.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTheSecondPersonIsAnotherPerson(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		admin := r.As("admin", auth.RoleCityAdmin, auth.WholeCity)
		if err := r.Units.SetPolicy(admin, r.Ward.ID, unit.Policy{NeedsApproval: true}); err != nil {
			t.Fatal(err)
		}
		v, err := r.Submit(r.Counter(), r.Citizen())
		if err != nil || v.State != issuance.Submitted || v.CertificateID != "" {
			t.Fatalf("%+v, %v", v, err)
		}
		if _, err := r.Desk.Issue(r.Counter(), v.ID); !errors.Is(err, issuance.ErrNotApproved) {
			t.Fatalf("issued without approval: %v", err)
		}
		// The same human being under two accounts.
		twin := r.As("lan2", auth.RoleApprover, r.Ward.ID)
		a, _ := auth.ActorFrom(twin)
		a.PersonID = "person-lan"
		twin = auth.WithActor(twin, a)
		if _, err := r.Approve(twin, v.ID); !errors.Is(err, issuance.ErrSamePerson) {
			t.Fatalf("own second account: %v", err)
		}
		if _, err := r.Approve(r.Counter(), v.ID); !errors.Is(err, auth.ErrDenied) {
			t.Fatalf("counter approved: %v", err)
		}
		if _, err := r.Approve(r.As("minh", auth.RoleApprover, r.Other.ID), v.ID); !errors.Is(err, auth.ErrNotFound) {
			t.Fatalf("approver of another unit: %v", err)
		}
		minh := r.As("minh", auth.RoleApprover, r.Ward.ID)
		done, err := r.Approve(minh, v.ID)
		if err != nil || done.State != issuance.Issued {
			t.Fatalf("%+v, %v", done, err)
		}
		again, err := r.Approve(minh, v.ID)
		if err != nil || again.CertificateID != done.CertificateID {
			t.Fatalf("approving twice: %+v, %v", again, err)
		}
		if n := count(t, r, `SELECT COUNT(*) FROM audit_events WHERE outcome = 'refused'`); n != 3 {
			t.Fatalf("%d refusals in the audit log, want 3", n)
		}
	})
}

func TestARejectedApplicantMayApplyAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		if err := r.Units.SetPolicy(r.As("admin", auth.RoleCityAdmin, auth.WholeCity), r.Ward.ID, unit.Policy{NeedsApproval: true}); err != nil {
			t.Fatal(err)
		}
		f := r.Citizen()
		v, err := r.Submit(r.Counter(), f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Submit(r.Counter(), f); !errors.Is(err, issuance.ErrApplicationOpen) {
			t.Fatalf("second application: %v", err)
		}
		minh := r.As("minh", auth.RoleApprover, r.Ward.ID)
		if _, err := r.Reject(minh, v.ID, " "); !errors.Is(err, issuance.ErrReason) {
			t.Fatalf("no reason: %v", err)
		}
		rejected, err := r.Reject(minh, v.ID, "Ảnh không khớp")
		if err != nil || rejected.State != issuance.Rejected || rejected.Decision != "Ảnh không khớp" {
			t.Fatalf("%+v, %v", rejected, err)
		}
		if _, err := r.Approve(minh, v.ID); !errors.Is(err, issuance.ErrState) {
			t.Fatalf("approved after rejection: %v", err)
		}
		if again, err := r.Submit(r.Counter(), f); err != nil || again.ID == v.ID {
			t.Fatalf("%+v, %v", again, err)
		}
	})
}

func TestRefusalsBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		for _, c := range []struct {
			name   string
			change func(*issuance.Form)
			want   error
			field  string
		}{
			{"eleven digits", func(f *issuance.Form) { f.Identity = f.Identity[:11] }, issuance.ErrCCCDLength, "identity"},
			{"other sex", func(f *issuance.Form) { f.Sex = issuance.Female }, issuance.ErrCCCDSex, "sex"},
			{"other year", func(f *issuance.Form) { f.BirthDate = "1991-05-19" }, issuance.ErrCCCDYear, "birth_date"},
			{"no name", func(f *issuance.Form) { f.Name = " " }, issuance.ErrRequired, "name"},
			{"bidi name", func(f *issuance.Form) { f.Name = "Nguyễn\u202eVăn" }, issuance.ErrText, "name"},
			{"long name", func(f *issuance.Form) { f.Name = strings.Repeat("Ngô ", 20) }, issuance.ErrTooLong, "name"},
			{"no consent", func(f *issuance.Form) { f.Consent = issuance.Consent{} }, issuance.ErrConsent, "consent"},
			{"no contract", func(f *issuance.Form) { f.Contract.Signed = false }, issuance.ErrContract, "contract"},
			{"no proof", func(f *issuance.Form) { f.Proof.Method = "face" }, issuance.ErrProof, "proof.method"},
			{"a child", func(f *issuance.Form) { f.Identity, f.BirthDate = "001215000001", "2015-01-02" }, issuance.ErrUnderAge, "birth_date"},
			{"bidi address", func(f *issuance.Form) { f.Address = "12 Phố\u2067 Huế" }, issuance.ErrText, "address"},
			{"bad mail", func(f *issuance.Form) { f.Mail = "x" }, issuance.ErrMail, "mail"},
			{"desk of nowhere", func(f *issuance.Form) { f.DeskID = "x" }, unit.ErrUnknownDesk, "desk"},
			{"point of nowhere", func(f *issuance.Form) { f.PointID = "x" }, unit.ErrUnknownPoint, "point"},
		} {
			f := r.Citizen()
			c.change(&f)
			_, err := r.Submit(r.Counter(), f)
			var e *errs.Error
			if !errors.Is(err, c.want) || !errors.As(err, &e) || strings.Contains(e.VI+e.EN, "%") || e.Field != c.field || errs.KindOf(err) != errs.Invalid {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		f := r.Citizen()
		f.UnitID = "no-such-unit"
		if _, err := r.Submit(r.As("city", auth.RoleCounter, auth.WholeCity), f); !errors.Is(err, unit.ErrUnknown) {
			t.Errorf("unknown unit: %v", err)
		}
		if _, err := r.Submit(r.Counter(), f); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("unknown unit for staff of another: %v", err)
		}
		if _, err := r.Submit(t.Context(), r.Citizen()); !errors.Is(err, auth.ErrUnauthenticated) {
			t.Errorf("nobody: %v", err)
		}
		var both issuance.Invalid
		f = r.Citizen()
		f.Name, f.Contract.Signed = "", false
		if _, err := r.Submit(r.Counter(), f); !errors.As(err, &both) || len(both) != 2 {
			t.Errorf("two wrong fields: %v", err)
		}
		for _, table := range []string{"applications", "certificates", "claims", "persons", "counts_day"} {
			if n := count(t, r, `SELECT COUNT(*) FROM `+table); n != 0 && (table != "certificates" || n != 1) {
				t.Errorf("%d rows in %s after refusals", n, table)
			}
		}
	})
}

func TestTheQuotaOfADayHoldsUnderLoad(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		if err := r.Units.SetPolicy(r.As("admin", auth.RoleCityAdmin, auth.WholeCity), r.Ward.ID, unit.Policy{DailyQuota: 3}); err != nil {
			t.Fatal(err)
		}
		fails := make([]error, 8)
		var wg sync.WaitGroup
		for i := range fails {
			f := r.Citizen()
			wg.Go(func() { _, fails[i] = r.Record(r.Counter(), f) })
		}
		wg.Wait()
		taken := 0
		for _, err := range fails {
			if err == nil {
				taken++
			} else if !errors.Is(err, issuance.ErrQuota) {
				t.Fatal(err)
			}
		}
		if taken != 3 {
			t.Fatalf("%d applications of a quota of 3", taken)
		}
		r.Advance(24 * time.Hour)
		if _, err := r.Record(r.Counter(), r.Citizen()); err != nil {
			t.Fatalf("the next day: %v", err)
		}
	})
}

func TestADraftIsKeptAndSubmittedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		f := r.Citizen()
		name := f.Name
		f.Name = ""
		v, err := r.SaveDraft(desk.Op(r.Counter(), "d1"), "", f)
		if err != nil || v.State != issuance.Draft {
			t.Fatalf("%+v, %v", v, err)
		}
		if twice, err := r.SaveDraft(desk.Op(r.Counter(), "d1"), "", f); err != nil || twice.ID != v.ID {
			t.Fatalf("resent: %+v, %v", twice, err)
		}
		f.Name = name
		if _, err := r.SaveDraft(r.Counter(), v.ID, f); err != nil {
			t.Fatal(err)
		}
		if back, err := r.Draft(r.Counter(), v.ID); err != nil || back.Name != name || back.Identity != f.Identity {
			t.Fatalf("%+v, %v", back, err)
		}
		if _, err := r.Draft(r.As("x", auth.RoleCounter, r.Other.ID), v.ID); !errors.Is(err, auth.ErrNotFound) {
			t.Fatalf("draft of another unit: %v", err)
		}
		first, err := r.SubmitDraft(r.Counter(), v.ID)
		if err != nil || first.State != issuance.Issued || first.ID != v.ID {
			t.Fatalf("%+v, %v", first, err)
		}
		second, err := r.SubmitDraft(r.Counter(), v.ID)
		if err != nil || second.CertificateID != first.CertificateID {
			t.Fatalf("%+v, %v", second, err)
		}
		if _, err := r.SaveDraft(r.Counter(), v.ID, f); !errors.Is(err, issuance.ErrState) {
			t.Fatalf("written after submission: %v", err)
		}
	})
}

func TestOfficersAndSeals(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		head := r.As("head", auth.RoleUnitAdmin, r.Ward.ID)
		f := r.Citizen()
		f.Kind, f.Name, f.Title, f.Mail = pki.Officer, "Trần Thị Hòa", "Chủ tịch", "hoa@hanoi.gov.vn"
		f.Identity, f.Sex = "001190000099", issuance.Female
		if _, err := r.Submit(r.Counter(), f); !errors.Is(err, auth.ErrDenied) {
			t.Fatalf("counter enrolled an officer: %v", err)
		}
		v, err := r.Submit(head, f)
		if err != nil || v.Certificate == nil || v.Certificate.Regime != pki.CongVu {
			t.Fatalf("%+v, %v", v, err)
		}
		if s := subjectOf(t, r, v.CertificateID); s != "C=VN, O=ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI, OU=Phường Ba Đình, T=Chủ tịch, CN=Trần Thị Hòa, E=hoa@hanoi.gov.vn" {
			t.Fatalf("officer's subject %s", s)
		}

		seal := issuance.Form{Kind: pki.Organisation, UnitID: r.Ward.ID, OrganisationName: "Ủy ban nhân dân phường Ba Đình",
			Proof: issuance.Proof{Method: issuance.ProofDecision, Reference: "12/QĐ-UBND"}, Contract: issuance.Contract{Signed: true}}
		s, err := r.Submit(head, seal)
		if err != nil || s.State != issuance.Submitted {
			t.Fatalf("a seal takes two people: %+v, %v", s, err)
		}
		s, err = r.Approve(r.As("minh", auth.RoleApprover, r.Ward.ID), s.ID)
		if err != nil || s.Certificate.State != issuance.ShownActive {
			t.Fatalf("%+v, %v", s, err)
		}
		if got := subjectOf(t, r, s.CertificateID); got != "C=VN, L=Hà Nội, O=ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI, CN=Ủy ban nhân dân phường Ba Đình" {
			t.Fatalf("seal's subject %s", got)
		}
		key, err := r.Soft.Credential(t.Context(), s.Certificate.CredentialID)
		if err != nil || key.Unlock != agent.UnlockRole || key.SubjectID != r.Ward.ID {
			t.Fatalf("%+v, %v", key, err)
		}
		long := seal
		long.UnitID = r.Other.ID
		long.OrganisationName = strings.Repeat("Trung tâm ", 8)
		if _, err := r.Submit(r.As("head2", auth.RoleUnitAdmin, r.Other.ID), long); !errors.Is(err, issuance.ErrTooLong) {
			t.Fatalf("a name over 64 characters: %v", err)
		}
	})
}

func subjectOf(t *testing.T, r *desk.Rig, certificateID string) string {
	t.Helper()
	der, err := r.Store.DER(t.Context(), certificateID)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return subjectText(t, cert.RawSubject)
}

func TestOtherUnitsSeeNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		v := r.Issue(t, r.Citizen())
		other := r.As("tuan", auth.RoleCounter, r.Other.ID)
		for name, err := range map[string]error{
			"application": second(r.Get(other, v.ID)),
			"missing":     second(r.Get(other, "no-such")),
			"certificate": second(r.Certificate(other, v.CertificateID)),
			"bytes":       second(r.CertificateDER(other, v.CertificateID)),
			"revoke":      second(r.Revoke(other, v.CertificateID, pki.KeyCompromise, time.Time{})),
			"renew":       second(r.Renew(other, v.CertificateID)),
			"reveal":      second(r.Reveal(other, v.ID, "x")),
			"issue":       second(r.Desk.Issue(other, v.ID)),
		} {
			if !errors.Is(err, auth.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		list, err := r.List(other, issuance.ApplicationQuery{})
		if err != nil || len(list.Items) != 0 {
			t.Errorf("list: %+v, %v", list, err)
		}
		found, err := r.Search(other, issuance.CertificateQuery{Name: "nguyen"})
		if err != nil || len(found.Items) != 0 {
			t.Errorf("search: %+v, %v", found, err)
		}
		auditor := r.As("an", auth.RoleAuditor, auth.WholeCity)
		if _, err := r.Get(auditor, v.ID); err != nil {
			t.Errorf("auditor reads: %v", err)
		}
		if _, err := r.Suspend(auditor, v.CertificateID); !errors.Is(err, auth.ErrDenied) {
			t.Errorf("auditor acts: %v", err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestSearchByNumberNameAndSerialInPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		var last issuance.ApplicationView
		var identity string
		for i := range 5 {
			f := r.Citizen()
			f.Name = []string{"Nguyễn Thị Hoà", "Nguyễn Thị Hòa", "Lê Đình Đạt", "Trần An", "100% Ma_n"}[i]
			identity = f.Identity
			last = r.Issue(t, f)
		}
		ctx := r.Counter()
		for _, c := range []struct {
			q    issuance.CertificateQuery
			want int
		}{
			{issuance.CertificateQuery{Name: "hoa"}, 2},
			{issuance.CertificateQuery{Name: "ĐÌNH đạt"}, 1},
			{issuance.CertificateQuery{Name: "dinh dat"}, 1},
			{issuance.CertificateQuery{Name: "%"}, 1},
			{issuance.CertificateQuery{Identity: identity}, 1},
			{issuance.CertificateQuery{Identity: "001090999999"}, 0},
			{issuance.CertificateQuery{Serial: strings.ToUpper(last.Certificate.Serial)}, 1},
			{issuance.CertificateQuery{UnitID: r.Ward.ID}, 5},
		} {
			p, err := r.Search(ctx, c.q)
			if err != nil || len(p.Items) != c.want {
				t.Errorf("%+v: %d, %v; want %d", c.q, len(p.Items), err, c.want)
			}
		}
		if _, err := r.Search(ctx, issuance.CertificateQuery{}); !errors.Is(err, issuance.ErrQuery) {
			t.Errorf("empty query: %v", err)
		}
		if _, err := r.Search(ctx, issuance.CertificateQuery{Identity: "00109000001"}); !errors.Is(err, issuance.ErrCCCDLength) {
			t.Errorf("eleven digits: %v", err)
		}
		seen := map[string]bool{}
		q := issuance.ApplicationQuery{Limit: 2, States: []issuance.State{issuance.Issued}}
		for {
			p, err := r.List(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range p.Items {
				seen[v.ID] = true
			}
			if q.Cursor = p.Next; p.Next == "" {
				break
			}
		}
		if len(seen) != 5 {
			t.Errorf("%d applications over all pages", len(seen))
		}
	})
}
