package ca_test

import (
	"testing"

	"github.com/kyso-vn/kyso/pki/ca"
	"github.com/kyso-vn/kyso/pki/ca/catest"
)

func TestEveryProfileIssuesWithoutFindings(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"P-256", "P-384", "RSA-3072"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := catest.New(t, catest.Config{RootKey: catest.Key(t, kind), IssuingKey: catest.Key(t, kind)})
			for name := range catest.Subjects() {
				c, _ := w.Certify(t, name)
				if err := c.CheckSignatureFrom(w.Issuing.Certificate()); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

func BenchmarkPrepare(b *testing.B) {
	w := catest.New(b, catest.Config{})
	r := ca.Request{Profile: w.Profile(b, "citizen"), Subject: catest.Subjects()["citizen"], PublicKey: catest.Key(b, "P-256").Public()}
	for b.Loop() {
		if _, err := w.Issuing.Prepare(r); err != nil {
			b.Fatal(err)
		}
	}
}
