package path

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/pki"
	xocsp "golang.org/x/crypto/ocsp"
)

const (
	shardURL = "http://pki.example.vn/crl/ca/17.crl"
	ocspURL  = "http://pki.example.vn/ocsp/ca"
)

var (
	noCheck     = pkix.Extension{Id: oidOCSPNoCheck, Value: []byte{5, 0}}
	boolTrue    = func(tag int) asn1.RawValue { return asn1.RawValue{Class: 2, Tag: tag, Bytes: []byte{0xFF}} }
	someReasons = asn1.RawValue{Class: 2, Tag: 3, Bytes: []byte{6, 0x40}}
)

func responder(c *x509.Certificate) {
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
	c.ExtraExtensions = []pkix.Extension{noCheck}
}

// TestStatusOfTheLeaf puts evidence about the leaf at hand; the issuing CA is
// always good by a CRL of the root.
func TestStatusOfTheLeaf(t *testing.T) {
	t.Parallel()
	const min, hour = time.Minute, time.Hour
	fresh := func(o ocspOptions) ocspOptions { o.this, o.next = -min, hour; return o }
	freshCRL := func(o crlOptions) crlOptions { o.this, o.next = -min, hour; return o }
	type evidence = func(*testing.T, *world) (ocsps, crls [][]byte)
	ocsp := func(o ocspOptions) evidence {
		return func(t *testing.T, w *world) ([][]byte, [][]byte) { return [][]byte{w.ocsp(t, w.end, w.ica, o)}, nil }
	}
	delegated := func(change func(*x509.Certificate), by func(*world) *entity) evidence {
		return func(t *testing.T, w *world) ([][]byte, [][]byte) {
			r := issue(t, w.now, "OCSP", by(w), false, change)
			return [][]byte{w.ocsp(t, w.end, w.ica, fresh(ocspOptions{responder: r}))}, nil
		}
	}
	crl := func(make func(*testing.T, *world) crlOptions) evidence {
		return func(t *testing.T, w *world) ([][]byte, [][]byte) { return nil, [][]byte{w.crl(t, w.ica, make(t, w))} }
	}
	plain := func(o crlOptions) func(*testing.T, *world) crlOptions {
		return func(*testing.T, *world) crlOptions { return o }
	}
	listed := func(at time.Duration, reason pki.Reason) func(*testing.T, *world) crlOptions {
		return func(_ *testing.T, w *world) crlOptions {
			return freshCRL(crlOptions{revoked: []x509.RevocationListEntry{w.entry(w.root, -hour, 0), w.entry(w.end, at, reason)}})
		}
	}
	scoped := func(fields ...asn1.RawValue) func(*testing.T, *world) crlOptions {
		return func(t *testing.T, _ *world) crlOptions {
			return freshCRL(crlOptions{extra: []pkix.Extension{idp(t, fields...)}})
		}
	}
	issuing := func(w *world) *entity { return w.ica }
	for name, tc := range map[string]struct {
		evidence evidence
		at       time.Duration // judged at, relative to now
		want     Status
		reason   pki.Reason
	}{
		"nothing":               {want: Unknown},
		"OCSP good":             {evidence: ocsp(fresh(ocspOptions{})), want: Good},
		"OCSP revoked":          {evidence: ocsp(fresh(ocspOptions{status: xocsp.Revoked, revokedAt: -2 * min, reason: pki.KeyCompromise})), want: Revoked, reason: pki.KeyCompromise},
		"OCSP revoked later":    {evidence: ocsp(fresh(ocspOptions{status: xocsp.Revoked, revokedAt: -2 * min, reason: pki.Superseded})), at: -10 * min, want: Good, reason: pki.Superseded},
		"OCSP unknown":          {evidence: ocsp(fresh(ocspOptions{status: xocsp.Unknown})), want: Unknown},
		"OCSP expired":          {evidence: ocsp(ocspOptions{this: -hour, next: -min}), want: Unknown},
		"OCSP expired since":    {evidence: ocsp(ocspOptions{this: -30 * min, next: -min}), at: -10 * min, want: Good},
		"OCSP made later":       {evidence: ocsp(fresh(ocspOptions{})), at: -30 * min, want: Good},
		"OCSP of the future":    {evidence: ocsp(ocspOptions{this: 10 * min, next: hour}), want: Unknown},
		"OCSP without end":      {evidence: ocsp(ocspOptions{this: -min, noNext: true}), want: Good},
		"OCSP without end, old": {evidence: ocsp(ocspOptions{this: -25 * hour, noNext: true}), want: Unknown},
		"OCSP delegated":        {evidence: delegated(responder, issuing), want: Good},
		"OCSP by root's":        {evidence: delegated(responder, func(w *world) *entity { return w.root }), want: Unknown},
		"OCSP by no responder":  {evidence: delegated(nil, issuing), want: Unknown},
		"OCSP by a fellow leaf": {evidence: func(t *testing.T, w *world) ([][]byte, [][]byte) {
			return [][]byte{w.ocsp(t, w.end, w.ica, fresh(ocspOptions{responder: w.end}))}, nil
		}, want: Unknown},
		"OCSP responder unknown": {evidence: delegated(func(c *x509.Certificate) { responder(c); c.ExtraExtensions = nil }, issuing), want: Unknown},
		"OCSP responder over": {evidence: delegated(func(c *x509.Certificate) { responder(c); c.NotAfter = time.Now().Add(-30 * min) }, issuing),
			want: Unknown},
		"OCSP of another": {evidence: func(t *testing.T, w *world) ([][]byte, [][]byte) {
			return [][]byte{w.ocsp(t, w.root, w.ica, fresh(ocspOptions{}))}, nil
		}, want: Unknown},
		"garbage": {evidence: func(*testing.T, *world) ([][]byte, [][]byte) {
			return [][]byte{{0x30, 0x81}}, [][]byte{{0x30, 0x84, 1}}
		}, want: Unknown},
		"CRL good":          {evidence: crl(plain(freshCRL(crlOptions{}))), want: Good},
		"CRL revoked":       {evidence: crl(listed(-2*min, pki.CessationOfOperation)), want: Revoked, reason: pki.CessationOfOperation},
		"CRL revoked later": {evidence: crl(listed(-2*min, pki.Superseded)), at: -10 * min, want: Good, reason: pki.Superseded},
		"CRL on hold":       {evidence: crl(listed(-2*min, pki.CertificateHold)), want: Revoked, reason: pki.CertificateHold},
		"CRL expired":       {evidence: crl(plain(crlOptions{this: -hour, next: -min})), want: Unknown},
		"CRL of the future": {evidence: crl(plain(crlOptions{this: 10 * min, next: hour})), want: Unknown},
		"CRL by another key": {evidence: func(t *testing.T, w *world) ([][]byte, [][]byte) {
			x := issue(t, w.now, "CA cấp dưới", w.root, true, nil)
			return nil, [][]byte{w.crl(t, x, freshCRL(crlOptions{}))}
		}, want: Unknown},
		"CRL of the root": {evidence: func(t *testing.T, w *world) ([][]byte, [][]byte) {
			return nil, [][]byte{w.crl(t, w.root, freshCRL(crlOptions{}))}
		}, want: Unknown},
		"CRL by the same key under another name": {evidence: func(t *testing.T, w *world) ([][]byte, [][]byte) {
			x := issueKey(t, w.now, "CA khác", w.ica.key, w.root, true, nil)
			return nil, [][]byte{w.crl(t, x, freshCRL(crlOptions{}))}
		}, want: Unknown},
		"CRL signature broken": {evidence: func(t *testing.T, w *world) ([][]byte, [][]byte) {
			der := w.crl(t, w.ica, freshCRL(crlOptions{}))
			der[len(der)-1] ^= 1
			return nil, [][]byte{der}
		}, want: Unknown},
		"shard, the right one": {evidence: crl(scopedFull(freshCRL, shardURL)), want: Good},
		"shard, another":       {evidence: crl(scopedFull(freshCRL, shardURL+"x")), want: Unknown},
		"shard, case differs":  {evidence: crl(scopedFull(freshCRL, "http://PKI.example.vn/crl/ca/17.crl")), want: Unknown},
		"only end entities":    {evidence: crl(scoped(boolTrue(1))), want: Good},
		"only CAs":             {evidence: crl(scoped(boolTrue(2))), want: Unknown},
		"some reasons":         {evidence: crl(scoped(someReasons)), want: Unknown},
		"indirect":             {evidence: crl(scoped(boolTrue(4))), want: Unknown},
		"delta": {evidence: crl(plain(freshCRL(crlOptions{extra: []pkix.Extension{
			{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}}}}))), want: Unknown},
		"unknown critical extension": {evidence: crl(plain(freshCRL(crlOptions{extra: []pkix.Extension{
			{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}}))), want: Unknown},
		"CRL says revoked, OCSP good": {evidence: func(t *testing.T, w *world) ([][]byte, [][]byte) {
			return [][]byte{w.ocsp(t, w.end, w.ica, fresh(ocspOptions{}))}, [][]byte{w.crl(t, w.ica, listed(-2*min, pki.KeyCompromise)(t, w))}
		}, want: Revoked, reason: pki.KeyCompromise},
		"revoked for good, later called good": {evidence: func(t *testing.T, w *world) ([][]byte, [][]byte) {
			final := listed(-20*min, pki.Superseded)(t, w)
			final.this = -15 * min
			return [][]byte{w.ocsp(t, w.end, w.ica, fresh(ocspOptions{}))}, [][]byte{w.crl(t, w.ica, final)}
		}, want: Revoked, reason: pki.Superseded},
		"OCSP responder of a weak key": {evidence: func(t *testing.T, w *world) ([][]byte, [][]byte) {
			r := issueKey(t, w.now, "OCSP", must(rsa1024Key())(t), w.ica, false, responder)
			return [][]byte{w.ocsp(t, w.end, w.ica, fresh(ocspOptions{responder: r}))}, nil
		}, want: Unknown},
		"hold ended": {evidence: func(t *testing.T, w *world) ([][]byte, [][]byte) {
			hold := listed(-20*min, pki.CertificateHold)(t, w)
			hold.this = -15 * min
			return [][]byte{w.ocsp(t, w.end, w.ica, fresh(ocspOptions{}))}, [][]byte{w.crl(t, w.ica, hold)}
		}, want: Good},
		"hold ended after the time in question": {evidence: func(t *testing.T, w *world) ([][]byte, [][]byte) {
			hold := listed(-20*min, pki.CertificateHold)(t, w)
			hold.this = -15 * min
			return [][]byte{w.ocsp(t, w.end, w.ica, fresh(ocspOptions{}))}, [][]byte{w.crl(t, w.ica, hold)}
		}, at: -10 * min, want: Revoked, reason: pki.CertificateHold},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, spoil{end: func(c *x509.Certificate) { c.CRLDistributionPoints = []string{shardURL} }})
			o := w.options()
			o.At = w.now.Add(tc.at)
			o.Evidence.CRLs = [][]byte{w.crl(t, w.root, crlOptions{this: -time.Hour, next: time.Hour})}
			if tc.evidence != nil {
				ocsps, crls := tc.evidence(t, w)
				o.Evidence.OCSPs, o.Evidence.CRLs = ocsps, append(o.Evidence.CRLs, crls...)
			}
			r := must(Validate(context.Background(), w.end.cert, o))(t)
			got := r.Certificates[0]
			if got.Status != tc.want || got.Reason != tc.reason {
				t.Errorf("got %v (%v), want %v (%v); problems %v", got.Status, got.Reason, tc.want, tc.reason, got.Problems)
			}
			if r.Certificates[1].Status != Good || r.Certificates[2].Status != Trusted {
				t.Errorf("CA %v, anchor %v", r.Certificates[1].Status, r.Certificates[2].Status)
			}
			want := map[Status]error{Good: nil, Revoked: ErrRevoked, Unknown: ErrUnknown}[tc.want]
			if err := r.Check(); want == nil && err != nil || want != nil && !errors.Is(err, want) {
				t.Errorf("Check: %v", err)
			}
			if (got.Status != Unknown) != (len(got.Evidence) > 0) {
				t.Error("evidence does not go with the status")
			}
		})
	}
}

func scopedFull(fresh func(crlOptions) crlOptions, uri string) func(*testing.T, *world) crlOptions {
	return func(t *testing.T, _ *world) crlOptions {
		return fresh(crlOptions{extra: []pkix.Extension{idp(t, fullName(t, uri))}})
	}
}

func TestListMadeAfterTheEndOfTheCertificateProvesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, spoil{end: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-10 * time.Minute) }})
	o := w.options()
	o.At = w.now.Add(-20 * time.Minute)
	kept := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 60},
		Value: must(asn1.MarshalWithParams(w.now.Add(-time.Hour).UTC(), "generalized"))(t)}
	rootCRL := w.crl(t, w.root, crlOptions{this: -time.Minute, next: time.Hour})
	for want, extra := range map[Status][]pkix.Extension{Unknown: nil, Good: {kept}} {
		o.Evidence.CRLs = [][]byte{rootCRL, w.crl(t, w.ica, crlOptions{this: -time.Minute, next: time.Hour, extra: extra})}
		if s := must(Validate(context.Background(), w.end.cert, o))(t).Certificates[0]; s.Status != want {
			t.Errorf("got %v, want %v: %v", s.Status, want, s.Problems)
		}
	}
}

func TestIssuerThatMayNotSignLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t, spoil{ica: func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign }})
	o := w.options()
	pretend := *w.ica.cert // crypto/x509 would refuse to make the list otherwise
	pretend.KeyUsage |= x509.KeyUsageCRLSign
	o.Evidence.CRLs = [][]byte{w.crl(t, &entity{&pretend, w.ica.key}, crlOptions{this: -time.Minute, next: time.Hour})}
	s := must(Validate(context.Background(), w.end.cert, o))(t).Certificates[0]
	if s.Status != Unknown || len(s.Problems) != 1 || !errors.Is(s.Problems[0], ErrKeyUsage) {
		t.Errorf("got %v, %v", s.Status, s.Problems)
	}
}

// TestListSignedBySHA1ProvesNothing signs a list again by SHA-1, which
// crypto/x509 no longer does.
func TestListSignedBySHA1ProvesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, spoil{})
	key := must(rsa.GenerateKey(rand.Reader, 2048))(t)
	w.ica = issueKey(t, w.now, "CA cũ", key, w.root, true, nil)
	w.end = issue(t, w.now, "Đặng", w.ica, false, nil)
	o := w.options()
	o.Evidence.CRLs = [][]byte{resignSHA1(t, key, w.crl(t, w.ica, crlOptions{this: -time.Minute, next: time.Hour}))}
	for want, allow := range map[Status]bool{Unknown: false, Good: true} {
		o.Algorithms.AllowWeak = allow
		if s := must(Validate(context.Background(), w.end.cert, o))(t).Certificates[0]; s.Status != want {
			t.Errorf("got %v, want %v: %v", s.Status, want, s.Problems)
		}
	}
}

func TestListWhoseAlgorithmsDifferIsMalformed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, spoil{})
	der := w.crl(t, w.ica, crlOptions{next: time.Hour})
	ecdsaSHA256 := []byte{0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2}
	der[bytes.LastIndex(der, ecdsaSHA256)+7] = 3
	if _, err := parseCRL(der); CodeOf(err) != ErrMalformed {
		t.Errorf("got %v", err)
	}
}

// TestResponderWithoutNoCheckIsLookedUp: its own status comes from a list.
func TestResponderWithoutNoCheckIsLookedUp(t *testing.T) {
	t.Parallel()
	for want, revoked := range map[Status]bool{Good: false, Unknown: true} {
		w := newWorld(t, spoil{end: func(c *x509.Certificate) { c.CRLDistributionPoints = []string{shardURL} }})
		r := issue(t, w.now, "OCSP", w.ica, false, func(c *x509.Certificate) {
			responder(c)
			c.ExtraExtensions, c.CRLDistributionPoints = nil, []string{shardURL + "2"}
		})
		// The list is a shard for the responder only, so it says nothing of the leaf.
		list := crlOptions{this: -time.Minute, next: time.Hour, extra: []pkix.Extension{idp(t, fullName(t, shardURL+"2"))}}
		if revoked {
			list.revoked = []x509.RevocationListEntry{w.entry(r, -time.Hour, pki.KeyCompromise)}
		}
		o := w.options()
		o.Evidence.OCSPs = [][]byte{w.ocsp(t, w.end, w.ica, ocspOptions{this: -time.Minute, next: time.Hour, responder: r})}
		o.Evidence.CRLs = [][]byte{w.crl(t, w.ica, list)}
		res := must(Validate(context.Background(), w.end.cert, o))(t)
		if s := res.Certificates[0]; s.Status != want {
			t.Errorf("responder revoked %v: %v, %v", revoked, s.Status, s.Problems)
		}
		if !revoked && len(res.Used.CRLs) != 1 {
			t.Error("the responder's list is not among what is needed later")
		}
	}
}

// fetchWorld has addresses in its certificates and a fetcher that knows them.
func fetchWorld(t *testing.T) (*world, *fakeFetcher, Options) {
	w := newWorld(t, spoil{
		ica: func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"http://pki.example.vn/crl/root.crl"} },
		end: func(c *x509.Certificate) {
			c.OCSPServer, c.CRLDistributionPoints = []string{"ldap://x", ocspURL}, []string{shardURL}
		},
	})
	delegate := issue(t, w.now, "OCSP", w.ica, false, responder)
	f := &fakeFetcher{
		ocsps: map[string][]byte{ocspURL: w.ocsp(t, w.end, w.ica, ocspOptions{this: -time.Minute, next: time.Hour, responder: delegate})},
		crls: map[string][]byte{
			"http://pki.example.vn/crl/root.crl": w.crl(t, w.root, crlOptions{this: -time.Minute, next: time.Hour}),
			shardURL:                             w.crl(t, w.ica, crlOptions{this: -time.Minute, next: time.Hour, extra: []pkix.Extension{idp(t, fullName(t, shardURL))}}),
		},
	}
	o := w.options()
	o.Fetcher = f
	return w, f, o
}

func TestCollectedEvidenceAnswersLaterWithoutFetching(t *testing.T) {
	t.Parallel()
	w, f, o := fetchWorld(t)
	r := must(Collect(context.Background(), w.end.cert, o, 0))(t)
	if want := []string{ocspURL, "http://pki.example.vn/crl/root.crl"}; !slices.Equal(f.asked, want) {
		t.Errorf("asked %v, want %v", f.asked, want)
	}
	if len(r.Used.Certificates) != 4 || len(r.Used.OCSPs) != 1 || len(r.Used.CRLs) != 1 || !r.Certificates[0].Fetched {
		t.Errorf("used %d certificates, %d OCSPs, %d CRLs", len(r.Used.Certificates), len(r.Used.OCSPs), len(r.Used.CRLs))
	}
	// Years later, from the DSS alone, judged at the signature's time.
	later := Options{Anchors: o.Anchors, Evidence: r.Used, At: w.now, Now: w.now.Add(5 * 365 * 24 * time.Hour)}
	again := must(Validate(context.Background(), w.end.cert, later))(t)
	if err := again.Check(); err != nil {
		t.Errorf("later: %v", err)
	}
}

func TestCollectFallsBackToTheListAndSaysWhatFailed(t *testing.T) {
	t.Parallel()
	w, f, o := fetchWorld(t)
	delete(f.ocsps, ocspURL)
	r := must(Collect(context.Background(), w.end.cert, o, 0))(t)
	if s := r.Certificates[0]; s.Source != sourceCRL || len(s.Problems) != 1 || !errors.Is(s.Problems[0], ErrFetch) || !errors.Is(s.Problems[0], errUnreachable) {
		t.Errorf("status %+v", s)
	}
	f.crls[shardURL] = make([]byte, 2<<20) // never embedded
	o.MaxEvidenceBytes = 64 << 20
	if _, err := Collect(context.Background(), w.end.cert, o, 0); !errors.Is(err, ErrUnknown) || !errors.Is(err, ErrEvidenceTooLarge) {
		t.Errorf("large list: %v", err)
	}
	delete(f.crls, shardURL)
	if _, err := Collect(context.Background(), w.end.cert, o, 0); !errors.Is(err, ErrUnknown) {
		t.Errorf("nothing reachable: %v", err)
	}
}

func TestCollectBoundsTheWhole(t *testing.T) {
	t.Parallel()
	w, _, o := fetchWorld(t)
	r := must(Collect(context.Background(), w.end.cert, o, 0))(t)
	if _, err := Collect(context.Background(), w.end.cert, o, r.Used.Size()); err != nil {
		t.Errorf("exactly enough: %v", err)
	}
	if _, err := Collect(context.Background(), w.end.cert, o, r.Used.Size()-1); !errors.Is(err, ErrEvidenceTooLarge) {
		t.Errorf("one byte too many: %v", err)
	}
}

func TestNothingIsFetchedForPathsWithoutAnAnchor(t *testing.T) {
	t.Parallel()
	w, f, o := fetchWorld(t)
	o.Anchors = nil
	if _, err := Validate(context.Background(), w.end.cert, o); !errors.Is(err, ErrNoAnchor) {
		t.Errorf("got %v", err)
	}
	if len(f.asked) > 0 {
		t.Errorf("asked %v", f.asked)
	}
}

func TestRevokedCAIsFound(t *testing.T) {
	t.Parallel()
	w, f, o := fetchWorld(t)
	f.crls["http://pki.example.vn/crl/root.crl"] = w.crl(t, w.root, crlOptions{this: -time.Minute, next: time.Hour,
		revoked: []x509.RevocationListEntry{w.entry(w.ica, -10*time.Minute, pki.CACompromise)}})
	r, err := Collect(context.Background(), w.end.cert, o, 0)
	if !errors.Is(err, ErrRevoked) || r.Certificates[1].Status != Revoked || r.Certificates[1].Reason != pki.CACompromise {
		t.Errorf("got %v", err)
	}
}
