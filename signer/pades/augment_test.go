package pades_test

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/interop"
	"github.com/kyso-vn/kyso/internal/testkit/trust"
	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/pki/tsa"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// world is a PKI on loopback with one person, and what raises signatures there.
type world struct {
	*trust.World
	*trust.Person
	root string // PEM file
	o    pades.AugmentOptions
}

func newWorld(t testing.TB, key crypto.Signer) *world {
	t.Helper()
	w, err := trust.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	p, err := w.Person("Nguyễn Văn Ấn", key)
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(root, trust.PEM(w.Root), 0o600); err != nil {
		t.Fatal(err)
	}
	return &world{World: w, Person: p, root: root, o: pades.AugmentOptions{
		TSA:     &tsa.Client{URLs: []string{w.URL + "/tsa"}},
		Fetcher: &path.HTTPFetcher{Client: http.DefaultClient},
	}}
}

func (w *world) options() pades.Options {
	return pades.Options{Certificate: w.Cert, Chain: w.Chain, Active: pades.ActiveWarn}
}

func (w *world) sign(t testing.TB, in []byte, level signer.Level, o pades.Options) []byte {
	t.Helper()
	var out bytes.Buffer
	r, err := pades.Sign(t.Context(), pades.FromBytes(in), o, w.Key, level, w.o, &out)
	if err != nil {
		t.Fatal(err)
	}
	if r.Level != level || r.Bytes != int64(out.Len()) || r.Field.Name == "" {
		t.Errorf("result %+v of %d bytes at %s", r, out.Len(), level)
	}
	if !bytes.HasPrefix(out.Bytes(), in) {
		t.Error("the input is not a prefix of the output")
	}
	return out.Bytes()
}

func (w *world) augment(t testing.TB, in []byte, level signer.Level) []byte {
	t.Helper()
	var out bytes.Buffer
	r, err := pades.Augment(t.Context(), pades.FromBytes(in), level, w.o, &out)
	if err != nil {
		t.Fatal(err)
	}
	if r.Level != level || r.Bytes != int64(out.Len()) {
		t.Errorf("result %+v of %d bytes at %s", r, out.Len(), level)
	}
	if !bytes.HasPrefix(out.Bytes(), in) {
		t.Error("the input is not a prefix of the output")
	}
	return out.Bytes()
}

// evidence is what the DSS of a file holds.
type evidence struct{ certs, ocsps, crls, vri int }

func evidenceOf(t testing.TB, file []byte, password string) evidence {
	t.Helper()
	r, err := pdf.Open(bytes.NewReader(file), int64(len(file)), pdf.Options{Password: password})
	if err != nil {
		t.Fatal(err)
	}
	v := r.Last()
	catalog, err := pdf.Catalog(v)
	if err != nil {
		t.Fatal(err)
	}
	dss, err := pdf.DictAt(v, catalog.Get("DSS"))
	if err != nil || dss == nil {
		return evidence{}
	}
	seen := map[string]bool{}
	count := func(key pdf.Name) int {
		a, err := pdf.ArrayAt(v, dss.Get(key))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range a {
			st, err := v.Resolve(o)
			if err != nil {
				t.Fatal(err)
			}
			data, err := v.StreamData(st.(*pdf.Stream), 1<<20)
			if err != nil || seen[string(data)] {
				t.Errorf("%s holds something unreadable or twice: %v", key, err)
			}
			seen[string(data)] = true
		}
		return len(a)
	}
	e := evidence{certs: count("Certs"), ocsps: count("OCSPs"), crls: count("CRLs")}
	if vri, err := pdf.DictAt(v, dss.Get("VRI")); err == nil && vri != nil {
		e.vri = len(vri.Entries)
	}
	return e
}

func TestLevelsAreReachedAtOnceAndStepByStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t, p256(t))
	in := read(t, "../../testdata/pdf/to-trinh.pdf")
	// Subfilters in the order of the file, and whether there is a DSS.
	for _, c := range []struct {
		level  signer.Level
		stamps int
		store  bool
	}{{signer.LevelB, 0, false}, {signer.LevelT, 0, false}, {signer.LevelLT, 0, true}, {signer.LevelLTA, 1, true}} {
		t.Run(c.level.String(), func(t *testing.T) {
			t.Parallel()
			atOnce := w.sign(t, in, c.level, w.options())
			w.check(t, atOnce, c.stamps, c.store)
			steps, stamps := w.sign(t, in, signer.LevelB, w.options()), c.stamps
			for l := signer.LevelT; l <= c.level; l++ {
				steps = w.augment(t, steps, l)
			}
			if c.level >= signer.LevelT {
				stamps++ // the trusted time is a document time-stamp
			}
			w.check(t, steps, stamps, c.store)
		})
	}
}

// check has the judges look at a file with one signature and some document time-stamps.
func (w *world) check(t testing.TB, file []byte, stamps int, store bool) {
	t.Helper()
	path := judge(t, file, w.root, "", 1+stamps)
	found, err := interop.ExtractCMS(path)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, s := range found {
		if s.Timestamp {
			n++
		}
	}
	if n != stamps {
		t.Errorf("%d document time-stamps, want %d", n, stamps)
	}
	e := evidenceOf(t, file, "")
	if store != (e.certs > 0) {
		t.Errorf("DSS is %+v", e)
	}
	if store && (e.certs < 4 || e.ocsps < 1 || e.crls < 2 || e.vri < 1) {
		t.Errorf("DSS is %+v; want the person, CA, root, TSA and responder, an OCSP response, two CRLs", e)
	}
	reports, err := interop.PDFSig(t.Context(), path)
	if err != nil || len(reports) == 0 {
		t.Fatal(reports, err)
	}
	for _, r := range reports {
		if !r.Valid && r.SubFilter == "ETSI.CAdES.detached" {
			t.Errorf("pdfsig says %+v", r)
		}
	}
}

func TestArchivesAreRenewedWithoutRepeatingEvidence(t *testing.T) {
	t.Parallel()
	w := newWorld(t, p256(t))
	file := w.sign(t, read(t, "../../testdata/pdf/qpdf/object-streams.pdf"), signer.LevelLTA, w.options())
	before := evidenceOf(t, file, "")
	for range 3 {
		file = w.augment(t, file, signer.LevelLTA)
	}
	judge(t, file, w.root, "", 5)
	after := evidenceOf(t, file, "")
	if after.certs != before.certs || after.ocsps != before.ocsps || after.crls != before.crls {
		t.Errorf("evidence grew from %+v to %+v", before, after)
	}
	if after.vri != 4 { // the signature, and every time-stamp but the newest
		t.Errorf("%d signatures in the VRI", after.vri)
	}
	// A second signer's evidence is merged into the same store.
	file = w.sign(t, file, signer.LevelLT, w.options())
	judge(t, file, w.root, "", 6)
	if e := evidenceOf(t, file, ""); e.vri != 6 {
		t.Errorf("%d signatures in the VRI", e.vri)
	}
	if again := w.augment(t, file, signer.LevelLT); len(again) != len(file) {
		t.Error("a level that is there was added again")
	}
}

func TestEncryptedAndCertifiedFilesAreRaised(t *testing.T) {
	t.Parallel()
	w := newWorld(t, p256(t))
	for name, change := range map[string]func(*pades.Options){
		"qpdf/rc4-128.pdf": nil, "qpdf/aes-256-object-streams.pdf": nil,
		"qpdf/password.pdf": func(o *pades.Options) { o.Password = "secret" },
		"to-trinh.pdf":      func(o *pades.Options) { o.Certify = 1 },
		"quyet-dinh.pdf":    func(o *pades.Options) { o.LockAll = true },
	} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			o := w.options()
			if change != nil {
				change(&o)
			}
			file := w.sign(t, read(t, "../../testdata/pdf/"+name), signer.LevelLTA, o)
			judge(t, file, w.root, o.Password, 2)
			if e := evidenceOf(t, file, o.Password); e.certs < 4 {
				t.Errorf("DSS is %+v", e)
			}
			raise := w.o
			raise.Password = o.Password
			var out bytes.Buffer
			if _, err := pades.Augment(t.Context(), pades.FromBytes(file), signer.LevelLTA, raise, &out); err != nil {
				t.Fatal(err)
			}
			judge(t, out.Bytes(), w.root, o.Password, 3)
			if o.Password == "" {
				return
			}
			raise.Password = "wrong"
			if _, err := pades.Augment(t.Context(), pades.FromBytes(file), signer.LevelLTA, raise, &bytes.Buffer{}); signer.CodeOf(err) != string(pdf.EncryptedPassword) {
				t.Errorf("wrong password: %v", err)
			}
		})
	}
}

func TestAnIndirectStoreOfOthersIsMerged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, p256(t))
	in := read(t, "../../testdata/pdf/to-trinh.pdf")
	r, err := pdf.Open(bytes.NewReader(in), int64(len(in)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	u := pdf.NewUpdate(r)
	add := func(o pdf.Object, err error) pdf.Object {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	ca := add(u.AddStream(pdf.Map{}, w.CA.Raw))
	junk := add(u.AddStream(pdf.Map{}, []byte("no certificate")))
	certs := add(u.Add(pdf.Array{ca, junk}))
	vri := add(u.Add(pdf.Map{"00112233445566778899AABBCCDDEEFF00112233": pdf.Map{"Cert": pdf.Array{ca}}}))
	dss := add(u.Add(pdf.Map{"Certs": certs, "VRI": vri, "Other": pdf.Name("Kept")}))
	root, err := pdf.RootRef(u)
	if err != nil {
		t.Fatal(err)
	}
	e, err := u.Edit(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Set("DSS", dss); err != nil {
		t.Fatal(err)
	}
	inc, err := u.Build()
	if err != nil {
		t.Fatal(err)
	}
	file := w.sign(t, append(bytes.Clone(in), inc.Bytes...), signer.LevelLT, w.options())
	judge(t, file, w.root, "", 1)
	got := evidenceOf(t, file, "")
	if got.vri != 2 || got.certs != 6 || !bytes.Contains(file[len(in)+len(inc.Bytes):], []byte("/Other /Kept")) {
		t.Errorf("DSS is %+v", got)
	}
}

func TestWithoutAuthorityOrEvidenceThereIsACode(t *testing.T) {
	t.Parallel()
	in := read(t, "../../testdata/pdf/to-trinh.pdf")
	for name, c := range map[string]struct {
		level  signer.Level
		change func(*world)
		code   string
	}{
		"no TSA":       {signer.LevelT, func(w *world) { w.o.TSA = nil }, pades.CodeTSAMissing},
		"TSA down":     {signer.LevelT, func(w *world) { w.SetDown("/tsa", true) }, signer.CodeTSAFailed},
		"garbage":      {signer.LevelT, func(w *world) { w.o.TSA = liar{} }, signer.CodeTSAFailed},
		"other digest": {signer.LevelLTA, func(w *world) { w.o.TSA = liar{w.TSA} }, signer.CodeTSAFailed},
		"offline":      {signer.LevelLT, func(w *world) { w.o.Fetcher = nil }, string(path.ErrUnknown)},
		"CRLs down":    {signer.LevelLT, func(w *world) { w.SetDown("/root.crl", true) }, string(path.ErrUnknown)},
		"no room":      {signer.LevelLT, func(w *world) { w.o.MaxBytes = 2000 }, pades.CodeDataTooLarge},
		"other anchor": {signer.LevelLT, func(w *world) { w.o.Anchors = []path.AnchorList{{Name: "khác"}} }, string(path.ErrNoAnchor)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, p256(t))
			c.change(w)
			if _, err := pades.Sign(t.Context(), pades.FromBytes(in), w.options(), w.Key, c.level, w.o, &bytes.Buffer{}); signer.CodeOf(err) != c.code {
				t.Errorf("%v, want %s", err, c.code)
			}
		})
	}
}

// liar stamps something else than it was asked for, or nothing at all.
type liar struct{ pades.Timestamper }

func (l liar) Timestamp(ctx context.Context, h crypto.Hash, digest []byte) ([]byte, error) {
	if l.Timestamper == nil {
		return []byte("0123456789"), nil
	}
	other := bytes.Clone(digest)
	other[0] ^= 1
	return l.Timestamper.Timestamp(ctx, h, other)
}

func TestARevokedSignerGetsNoValidationData(t *testing.T) {
	t.Parallel()
	w := newWorld(t, p256(t))
	if err := w.Revoke(w.Cert, time.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	_, err := pades.Sign(t.Context(), pades.FromBytes(read(t, "../../testdata/pdf/to-trinh.pdf")), w.options(), w.Key, signer.LevelLT, w.o, &bytes.Buffer{})
	if signer.CodeOf(err) != string(path.ErrRevoked) {
		t.Errorf("%v", err)
	}
}

func TestEvidenceAtHandNeedsNoNetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, p256(t))
	w.o.Fetcher = nil
	for _, issuer := range w.Chain {
		der, err := w.CRL(issuer)
		if err != nil {
			t.Fatal(err)
		}
		w.o.CRLs = append(w.o.CRLs, der)
	}
	file := w.sign(t, read(t, "../../testdata/pdf/to-trinh.pdf"), signer.LevelLTA, w.options())
	judge(t, file, w.root, "", 2)
	if e := evidenceOf(t, file, ""); e.crls != 2 || e.ocsps != 0 {
		t.Errorf("DSS is %+v", e)
	}
	for _, path := range []string{"/ocsp", "/ca.crl", "/root.crl"} {
		if n := w.Asked.Of(path); n != 0 {
			t.Errorf("%s was asked %d times", path, n)
		}
	}
}

func TestSomebodyElsesSignatureIsNoObstacle(t *testing.T) {
	t.Parallel()
	w, stranger := newWorld(t, p256(t)), newPerson(t, "người lạ", p256(t))
	file := sign(t, read(t, "../../testdata/pdf/to-trinh.pdf"), stranger, pades.Options{})
	judge(t, w.sign(t, file, signer.LevelLTA, w.options()), "", "", 3)
	if _, err := pades.Augment(t.Context(), pades.FromBytes(file), signer.LevelLT, w.o, &bytes.Buffer{}); signer.CodeOf(err) != string(path.ErrUnknown) {
		t.Errorf("raising the stranger's own signature: %v", err)
	}
}

func TestALargeTimestampBecomesADocumentTimestamp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, p256(t))
	o := w.options()
	o.TimestampRoom = 100
	judge(t, w.sign(t, read(t, "../../testdata/pdf/to-trinh.pdf"), signer.LevelT, o), w.root, "", 2)
}

func TestSignRefusesWhatDoesNotBelongTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t, p256(t))
	in := read(t, "../../testdata/pdf/to-trinh.pdf")
	for name, c := range map[string]struct {
		change func(*pades.Options) crypto.Signer
		code   string
	}{
		"key":     {func(*pades.Options) crypto.Signer { return p256(t) }, pades.CodeKeyMismatch},
		"late":    {func(o *pades.Options) crypto.Signer { o.SigningTime = time.Now().AddDate(1, 0, 0); return w.Key }, pades.CodeExpired},
		"early":   {func(o *pades.Options) crypto.Signer { o.SigningTime = time.Now().AddDate(-1, 0, 0); return w.Key }, pades.CodeExpired},
		"nothing": {func(o *pades.Options) crypto.Signer { o.Certificate = nil; return w.Key }, pades.CodeKeyMismatch},
	} {
		o := w.options()
		key := c.change(&o)
		if _, err := pades.Sign(t.Context(), pades.FromBytes(in), o, key, signer.LevelB, w.o, &bytes.Buffer{}); signer.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	if _, err := pades.Augment(t.Context(), pades.FromBytes(in), signer.LevelT, w.o, &bytes.Buffer{}); signer.CodeOf(err) != pades.CodeNotSigned {
		t.Errorf("a file without signature: %v", err)
	}
}

func TestAFailingOutputEndsTheWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, p256(t))
	in := read(t, "../../testdata/pdf/to-trinh.pdf")
	for _, room := range []int{0, len(in) / 2, len(in), len(in) + 100} {
		out := &full{room: room}
		if _, err := pades.Sign(t.Context(), pades.FromBytes(in), w.options(), w.Key, signer.LevelLTA, w.o, out); !errors.Is(err, errFull) {
			t.Errorf("room for %d bytes: %v", room, err)
		}
	}
}

var errFull = errors.New("no space left")

// full is a disk with room for some bytes.
type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if len(p) > f.room {
		return 0, errFull
	}
	f.room -= len(p)
	return len(p), nil
}

func TestInputThatChangesWhileItIsReadIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, p256(t))
	in := read(t, "../../testdata/pdf/to-trinh.pdf")
	path := filepath.Join(t.TempDir(), "in.pdf")
	if err := os.WriteFile(path, in, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func() error{
		"longer":  func() error { return os.WriteFile(path, append(bytes.Clone(in), "\n"...), 0o600) },
		"shorter": func() error { return os.Truncate(path, int64(len(in)-1)) },
		"other":   func() error { return os.Chtimes(path, time.Now(), time.Now().Add(-time.Hour)) },
	} {
		f, err := pades.OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := change(); err != nil {
			t.Fatal(err)
		}
		_, err = pades.Sign(t.Context(), f, w.options(), w.Key, signer.LevelB, w.o, &bytes.Buffer{})
		if code := signer.CodeOf(err); code != signer.CodeInputChanged && !strings.Contains(err.Error(), "EOF") {
			t.Errorf("%s: %v", name, err)
		}
		if err := errors.Join(f.Close(), os.WriteFile(path, in, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSchemesReachTheHighestLevel(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		key    crypto.Signer
		scheme cms.Scheme
	}{"PSS": {rsa2048(t), cms.PSS}, "PKCS1": {rsa2048(t), cms.PKCS1v15}, "P-384": {p384(t), ""}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.key)
			o := w.options()
			o.Scheme = c.scheme
			judge(t, w.sign(t, read(t, "../../testdata/pdf/producers/pdftex.pdf"), signer.LevelLTA, o), w.root, "", 2)
		})
	}
}
