package validate_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/kyso-vn/kyso/internal/testkit/trust"
	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/pki/tsa"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/pdf"
	"github.com/kyso-vn/kyso/signer/validate"
)

// world is a PKI on loopback with a leader and a seal.
type world struct {
	*trust.World
	leader, seal *trust.Person
	raise        pades.AugmentOptions
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w, err := trust.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	out := &world{World: w, raise: pades.AugmentOptions{TSA: &tsa.Client{URLs: []string{w.URL + "/tsa"}}, Fetcher: &path.HTTPFetcher{Client: http.DefaultClient}}}
	out.leader, out.seal = out.person(t, "Nguyễn Văn Ấn"), out.person(t, "UBND phường Cửa Nam")
	return out
}

func (w *world) person(t testing.TB, name string) *trust.Person {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.Person(name, k)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// options trust the root and have its CRLs at hand, so B-B passes.
func (w *world) options(t testing.TB) validate.Options {
	t.Helper()
	o := validate.Options{Anchors: []path.AnchorList{{Name: "thử", Certificates: []*x509.Certificate{w.Root}}}}
	for _, issuer := range []*x509.Certificate{w.Root, w.CA} {
		crl, err := w.CRL(issuer)
		if err != nil {
			t.Fatal(err)
		}
		o.CRLs = append(o.CRLs, crl)
	}
	return o
}

func (w *world) sign(t testing.TB, in []byte, who *trust.Person, level signer.Level, o pades.Options) []byte {
	t.Helper()
	o.Certificate, o.Chain = who.Cert, who.Chain
	if o.Active == pades.ActiveRefuse {
		o.Active = pades.ActiveWarn
	}
	var out bytes.Buffer
	if _, err := pades.Sign(t.Context(), pades.FromBytes(in), o, who.Key, level, w.raise, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// finish signs in steps, which leaves room behind the signature; stamper may be nil.
func finish(t testing.TB, in []byte, who *trust.Person, o pades.Options, stamper pades.Timestamper) []byte {
	t.Helper()
	o.Certificate, o.Chain, o.Active = who.Cert, who.Chain, pades.ActiveWarn
	p, err := pades.Prepare(t.Context(), pades.FromBytes(in), o)
	if err != nil {
		t.Fatal(err)
	}
	value, err := who.Key.Sign(rand.Reader, p.Digest(), p.SignerOpts())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := pades.Finish(t.Context(), p, pades.FromBytes(in), value, stamper, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (w *world) augment(t testing.TB, in []byte, level signer.Level) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := pades.Augment(t.Context(), pades.FromBytes(in), level, w.raise, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func addFields(t testing.TB, in []byte, specs ...pades.FieldSpec) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := pades.AddFields(t.Context(), pades.FromBytes(in), specs, "", &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// workflow is the city's: initial, leader, then number, date and seal.
func (w *world) workflow(t testing.TB) (prepared, initialled, signed, sealed []byte) {
	t.Helper()
	prepared = addFields(t, read(t, "to-trinh.pdf"),
		pades.FieldSpec{Name: "ky_nhay", Page: -1, Rect: appearance.Rect{20, 20, 60, 40}},
		pades.FieldSpec{Name: "con_dau", LockAll: true})
	initialled = w.sign(t, prepared, w.person(t, "Trần Thị Bình"), signer.LevelB, pades.Options{Field: "ky_nhay"})
	signed = w.sign(t, initialled, w.leader, signer.LevelB, pades.Options{Field: "chu_ky_lanh_dao", Reason: "Phê duyệt"})
	sealed = w.sign(t, signed, w.seal, signer.LevelB, pades.Options{Field: "con_dau",
		Fill: map[string]string{"so_ky_hieu": "12/QĐ-UBND", "ngay_ban_hanh": "ngày 05 tháng 01 năm 2026"}})
	return prepared, initialled, signed, sealed
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("../../testdata/pdf/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func judge(t testing.TB, file []byte, o validate.Options) *validate.Report {
	t.Helper()
	r, err := validate.File(t.Context(), bytes.NewReader(file), int64(len(file)), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func show(r *validate.Report) string {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// update makes an incremental update of a file.
func update(t testing.TB, file []byte, change func(u *pdf.Update) error) []byte {
	t.Helper()
	r, err := pdf.Open(bytes.NewReader(file), int64(len(file)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	u := pdf.NewUpdate(r)
	if err := change(u); err != nil {
		t.Fatal(err)
	}
	inc, err := u.Build()
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Clone(file), inc.Bytes...)
}

func readerAt(b []byte) *bytes.Reader { return bytes.NewReader(b) }

// failing is a file of which a part can't be read.
type failing struct {
	io.ReaderAt
	from int64
}

func (f failing) ReadAt(b []byte, off int64) (int, error) {
	if off+int64(len(b)) > f.from && off < f.from+64 {
		return 0, errors.New("bad sector")
	}
	return f.ReaderAt.ReadAt(b, off)
}

// silent never answers.
type silent struct{}

func (silent) OCSP(ctx context.Context, _ string, _ []byte) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (silent) CRL(ctx context.Context, _ string) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
