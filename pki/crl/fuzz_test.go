package crl_test

import (
	"testing"
	"time"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ca/catest"
	"github.com/kyso-vn/kyso/pki/crl"
)

// FuzzParse: what is read can be made again, and reads the same.
func FuzzParse(f *testing.F) {
	w := catest.New(f, catest.Config{WholeCRL: true})
	c, _ := w.Certify(f, "citizen")
	serial := serialOf(f, c)
	f.Add(build(f, w, w.Issuing, crl.Template{Entries: crl.Entries([]crl.Entry{
		{Serial: serial, RevokedAt: time.Now(), Reason: pki.KeyCompromise, InvalidityDate: time.Now().Add(-time.Hour)}})}))
	f.Add(build(f, w, w.Root, crl.Template{}))
	f.Add([]byte{0x30, 0x84, 1})
	f.Fuzz(func(t *testing.T, der []byte) {
		l, err := crl.Parse(der, 1<<20)
		if err != nil {
			if pki.CodeOf(err) == "" {
				t.Errorf("no code: %v", err)
			}
			return
		}
		e, found := l.Find(serial)
		if !found || e.RevokedAt.Before(w.Issuing.Certificate().NotBefore) || e.RevokedAt.After(time.Now()) || e.InvalidityDate.After(e.RevokedAt) ||
			(!e.InvalidityDate.IsZero() && e.InvalidityDate.Year() < 1950) {
			return
		}
		again, err := crl.Parse(build(t, w, w.Issuing, crl.Template{Entries: crl.Entries([]crl.Entry{e})}), 0)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := again.Find(serial); !ok || got.Reason != e.Reason || !got.RevokedAt.Equal(e.RevokedAt.Truncate(time.Second)) {
			t.Fatalf("%+v became %+v", e, got)
		}
	})
}
