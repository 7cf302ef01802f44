package path

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

var (
	oidEmailProtection = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 4}
	extPolicyDemanded  = pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 36}, Critical: true, Value: []byte{0x30, 0x03, 0x80, 0x01, 0x00}}
)

// TestEachFaultHasItsReason spoils one thing a row. openssl must refuse what we
// refuse, where it has the same rule.
func TestEachFaultHasItsReason(t *testing.T) {
	t.Parallel()
	rsa1024 := must(rsa1024Key())(t)
	for name, tc := range map[string]struct {
		spoil   spoil
		change  func(*world, *Options)
		want    Code // "" = good
		openssl bool // openssl verify is asked too
	}{
		"good": {openssl: true},
		"leaf expired": {spoil: spoil{end: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }},
			want: ErrExpired, openssl: true},
		"CA expired": {spoil: spoil{ica: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }},
			want: ErrExpired, openssl: true},
		"not yet valid": {spoil: spoil{end: func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }},
			want: ErrNotYetValid, openssl: true},
		"intermediate is no CA": {spoil: spoil{ica: func(c *x509.Certificate) { c.IsCA = false }}, want: ErrNotCA, openssl: true},
		"no basicConstraints":   {spoil: spoil{ica: func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = false, false }}, want: ErrNotCA, openssl: true},
		"pathLen 0 above two": {spoil: spoil{root: func(c *x509.Certificate) { c.MaxPathLenZero = true }},
			want: ErrLength, openssl: true},
		"CA may not sign certificates": {spoil: spoil{ica: func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }},
			want: ErrKeyUsage, openssl: true},
		"anchor may not sign certificates": {spoil: spoil{root: func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }},
			want: ErrKeyUsage},
		"unknown critical extension": {spoil: spoil{end: func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
		}}, want: ErrCritical, openssl: true},
		"unknown extension": {spoil: spoil{end: func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: []byte{5, 0}}}
		}}, openssl: true},
		"key usage not wanted": {change: func(_ *world, o *Options) { o.KeyUsage = x509.KeyUsageContentCommitment }, want: ErrKeyUsage},
		"key usage wanted":     {change: func(_ *world, o *Options) { o.KeyUsage = x509.KeyUsageDigitalSignature }},
		"other purpose": {spoil: spoil{end: func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }},
			change: func(_ *world, o *Options) { o.Purposes = []asn1.ObjectIdentifier{oidEmailProtection} }, want: ErrExtKeyUsage},
		"CA of other purpose": {spoil: spoil{ica: func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }},
			change: func(_ *world, o *Options) { o.Purposes = []asn1.ObjectIdentifier{oidEmailProtection} }, want: ErrExtKeyUsage},
		"any purpose": {spoil: spoil{end: func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }},
			change: func(_ *world, o *Options) { o.Purposes = []asn1.ObjectIdentifier{oidEmailProtection} }},
		"policy demanded and absent": {spoil: spoil{ica: func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{extPolicyDemanded} }},
			want: ErrPolicy, openssl: true},
		"no intermediate": {change: func(_ *world, o *Options) { o.Intermediates = nil }, want: ErrNoAnchor},
		"no anchor":       {change: func(_ *world, o *Options) { o.Anchors = nil }, want: ErrNoAnchor},
		"impostor of the same name": {change: func(w *world, o *Options) {
			o.Intermediates = []*x509.Certificate{issue(t, w.now, "CA cấp dưới", w.root, true, func(c *x509.Certificate) { c.SubjectKeyId = w.ica.cert.SubjectKeyId }).cert}
		}, want: ErrSignature},
		"weak RSA key": {change: func(w *world, o *Options) {
			w.end = issueKey(t, w.now, "yếu", rsa1024, w.ica, false, nil)
		}, want: ErrWeakAlgorithm},
		"leaf is an anchor": {change: func(w *world, o *Options) { o.Anchors[0].Certificates = []*x509.Certificate{w.end.cert} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tc.spoil)
			o := w.options()
			if tc.change != nil {
				tc.change(w, &o)
			}
			r, err := Validate(context.Background(), w.end.cert, o)
			if CodeOf(err) != tc.want {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			if err == nil && (r.Anchor != "thử" || r.Certificates[len(r.Chain)-1].Status != Trusted) {
				t.Errorf("result %+v", r)
			}
			if tc.openssl {
				if ok := opensslVerify(t, w); ok != (tc.want == "") {
					t.Errorf("openssl verify says %v", ok)
				}
			}
		})
	}
}

// opensslVerify asks openssl about the world's leaf.
func opensslVerify(t *testing.T, w *world, args ...string) bool {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, c := range map[string]*x509.Certificate{"root": w.root.cert, "ica": w.ica.cert, "end": w.end.cert} {
		data := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("openssl", append([]string{"verify", "-CAfile", "root", "-untrusted", "ica", "-policy_check"}, append(args, "end")...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	return err == nil
}

// rsa1024Key is weak on purpose.
func rsa1024Key() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 1024) }

func TestPathIsJudgedAtThePast(t *testing.T) {
	t.Parallel()
	over := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
	}
	w := newWorld(t, spoil{root: over, ica: over, end: over})
	o := w.options()
	if _, err := Validate(context.Background(), w.end.cert, o); !errors.Is(err, ErrExpired) {
		t.Errorf("now: %v", err)
	}
	o.At = w.now.Add(-30 * time.Hour)
	if _, err := Validate(context.Background(), w.end.cert, o); err != nil {
		t.Errorf("while it was valid: %v", err)
	}
	o.At = w.now.Add(-50 * time.Hour)
	if _, err := Validate(context.Background(), w.end.cert, o); !errors.Is(err, ErrNotYetValid) {
		t.Errorf("before it was: %v", err)
	}
}

func TestSignatureAlgorithmsOfCertificates(t *testing.T) {
	t.Parallel()
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))(t)
	for _, tc := range []struct {
		key  crypto.Signer
		algs []x509.SignatureAlgorithm
	}{
		{rsaKey, []x509.SignatureAlgorithm{x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA,
			x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS}},
		{must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))(t), []x509.SignatureAlgorithm{x509.ECDSAWithSHA384}},
		{must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))(t), []x509.SignatureAlgorithm{x509.ECDSAWithSHA512}},
	} {
		for _, alg := range tc.algs {
			w := &world{now: time.Now()}
			w.root = issueKey(t, w.now, "Gốc", tc.key, nil, true, nil)
			w.ica = issue(t, w.now, "CA", w.root, true, func(c *x509.Certificate) { c.SignatureAlgorithm = alg })
			w.end = issue(t, w.now, "Đỗ", w.ica, false, nil)
			if _, err := Validate(context.Background(), w.end.cert, w.options()); err != nil {
				t.Errorf("%v: %v", alg, err)
			}
		}
	}
}

func TestPathFindsTheListOfItsAnchor(t *testing.T) {
	t.Parallel()
	ours, neac := newWorld(t, spoil{}), newWorld(t, spoil{})
	// The same CA key certified by both roots; only one of them is trusted.
	cross := issueKey(t, ours.now, "CA cấp dưới", ours.ica.key, neac.root, true, nil)
	o := ours.options()
	o.Anchors = []AnchorList{{Name: "rỗng"}, {Name: "neac", Certificates: []*x509.Certificate{neac.root.cert}}}
	o.Intermediates = []*x509.Certificate{ours.ica.cert, ours.root.cert, cross.cert, neac.ica.cert}
	r := must(Validate(context.Background(), ours.end.cert, o))(t)
	if r.Anchor != "neac" || len(r.Chain) != 3 || !r.Chain[1].Equal(cross.cert) {
		t.Errorf("found %q over %d certificates", r.Anchor, len(r.Chain))
	}
}

// TestTangleEnds has CAs of one name and one key each that all certify each
// other: the number of paths grows with the factorial.
func TestTangleEnds(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var keys []*entity
	for i := range 7 {
		keys = append(keys, issue(t, now, fmt.Sprint("CA ", i), nil, true, nil))
	}
	o := Options{Now: now, Anchors: []AnchorList{{Name: "x", Certificates: []*x509.Certificate{issue(t, now, "khác", nil, true, nil).cert}}}}
	for i, subject := range keys {
		for j, issuer := range keys {
			if i != j {
				o.Intermediates = append(o.Intermediates, issueKey(t, now, fmt.Sprint("CA ", i), subject.key, issuer, true, nil).cert)
			}
		}
	}
	leaf := issue(t, now, "lá", keys[0], false, nil)
	started := time.Now()
	if _, err := Validate(context.Background(), leaf.cert, o); !errors.Is(err, ErrTooComplex) {
		t.Errorf("got %v", err)
	}
	if d := time.Since(started); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

// TestCircleIsNotWalkedTwice has three CAs that certify each other: few ways
// without repeating one, too many with.
func TestCircleIsNotWalkedTwice(t *testing.T) {
	t.Parallel()
	now := time.Now()
	o := Options{Now: now}
	var cas []*entity
	for i := range 3 {
		cas = append(cas, issue(t, now, fmt.Sprint("CA ", i), nil, true, nil))
	}
	for i, subject := range cas {
		for j, issuer := range cas {
			if i != j {
				o.Intermediates = append(o.Intermediates, issueKey(t, now, fmt.Sprint("CA ", i), subject.key, issuer, true, nil).cert)
			}
		}
	}
	if _, err := Validate(context.Background(), issue(t, now, "lá", cas[0], false, nil).cert, o); CodeOf(err) != ErrNoAnchor {
		t.Errorf("got %v", err)
	}
}

// TestSHA1IsRefusedUnlessAllowed signs a certificate again by SHA-1, which
// crypto/x509 no longer does.
func TestSHA1IsRefusedUnlessAllowed(t *testing.T) {
	t.Parallel()
	key := must(rsa.GenerateKey(rand.Reader, 2048))(t)
	w := newWorld(t, spoil{})
	w.ica = issueKey(t, w.now, "CA cũ", key, w.root, true, nil)
	w.end = issue(t, w.now, "Đặng", w.ica, false, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA256WithRSA })
	w.end.cert = must(x509.ParseCertificate(resignSHA1(t, key, w.end.cert.Raw)))(t)
	o := w.options()
	if _, err := Validate(context.Background(), w.end.cert, o); CodeOf(err) != ErrWeakAlgorithm {
		t.Errorf("got %v", err)
	}
	o.Algorithms.AllowWeak = true
	if _, err := Validate(context.Background(), w.end.cert, o); err != nil {
		t.Errorf("where allowed: %v", err)
	}
}

// resignSHA1 makes a structure signed by sha256WithRSAEncryption into one signed
// by sha1WithRSAEncryption.
func resignSHA1(t *testing.T, key *rsa.PrivateKey, der []byte) []byte {
	t.Helper()
	sha256OID, sha1OID := []byte{0x86, 0xF7, 0x0D, 1, 1, 11}, []byte{0x86, 0xF7, 0x0D, 1, 1, 5}
	var signed struct {
		TBS asn1.RawValue
		Alg pkix.AlgorithmIdentifier
		Sig asn1.BitString
	}
	if _, err := asn1.Unmarshal(bytes.ReplaceAll(der, sha256OID, sha1OID), &signed); err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum(signed.TBS.FullBytes)
	signed.Sig.Bytes = must(rsa.SignPKCS1v15(nil, key, crypto.SHA1, sum[:]))(t)
	return must(asn1.Marshal(signed))(t)
}

// TestSelfIssuedCertificatesDoNotCount: a CA's own roll-over certificate uses up
// no pathLen and is not bound by name constraints (RFC 5280, Section 6.1).
func TestSelfIssuedCertificatesDoNotCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, spoil{root: func(c *x509.Certificate) { c.MaxPathLen = 1 }})
	constrained := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 30}, Critical: true,
		Value: subtrees(t, 0, directory(t, pkix.Name{Country: []string{"VN"}, CommonName: "Nguyễn Văn Ký"})).Value}
	w.ica = issue(t, w.now, "CA cấp dưới", w.root, true, func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{constrained} })
	next := issue(t, w.now, "CA cấp dưới", w.ica, true, nil)
	w.end = issue(t, w.now, "Nguyễn Văn Ký", next, false, nil)
	o := w.options()
	o.Intermediates = append(o.Intermediates, next.cert)
	r, err := Validate(context.Background(), w.end.cert, o)
	if err != nil || len(r.Chain) != 4 {
		t.Errorf("got %v", err)
	}
}

func TestAnchorsAreReadStrictly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, spoil{})
	block := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	two := append(block("CERTIFICATE", w.root.cert.Raw), block("CERTIFICATE", w.ica.cert.Raw)...)
	if list := must(ParseAnchors("neac", two))(t); len(list.Certificates) != 2 || list.Name != "neac" {
		t.Errorf("read %+v", list)
	}
	for name, data := range map[string][]byte{
		"empty": nil, "text": []byte("không phải PEM"), "key": append(two, block("PRIVATE KEY", []byte{0x30, 0})...),
		"broken": block("CERTIFICATE", []byte{0x30, 0x81}),
	} {
		if _, err := ParseAnchors("x", data); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	w := newWorld(b, spoil{})
	o := w.options()
	o.SkipRevocation = true
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Validate(context.Background(), w.end.cert, o); err != nil {
			b.Fatal(err)
		}
	}
}
