package api_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/testkit/db"
	"github.com/kyso-vn/kyso/internal/testkit/softagent"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki"
)

func TestACitizenGetsACertificate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		must(t, r.Units.SetPolicy(r.As("admin", "city_admin", "*"), r.Ward.ID, unit.Policy{NeedsApproval: true}))
		f := r.Citizen()
		a := r.post(t, "lan", "/applications", f)
		var v issuance.ApplicationView
		a.into(t, &v)
		if a.status != http.StatusCreated || v.State != issuance.Submitted || bytes.Contains(a.body, []byte(f.Identity)) {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if a := r.post(t, "lan", "/applications/"+v.ID+"/approve", "{}"); a.status != http.StatusForbidden {
			t.Fatalf("approved by the counter: %d %s", a.status, a.body)
		}
		r.post(t, "minh", "/applications/"+v.ID+"/approve", "").into(t, &v)
		if v.State != issuance.Issued || v.Certificate == nil || v.Certificate.State != issuance.ShownIssued {
			t.Fatalf("approved %+v", v)
		}
		// The owner is nobody to the service: the code is the proof.
		code := r.Code(t, v.ID)
		if a := r.post(t, "", "/applications/"+v.ID+"/activate", map[string]any{"code": "000000000000", "pin": pin, "accept": true}); a.code() != "activation_code_wrong" {
			t.Fatalf("wrong code: %d %s", a.status, a.body)
		}
		var c issuance.CertificateView
		r.post(t, "", "/applications/"+v.ID+"/activate", map[string]any{"code": code, "pin": pin, "accept": true}).into(t, &c)
		if c.State != issuance.ShownActive {
			t.Fatalf("activated %+v", c)
		}
		var page issuance.Page[issuance.CertificateView]
		r.post(t, "lan", "/certificates/search", map[string]any{"identity": f.Identity}).into(t, &page)
		if len(page.Items) != 1 || page.Items[0].ID != c.ID {
			t.Fatalf("found %+v", page)
		}
		for _, step := range []struct {
			verb, body string
			want       issuance.Shown
		}{{"suspend", "", issuance.ShownSuspended}, {"reinstate", "{}", issuance.ShownActive}, {"revoke", `{"reason":"key_compromise"}`, issuance.ShownRevoked}} {
			if r.post(t, "lan", "/certificates/"+c.ID+"/"+step.verb, step.body).into(t, &c); c.State != step.want {
				t.Fatalf("%s: %+v", step.verb, c)
			}
		}
		r.get(t, "lan", "/certificates/"+c.ID).into(t, &c)
		if c.Reason != pki.KeyCompromise.String() {
			t.Fatalf("revoked %+v", c)
		}
		for what, secret := range map[string]string{"identity number": f.Identity, "activation code": code, "PIN": pin, "name": f.Name} {
			if strings.Contains(r.logged.String(), secret) {
				t.Errorf("the %s is in the log", what)
			}
		}
	})
}

func TestADocumentIsSignedSealedAndFetched(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		leader, seal := r.staff(t)
		original := pdf(t, "quyet-dinh")
		a := r.submit(t, "dms", r.document("QD-1"), original)
		var v routing.View
		a.into(t, &v)
		if a.status != http.StatusCreated || a.header.Get("Location") != "/api/v1/documents/"+v.ID {
			t.Fatalf("%d %s", a.status, a.header.Get("Location"))
		}
		if a := r.submit(t, "dms", r.document("QD-1"), original); a.status != http.StatusOK {
			t.Fatalf("resend under another key: %d %s", a.status, a.body)
		}
		// 1. The leader agrees by PIN and one-time password, then signs.
		var g struct {
			SAD          string
			ExpiresAt    time.Time `json:"expires_at"`
			BatchID      string    `json:"batch_id"`
			Confirmation routing.Confirmation
		}
		r.post(t, "vuong", "/authorizations", map[string]any{"credential_id": leader, "documents": []string{v.ID}, "pin": pin, "otp": softagent.OTP}).into(t, &g)
		if g.SAD == "" || g.ExpiresAt.IsZero() || g.Confirmation.Signer != "Trần Quốc Vượng" {
			t.Fatalf("authorised %+v", g)
		}
		var res routing.BatchResult
		r.post(t, "vuong", "/documents/"+v.ID+"/sign", map[string]any{"sad": g.SAD}).into(t, &res)
		if !res.Done || res.Documents[0].State != routing.Signed {
			t.Fatalf("signed %+v", res)
		}
		r.get(t, "vuong", "/batches/"+g.BatchID).into(t, &res)
		if res.State != routing.BatchReleased {
			t.Fatalf("batch %+v", res)
		}
		// 2. The clerk gives number and date; a seal has no PIN.
		r.post(t, "hoa", "/authorizations", map[string]any{"credential_id": seal, "documents": []string{v.ID}, "otp": softagent.OTP,
			"seal": map[string]any{v.ID: map[string]any{"number": "123/QĐ-UBND"}}}).into(t, &g)
		r.post(t, "hoa", "/batches", map[string]any{"sad": g.SAD, "documents": []string{v.ID}}).into(t, &res)
		if res.Documents[0].State != routing.Issued {
			t.Fatalf("sealed %+v", res)
		}
		// 3. The document system fetches it.
		c := r.get(t, "dms", "/documents/"+v.ID+"/content")
		if !bytes.HasPrefix(c.body, original) || c.header.Get("Content-Type") != "application/pdf" ||
			!strings.HasPrefix(c.header.Get("Content-Disposition"), "attachment; filename") {
			t.Fatalf("content: %d, %v", c.status, c.header)
		}
		if first := r.get(t, "dms", "/documents/"+v.ID+"/content?revision=1"); !bytes.Equal(first.body, original) {
			t.Fatal("revision 1 is not the original")
		}
		part := r.do(t, request{path: "/api/v1/documents/" + v.ID + "/content", as: "dms", header: map[string]string{"Range": "bytes=0-3"}})
		if part.status != http.StatusPartialContent || string(part.body) != "%PDF" {
			t.Fatalf("range: %d %q", part.status, part.body)
		}
		var rep struct {
			Verdict    string
			Signatures []struct{ Signer string }
		}
		r.get(t, "dms", "/documents/"+v.ID+"/report").into(t, &rep)
		if rep.Verdict != "TOTAL_PASSED" || len(rep.Signatures) != 2 || rep.Signatures[0].Signer != "Trần Quốc Vượng" {
			t.Fatalf("report %+v", rep)
		}
		var ev struct {
			SHA256       string
			Revisions    []routing.RevisionView
			Level        string
			Signatures   []struct{ Timestamps [][]byte }
			Certificates []string
			CRLs         [][]byte
		}
		r.get(t, "dms", "/documents/"+v.ID+"/evidence").into(t, &ev)
		sum := sha256.Sum256(c.body)
		if ev.SHA256 != hex.EncodeToString(sum[:]) || ev.Level != "B-LT" || len(ev.Signatures) != 2 || len(ev.Signatures[1].Timestamps) != 1 ||
			len(ev.Certificates) < 4 || len(ev.CRLs) < 2 || len(ev.Revisions) < 4 {
			t.Fatalf("evidence %+v", ev)
		}
		for _, text := range ev.Certificates {
			block, _ := pem.Decode([]byte(text))
			if _, err := x509.ParseCertificate(block.Bytes); err != nil {
				t.Fatal(err)
			}
		}
		var page routing.Page
		r.get(t, "vuong", "/documents?box=done&q=phan%20cong&limit=5").into(t, &page)
		if len(page.Items) != 1 {
			t.Fatalf("leader's documents %+v", page)
		}
	})
}

func TestWithoutASADADocumentIsAuthorisedAndSignedInOneGo(t *testing.T) {
	t.Parallel()
	r := newRig(t, db.SQLite(t))
	_, seal := r.staff(t)
	var v routing.View
	in := r.document("QD-1")
	in.Attachments = []routing.Attachment{{Name: "phụ lục.pdf"}, {Name: "bảng.csv", MediaType: "text/csv"}}
	r.submit(t, "dms", in, pdf(t, "quyet-dinh"), pdf(t, "phu-luc"), []byte("a;b")).into(t, &v)
	if a := r.get(t, "vuong", "/documents/"+v.ID+"/attachments/2"); string(a.body) != "a;b" {
		t.Fatalf("attachment: %d %s", a.status, a.body)
	}
	if a := r.post(t, "hoa", "/authorizations", map[string]any{"credential_id": seal, "documents": []string{v.ID}, "otp": softagent.OTP}); a.code() != "seal_before_leader" {
		t.Fatalf("a seal's owner means to seal: %d %s", a.status, a.body)
	}
	if a := r.post(t, "hoa", "/documents/"+v.ID+"/seal", map[string]any{"number": "1/QĐ-UBND", "otp": softagent.OTP}); a.code() != "seal_before_leader" || a.status != http.StatusConflict {
		t.Fatalf("sealed first: %d %s", a.status, a.body)
	}
	if a := r.post(t, "vuong", "/documents/"+v.ID+"/sign", map[string]any{"pin": "19283746", "otp": softagent.OTP}); a.code() != "pin_wrong" {
		t.Fatalf("wrong PIN: %d %s", a.status, a.body)
	}
	var res routing.BatchResult
	r.post(t, "vuong", "/documents/"+v.ID+"/sign", map[string]any{"pin": pin, "otp": softagent.OTP}).into(t, &res)
	r.post(t, "hoa", "/documents/"+v.ID+"/seal", map[string]any{"number": "1/QĐ-UBND", "otp": softagent.OTP}).into(t, &res)
	if res.Documents[0].State != routing.Issued {
		t.Fatalf("sealed %+v", res)
	}
}

func TestHashesAreSignedAsAuthorised(t *testing.T) {
	t.Parallel()
	r := newRig(t, db.SQLite(t))
	leader, _ := r.staff(t)
	one, two := sha256.Sum256([]byte("1")), sha256.Sum256([]byte("2"))
	hashes := [][]byte{one[:], two[:]}
	authorise := func() string {
		var g struct{ SAD string }
		r.post(t, "vuong", "/authorizations", map[string]any{"credential_id": leader, "hashes": hashes, "pin": pin, "otp": softagent.OTP}).into(t, &g)
		return g.SAD
	}
	sad := authorise()
	if a := r.post(t, "vuong", "/signatures", map[string]any{"credential_id": leader, "sad": sad, "hashes": [][]byte{two[:], one[:]}}); a.code() != "sad_mismatch" {
		t.Fatalf("other order: %d %s", a.status, a.body)
	}
	sad = authorise()
	var out struct{ Signatures [][]byte }
	r.post(t, "vuong", "/signatures", map[string]any{"credential_id": leader, "sad": sad, "hashes": hashes}).into(t, &out)
	if len(out.Signatures) != 2 {
		t.Fatalf("%d signatures", len(out.Signatures))
	}
	if a := r.post(t, "vuong", "/signatures", map[string]any{"credential_id": leader, "sad": sad, "hashes": hashes}); a.code() != "sad_used" {
		t.Fatalf("again: %d %s", a.status, a.body)
	}
	var list struct {
		Items []struct {
			CredentialID string `json:"credential_id"`
			NeedsPIN     bool   `json:"needs_pin"`
		}
	}
	r.get(t, "vuong", "/credentials").into(t, &list)
	if len(list.Items) != 1 || list.Items[0].CredentialID != leader || !list.Items[0].NeedsPIN {
		t.Fatalf("credentials %+v", list)
	}
	r.post(t, "vuong", "/credentials/"+leader+"/pin", map[string]any{"old_pin": pin, "new_pin": "73519264"}).into(t, new(json.RawMessage))
	if a := r.post(t, "vuong", "/authorizations", map[string]any{"credential_id": leader, "hashes": hashes, "pin": pin, "otp": softagent.OTP}); a.code() != "pin_wrong" {
		t.Fatalf("old PIN: %d %s", a.status, a.body)
	}
}

func TestCountsAndUnitsAreTold(t *testing.T) {
	t.Parallel()
	r := newRig(t, db.SQLite(t))
	r.Issue(t, r.Citizen())
	var rep struct{ Total struct{ New, Closing int64 } }
	r.get(t, "head", "/reports/issuance?from=2026-11-01&to=2026-11-21&by=unit&kind=citizen").into(t, &rep)
	if rep.Total.New != 1 || rep.Total.Closing != 1 {
		t.Fatalf("counts %+v", rep)
	}
	if a := r.get(t, "head", "/reports/issuance?from=2026-11-01&to=2026-11-21&by=day&format=csv"); !bytes.HasPrefix(a.body, []byte("\xef\xbb\xbf")) || !strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") {
		t.Fatalf("csv: %d %q", a.status, a.body)
	}
	if a := r.get(t, "head", "/reports/documents?from=2026-11-01&to=2026-11-21&format=xlsx"); !bytes.HasPrefix(a.body, []byte("PK")) {
		t.Fatalf("xlsx: %d %q", a.status, a.body)
	}
	var page struct {
		Items []unit.Unit
		Next  string
	}
	r.get(t, "lan", "/units?q=phuong&limit=1").into(t, &page)
	if len(page.Items) != 1 || page.Next == "" {
		t.Fatalf("units %+v", page)
	}
	first := page.Items[0].ID
	page.Next = ""
	if r.get(t, "lan", "/units?q=phuong&limit=1&cursor="+first).into(t, &page); len(page.Items) != 1 || page.Next != "" || page.Items[0].ID == first {
		t.Fatalf("rest of the units %+v", page)
	}
	r.get(t, "lan", "/units?code="+r.Ward.Code).into(t, &page)
	if len(page.Items) != 1 || page.Items[0].ID != r.Ward.ID {
		t.Fatalf("unit by code %+v", page)
	}
	var points struct{ Items []unit.Point }
	if r.get(t, "lan", "/units/"+r.Ward.ID+"/points").into(t, &points); len(points.Items) != 1 {
		t.Fatalf("points %+v", points)
	}
}
