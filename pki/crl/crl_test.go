package crl_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"math/big"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ca"
	"github.com/kyso-vn/kyso/pki/ca/catest"
	"github.com/kyso-vn/kyso/pki/crl"
)

// make builds one list and returns its DER.
func build(t testing.TB, w *catest.World, a *ca.CA, tmpl crl.Template) []byte {
	t.Helper()
	tmpl.Issuer = a.Certificate()
	if tmpl.ThisUpdate.IsZero() {
		tmpl.ThisUpdate = time.Now()
	}
	tmpl.NextUpdate = tmpl.ThisUpdate.Add(24 * time.Hour)
	if tmpl.Number == nil {
		tmpl.Number = crl.Number(tmpl.ThisUpdate, nil)
	}
	d, err := crl.Prepare(tmpl, w.Linter)
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range d.Warnings() {
		t.Errorf("%s %s", warning.Severity, warning.Lint)
	}
	key := w.IssuingKey
	if a == w.Root {
		key = w.RootKey
	}
	der, err := crl.Issue(context.Background(), key, d)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// shardTemplate is the list of one shard of the issuing CA.
func shardTemplate(w *catest.World, shard int, entries ...crl.Entry) crl.Template {
	return crl.Template{Address: w.Issuing.Addresses().Shard(shard), Shard: shard, Shards: w.Issuing.Shards(),
		Entries: crl.Entries(entries)}
}

func serialOf(t testing.TB, c *x509.Certificate) pki.Serial {
	t.Helper()
	s, err := pki.SerialFromBig(c.SerialNumber)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// openssl runs the judge; a missing one fails the test.
func openssl(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, err := exec.Command("openssl", args...).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Fatal(err)
	}
	return string(out), err
}

func TestOpenSSLJudgesShards(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"P-256", "RSA-3072"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := catest.New(t, catest.Config{IssuingKey: catest.Key(t, kind)})
			c, _ := w.Certify(t, "citizen")
			serial := serialOf(t, c)
			shard := serial.Shard(w.Issuing.Shards())
			root := build(t, w, w.Root, crl.Template{})
			good := build(t, w, w.Issuing, shardTemplate(w, shard))
			revoked := build(t, w, w.Issuing, shardTemplate(w, shard,
				crl.Entry{Serial: serial, RevokedAt: time.Now(), Reason: pki.KeyCompromise, InvalidityDate: time.Now().Add(-time.Hour)}))
			other := build(t, w, w.Issuing, shardTemplate(w, (shard+1)%w.Issuing.Shards()))

			dir := t.TempDir()
			rootPEM := catest.WritePEM(t, filepath.Join(dir, "root.pem"), "CERTIFICATE", w.Root.Certificate().Raw)
			caPEM := catest.WritePEM(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", w.Issuing.Certificate().Raw)
			leafPEM := catest.WritePEM(t, filepath.Join(dir, "leaf.pem"), "CERTIFICATE", c.Raw)
			for _, extended := range []bool{false, true} {
				for _, row := range []struct {
					name string
					list []byte
					want string // in OpenSSL's words; "" if it must accept
				}{
					{"good", good, ""},
					{"revoked", revoked, "certificate revoked"},
					{"wrong shard", other, "Different CRL scope"},
				} {
					lists := catest.WritePEM(t, filepath.Join(dir, strings.ReplaceAll(row.name, " ", "_")+".pem"), "X509 CRL", root, row.list)
					args := []string{"verify", "-x509_strict", "-crl_check_all", "-CAfile", rootPEM, "-untrusted", caPEM, "-CRLfile", lists}
					if extended {
						args = append(args, "-extended_crl")
					}
					out, err := openssl(t, append(args, leafPEM)...)
					if (err == nil) != (row.want == "") || !strings.Contains(strings.ToLower(out), strings.ToLower(row.want)) {
						t.Errorf("%s, extended %v: %v\n%s", row.name, extended, err, out)
					}
				}
			}
		})
	}
}

func TestReasonSurvivesRegeneration(t *testing.T) {
	t.Parallel()
	w := catest.New(t, catest.Config{WholeCRL: true, Now: func() time.Time { return time.Now().Add(-100 * time.Hour) }})
	var want []crl.Entry
	start := time.Now().Add(-50 * time.Hour).UTC().Truncate(time.Second)
	for r := pki.Unspecified; r <= pki.AACompromise; r++ {
		if !r.Revokes() {
			continue
		}
		serial, err := pki.NewSerial(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		e := crl.Entry{Serial: serial, RevokedAt: start, Reason: r}
		if r%2 == 1 {
			e.InvalidityDate = start.Add(-time.Hour)
		}
		want = append(want, e)
	}
	entries := want
	var last *big.Int
	for i := range 4 {
		der := build(t, w, w.Issuing, crl.Template{Entries: crl.Entries(entries), Number: crl.Number(start, last)})
		l, err := crl.Parse(der, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Verify(w.Issuing.Certificate(), nil, time.Now()); err != nil {
			t.Fatal(err)
		}
		if last != nil && l.Number.Cmp(last) <= 0 {
			t.Errorf("list %d: number %s doesn't grow from %s", i, l.Number, last)
		}
		last = l.Number
		entries = nil
		for _, e := range want { // the next list is made of what was read from this one
			got, ok := l.Find(e.Serial)
			if !ok || got.Reason != e.Reason || !got.RevokedAt.Equal(e.RevokedAt) || !got.InvalidityDate.Equal(e.InvalidityDate) {
				t.Fatalf("list %d: %+v, want %+v", i, got, e)
			}
			entries = append(entries, got)
		}
		if l.Len() != len(want) {
			t.Fatalf("%d entries, want %d", l.Len(), len(want))
		}
	}
}

func TestEntryStaysUntilOneListAfterExpiry(t *testing.T) {
	t.Parallel()
	expiry := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		previous time.Time
		want     bool
	}{
		{time.Time{}, true},
		{expiry.Add(-time.Hour), true},
		{expiry, true},
		{expiry.Add(time.Second), false},
	} {
		if got := crl.Stays(expiry, row.previous); got != row.want {
			t.Errorf("previous list at %v: %v", row.previous, got)
		}
	}
}

func TestBadListsAreRefused(t *testing.T) {
	t.Parallel()
	w := catest.New(t, catest.Config{})
	serial, err := pki.NewSerial(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	shard := serial.Shard(128)
	now := time.Now()
	good := crl.Entry{Serial: serial, RevokedAt: now}
	for name, row := range map[string]struct {
		change func(*crl.Template)
		code   pki.Code
	}{
		"nextUpdate before thisUpdate": {func(t *crl.Template) { t.NextUpdate = t.ThisUpdate }, crl.ErrTemplate},
		"no number":                    {func(t *crl.Template) { t.Number = nil }, crl.ErrTemplate},
		"shard without an address":     {func(t *crl.Template) { t.Address = "" }, crl.ErrTemplate},
		"before the CA":                {func(t *crl.Template) { t.ThisUpdate = now.AddDate(-1, 0, 0) }, crl.ErrTemplate},
		"another shard":                {func(t *crl.Template) { t.Shard = (shard + 1) % 128 }, crl.ErrEntry},
		"twice":                        {func(t *crl.Template) { t.Entries = crl.Entries([]crl.Entry{good, good}) }, crl.ErrEntry},
		"removeFromCRL": {func(t *crl.Template) {
			t.Entries = crl.Entries([]crl.Entry{{Serial: serial, RevokedAt: now, Reason: pki.RemoveFromCRL}})
		}, crl.ErrEntry},
		"revoked tomorrow": {func(t *crl.Template) {
			t.Entries = crl.Entries([]crl.Entry{{Serial: serial, RevokedAt: now.Add(24 * time.Hour)}})
		}, crl.ErrEntry},
		"source fails": {func(t *crl.Template) {
			t.Entries = func(yield func(crl.Entry, error) bool) { yield(crl.Entry{}, crl.ErrStale) }
		}, ""},
	} {
		tmpl := shardTemplate(w, shard, good)
		tmpl.Issuer, tmpl.ThisUpdate, tmpl.NextUpdate, tmpl.Number = w.Issuing.Certificate(), now, now.Add(time.Hour), big.NewInt(1)
		row.change(&tmpl)
		_, err := crl.Prepare(tmpl, w.Linter)
		if err == nil || pki.CodeOf(err) != row.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestListOfAnotherShardOrTimeSaysNothing(t *testing.T) {
	t.Parallel()
	w := catest.New(t, catest.Config{})
	c, _ := w.Certify(t, "citizen")
	shard := serialOf(t, c).Shard(128)
	own, err := crl.Parse(build(t, w, w.Issuing, shardTemplate(w, shard)), 0)
	if err != nil {
		t.Fatal(err)
	}
	other, err := crl.Parse(build(t, w, w.Issuing, shardTemplate(w, (shard+5)%128)), 0)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, row := range map[string]struct {
		err  error
		want error
	}{
		"own":          {own.Verify(w.Issuing.Certificate(), c, now), nil},
		"other":        {other.Verify(w.Issuing.Certificate(), c, now), crl.ErrScope},
		"later":        {own.Verify(w.Issuing.Certificate(), c, now.Add(25*time.Hour)), crl.ErrStale},
		"earlier":      {own.Verify(w.Issuing.Certificate(), c, now.Add(-time.Hour)), crl.ErrStale},
		"another's CA": {own.Verify(w.Root.Certificate(), c, now), crl.ErrScope},
	} {
		if !errors.Is(row.err, row.want) {
			t.Errorf("%s: %v, want %v", name, row.err, row.want)
		}
	}
}

func TestDraftIsTakenOnce(t *testing.T) {
	t.Parallel()
	w := catest.New(t, catest.Config{})
	now := time.Now()
	d, err := crl.Prepare(crl.Template{Issuer: w.Root.Certificate(), ThisUpdate: now, NextUpdate: now.Add(time.Hour), Number: big.NewInt(7)}, w.Linter)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := crl.Issue(context.Background(), w.IssuingKey, d); !errors.Is(err, crl.ErrTemplate) {
		t.Errorf("another CA's key: %v", err)
	}
	if _, err := crl.Issue(context.Background(), w.RootKey, d); err != nil {
		t.Fatal(err)
	}
	if _, err := crl.Issue(context.Background(), w.RootKey, d); !errors.Is(err, crl.ErrDraftUsed) {
		t.Errorf("second time: %v", err)
	}
}

func BenchmarkShards300k(b *testing.B) {
	w := catest.New(b, catest.Config{})
	now := time.Now()
	shards := make([][]crl.Entry, 128)
	for range 300_000 {
		serial, err := pki.NewSerial(rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		i := serial.Shard(128)
		shards[i] = append(shards[i], crl.Entry{Serial: serial, RevokedAt: now, Reason: pki.KeyCompromise})
	}
	b.ReportAllocs()
	for b.Loop() {
		for i, entries := range shards {
			build(b, w, w.Issuing, shardTemplate(w, i, entries...))
		}
	}
}
