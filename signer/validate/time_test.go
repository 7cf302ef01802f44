package validate_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/testkit/trust"
	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/validate"
)

// refill puts another CMS into the place of the last signature.
func refill(t testing.TB, file []byte, change func(der []byte) ([]byte, error)) []byte {
	t.Helper()
	from, _ := contentsOf(t, file)
	end := from + bytes.IndexByte(file[from:], '>')
	old := make([]byte, (end-from)/2)
	if _, err := hex.Decode(old, file[from:end]); err != nil {
		t.Fatal(err)
	}
	der, _, err := cms.Split(old)
	if err != nil {
		t.Fatal(err)
	}
	if der, err = change(der); err != nil {
		t.Fatal(err)
	}
	if len(der) > len(old) {
		t.Fatal("no room")
	}
	out := bytes.Clone(file)
	hex.Encode(out[from:end], append(der, make([]byte, len(old)-len(der))...))
	return out
}

func TestAnImprintOfAnotherValueFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := refill(t, finish(t, read(t, "to-trinh.pdf"), w.leader, pades.Options{}, nil), func(der []byte) ([]byte, error) {
		token, err := w.TSA.Timestamp(t.Context(), crypto.SHA256, make([]byte, 32))
		if err != nil {
			return nil, err
		}
		return cms.WithTimestamp(der, token)
	})
	r := judge(t, file, w.options(t))
	expect(t, r, validate.VerdictIndeterminate, "imprint_mismatch")
	if r.Signatures[0].BestTime != nil || r.Signatures[0].Level != signer.LevelB {
		t.Error(show(r))
	}
	good := judge(t, finish(t, read(t, "to-trinh.pdf"), w.leader, pades.Options{}, w.TSA), w.options(t))
	if good.Verdict != validate.VerdictPassed || good.Signatures[0].BestTime == nil || good.Signatures[0].Level != signer.LevelT {
		t.Error(show(good))
	}
}

func TestRevocationWithAndWithoutATimestamp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := read(t, "to-trinh.pdf")
	plain := finish(t, in, w.leader, pades.Options{}, nil)
	stamped := finish(t, in, w.leader, pades.Options{}, w.TSA)
	if err := w.Revoke(w.leader.Cert, time.Now().Add(30*time.Second)); err != nil {
		t.Fatal(err)
	}
	o := w.options(t)
	o.Now = func() time.Time { return time.Now().Add(time.Minute) }
	expect(t, judge(t, plain, o), validate.VerdictIndeterminate, "certificate_revoked")
	if r := judge(t, plain, o); r.Signatures[0].SubIndication != validate.RevokedNoPOE {
		t.Error(show(r))
	}
	if r := judge(t, stamped, o); r.Verdict != validate.VerdictPassed {
		t.Errorf("time-stamped before the revocation: %s", show(r))
	}
	if err := w.Revoke(w.seal.Cert, time.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	late := finish(t, in, w.seal, pades.Options{}, w.TSA)
	expect(t, judge(t, late, w.options(t)), validate.VerdictIndeterminate, "certificate_revoked")
}

func TestTrustDecides(t *testing.T) {
	t.Parallel()
	w, stranger := newWorld(t), newWorld(t)
	file := w.sign(t, read(t, "to-trinh.pdf"), w.leader, signer.LevelB, pades.Options{})
	for name, c := range map[string]struct {
		o    validate.Options
		sub  validate.SubIndication
		code string
	}{
		"nobody":        {validate.Options{}, validate.NoChainFound, "no_anchor"},
		"somebody else": {stranger.options(t), validate.NoChainFound, "no_anchor"},
		"no revocation": {validate.Options{Anchors: w.options(t).Anchors}, validate.TryLater, "revocation_unknown"},
		"expired": {validate.Options{Anchors: w.options(t).Anchors, Now: func() time.Time { return time.Now().AddDate(1, 0, 0) }},
			validate.OutOfBoundsNoPOE, "certificate_expired"},
		"too early": {validate.Options{Anchors: w.options(t).Anchors, At: time.Now().AddDate(-1, 0, 0)}, validate.OutOfBoundsNoPOE, "certificate_not_yet_valid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := judge(t, file, c.o)
			expect(t, r, validate.VerdictIndeterminate, c.code)
			if r.Signatures[0].SubIndication != c.sub {
				t.Error(show(r))
			}
		})
	}
	anchored := w.options(t)
	anchored.Anchors, anchored.CRLs = []path.AnchorList{{Name: "một mình", Certificates: []*x509.Certificate{w.leader.Cert}}}, nil
	if r := judge(t, file, anchored); r.Verdict != validate.VerdictPassed {
		t.Errorf("a trust anchor needs no revocation check: %s", show(r))
	}
}

func TestLongAfterwardsOnlyArchivesHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(t)
	o.CRLs = nil
	o.Now = func() time.Time { return time.Now().Add(40 * time.Hour) } // all revocation data has ended, no certificate has
	in := read(t, "to-trinh.pdf")
	if r := judge(t, w.sign(t, in, w.leader, signer.LevelLT, pades.Options{}), o); r.Verdict != validate.VerdictPassed || r.Signatures[0].Level != signer.LevelLT {
		t.Errorf("B-LT: %s", show(r))
	}
	o.Now = func() time.Time { return time.Now().AddDate(1, 0, 0) } // the TSA's certificate has ended too
	r := judge(t, w.sign(t, in, w.leader, signer.LevelLT, pades.Options{}), o)
	expect(t, r, validate.VerdictIndeterminate, "timestamp_untrusted")
}

// TestAnotherCertificateForTheKeyFails swaps the signer's certificate for one of the same
// name, number and key: only the signed reference tells them apart.
func TestAnotherCertificateForTheKeyFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	caKey, now := w.leader.Key, time.Now()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(77), Subject: pkix.Name{CommonName: "Tự cấp"}, NotBefore: now.Add(-time.Hour),
		NotAfter: now.Add(time.Hour).Truncate(time.Second), KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true}
	make := func(end time.Time) *x509.Certificate {
		tmpl.NotAfter = end
		der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, caKey.Public(), caKey)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := make(now.Add(time.Hour))
	second := make(now.Add(2 * time.Hour))
	for len(second.Raw) != len(first.Raw) {
		second = make(now.Add(2 * time.Hour))
	}
	file := finish(t, read(t, "to-trinh.pdf"), &trust.Person{Key: caKey, Cert: first}, pades.Options{}, nil)
	o := validate.Options{Anchors: []path.AnchorList{{Name: "thử", Certificates: []*x509.Certificate{first, second}}}}
	if r := judge(t, file, o); r.Verdict != validate.VerdictPassed {
		t.Fatal(show(r))
	}
	swapped := bytes.Replace(file, []byte(hex.EncodeToString(first.Raw)), []byte(hex.EncodeToString(second.Raw)), 1)
	if bytes.Equal(swapped, file) {
		swapped = bytes.Replace(file, bytes.ToUpper([]byte(hex.EncodeToString(first.Raw))), []byte(hex.EncodeToString(second.Raw)), 1)
	}
	if bytes.Equal(swapped, file) {
		t.Fatal("certificate not found")
	}
	expect(t, judge(t, swapped, o), validate.VerdictIndeterminate, "ess_mismatch")
}
