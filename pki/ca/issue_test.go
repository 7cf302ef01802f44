package ca_test

import (
	"testing"

	"github.com/kyso-vn/kyso/pki/ca"
)

func TestEveryProfileIssuesWithoutFindings(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"P-256", "P-384", "RSA"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, kind)
			for name, subject := range subjects() {
				p := w.profile(t, name)
				c := issue(t, w.issuing, ca.Request{Profile: p, Subject: subject, PublicKey: newKey(t, "P-256").Public()})
				if err := c.CheckSignatureFrom(w.issuing.Certificate()); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

func BenchmarkPrepare(b *testing.B) {
	w := newWorld(b, "P-256")
	r := ca.Request{Profile: w.profile(b, "citizen"), Subject: subjects()["citizen"], PublicKey: newKey(b, "P-256").Public()}
	for b.Loop() {
		if _, err := w.issuing.Prepare(r); err != nil {
			b.Fatal(err)
		}
	}
}
